package bench

import (
	"context"
	"io"
	"runtime"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/shm"
	"github.com/ringway/ringway/sync"
)

// teamOrders tell one of the children what to do with the others. Member 0
// produces and leads, the members after it produce, and the rest consume. For
// latency there are two: one pings, one sends back.
type teamOrders struct {
	Transport string // of a connection
	Address   string // where the leader listens
	Dir       string // of names
	Member    int
	Topology  string
	Producers int
	Consumers int
	CPU       int // to be pinned to; -1 is none
	Ring      string
	Back      string // the ring from member 1 to member 0; latency only
	Raw       string // the section for probes, limits and lockstep
	Mode      string
	Size      int
	Batch     int
	Capacity  int
	Duration  time.Duration // of one run
	Wait      string
	Rate      float64 // messages a second; paced only
	Burst     int     // messages that are due at the same time; paced only
	Lease     bool    // written and read in place; throughput only
	ReadOnly  bool    // subscribers map the ring without the right to write
	Detached  bool    // there are none
	Slices    int     // a run is so many of Duration each, one behind the other; 0 is none
}

func (o *teamOrders) leads() bool    { return o.Member == 0 }
func (o *teamOrders) produces() bool { return o.Member < o.Producers }

// answers reports whether this member is the other end of the probes.
func (o *teamOrders) answers() bool { return o.Member == o.Producers }

// sleepsInGo reports whether a member waits in the runtime's poller, which takes
// a change of threads from a goroutine that is locked to its own: on all roads
// but shared memory, as the bare socket beside them does, and there with Poll.
func (o *teamOrders) sleepsInGo() bool {
	return o.Mode == Wakeup || o.Wait == ringway.Poll.String() || o.Topology == Connection && o.Transport != fallback.SHM.String()
}

// hello is what a member says when it has opened all that it needs.
type hello struct {
	Address string // where the leader listens
}

// turn is what the parent has all members do next.
type turn string

const (
	turnProbe turn = "probe" // measure the raw round trip: the machine's regime
	turnLimit turn = "limit" // measure what physics allows
	turnRun   turn = "run"   // do the work
	turnDoze  turn = "doze"  // wakeup: seldom messages
	turnRest  turn = "rest"  // wakeup: none
)

// part is what each member reports after a turn: what it found, and zero for
// the rest.
type part struct {
	Probe    time.Duration
	Raw      limits.Stats      // limit of a round trip
	Copies   limits.Copies     // limit of a rate
	Messages int64             // received, there and back; of a broadcast ring those that were sent
	Received int64             // of a broadcast ring: by this subscriber
	Missed   int64             // likewise
	Ns       int64             // how long that took
	Times    *limits.Histogram `json:",omitempty"` // of round trips, or of the way from sender to receiver
	Stats    limits.Stats      // of Times, before it lost its least and greatest
	Sent     int64             // by this producer to a ring, warming up included; what of that
	Took     int64             // this consumer took; and the sum of the numbers of either
	Sum      uint64
	Allocs   uint64
	Dozing   *Dozing  `json:",omitempty"` // wakeup: the receiver's
	Slices   []Figure `json:",omitempty"` // sliced: of each
}

// The raw section's body: memory for package limits, then words of our own, a
// line each.
const (
	rawKind  = 0xB0 // of a section that only this package understands
	rawLimit = 32 << 10
	maxTeam  = 64

	offStage = rawLimit            // what the run is at
	offDone  = offStage + mem.Line // how many producers have stopped
	offEnded = offDone + mem.Line  // how many consumers have
	offBegan = offEnded + mem.Line // sliced: when the first slice began, by the shared clock
	offSlice = offBegan + mem.Line // sliced: which boundary of a slice was passed last
	offPhase = offSlice + mem.Line // + member × line: how often it came to the meeting point
	rawBody  = offPhase + maxTeam*mem.Line
)

// Stages of a run.
const (
	stageWarm    = iota
	stageMeasure // what is received now counts
	stageStop    // producers stop
)

// typeEnd is the type of the message with which a consumer's run ends.
const typeEnd = 1

// team is one member's state.
type team struct {
	orders  teamOrders
	raw     []byte
	words   mem.Region
	phase   uint64
	run     uint64 // number of the run
	out     *ringway.Producer
	in      *ringway.Consumer
	pub     *ringway.Publisher          // of a broadcast ring, in place of out
	sub     *ringway.Subscriber         // and of in
	conn    *ringway.Conn               // in place of both
	accept  func(context.Context) error // waits for who connects; nil where nobody does
	clock   limits.Clock
	alarm   *time.Timer // of until; nil at first
	buf     []byte
	packed  []byte   // messages of a batch, one behind the other
	batch   [][]byte // the same, one by one
	got     []ringway.Message
	samples []int64
	mix     []int           // sizes of messages; mixed only
	numbers [maxTeam]uint64 // of the next message: of this producer, or by producer
	sum     uint64          // of the numbers that a consumer took in this run

	sentBefore int64 // of a publisher: messages before those that count

	marks []mark // sliced: of a consumer, what it had received at each boundary
}

// teamMember is the child that plays one member of the team.
func teamMember(ctx context.Context, p *pipe) error {
	s := &team{}
	if err := p.take(&s.orders); err != nil {
		return err
	}
	if s.orders.CPU >= 0 {
		pin := limits.Pin
		if s.orders.sleepsInGo() {
			pin = limits.PinProcess
		}
		if err := pin(s.orders.CPU); err != nil {
			return err
		}
	}
	closeAll, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	if err := p.tell(hello{s.orders.Address}); err != nil {
		return err
	}
	if s.accept != nil {
		if err := s.accept(ctx); err != nil {
			return err
		}
	}
	for {
		t, err := p.turn(ctx)
		if err != nil {
			return err
		}
		if err := s.meet(ctx); err != nil {
			return err
		}
		found, err := s.take(ctx, t)
		if err != nil {
			return err
		}
		if err := p.tell(found); err != nil {
			return err
		}
	}
}

// open opens the rings and the raw section.
func (s *team) open(ctx context.Context) (closeAll func(), err error) {
	var closers []io.Closer
	end := func() {
		s.detach()
		for i := len(closers) - 1; i >= 0; i-- {
			_ = closers[i].Close()
		}
	}
	defer func() {
		if err != nil {
			end()
		}
	}()
	o := s.orders
	wait, err := sync.ParseStrategy(o.Wait)
	if err != nil {
		return nil, err
	}
	section, err := shm.Open(o.Raw, shm.OpenOptions{Prefault: true})
	if err != nil {
		return nil, err
	}
	closers = append(closers, section)
	s.raw, s.words = section.Body()[:rawLimit], mem.Of(section.Body())

	if o.Topology == Connection {
		c, err := s.openConn(ctx, wait)
		if err != nil {
			return nil, err
		}
		closers = append(closers, c)
	}
	outName, inName := o.Ring, o.Back
	if !o.produces() {
		if outName, inName = o.Back, o.Ring; o.Detached {
			inName = ""
		}
	}
	open := func(name string, opts ...ringway.Option) (*ringway.Ring, error) {
		if name == "" {
			return nil, nil
		}
		r, err := ringway.OpenRing(name, append(opts, ringway.Wait(wait), ringway.Prefault())...)
		if err == nil {
			closers = append(closers, r)
		}
		return r, err
	}
	out, err := open(outName)
	if err != nil {
		return nil, err
	}
	var how []ringway.Option
	if o.ReadOnly {
		how = append(how, ringway.ReadOnly())
	}
	in, err := open(inName, how...)
	if err != nil {
		return nil, err
	}
	if err := s.attach(out, in); err != nil {
		return nil, err
	}
	s.clock = limits.Calibrate()
	s.buf = make([]byte, o.Size)
	s.packed = make([]byte, o.Batch*o.Size)
	s.batch = make([][]byte, o.Batch)
	for i := range s.batch {
		s.batch[i] = s.packed[i*o.Size:][:o.Size]
	}
	if o.Mode == Mixed {
		s.mix = mixedSizes(o.Size)
	}
	s.got = make([]ringway.Message, o.Batch)
	s.marks = make([]mark, 0, 2*o.Slices)
	if o.leads() && workloads[o.Mode].both {
		s.samples = make([]int64, 0, 4<<20)
	}
	return end, nil
}

// meet waits until all members have come here as often as this one.
func (s *team) meet(ctx context.Context) error {
	s.phase++
	s.words.Store64(offPhase+uint64(s.orders.Member)*mem.Line, s.phase)
	for m := range s.orders.Producers + s.orders.Consumers {
		for i := 0; s.words.Load64(offPhase+uint64(m)*mem.Line) < s.phase; i++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			if i < 1000 {
				runtime.Gosched()
			} else {
				time.Sleep(200 * time.Microsecond)
			}
		}
	}
	return nil
}

// attach takes this member's part at the rings, of which one may be nil.
func (s *team) attach(out, in *ringway.Ring) (err error) {
	if s.orders.Topology == ringway.Broadcast.String() {
		return s.openCast(out, in)
	}
	if out != nil {
		if s.out, err = out.Producer(); err != nil {
			return err
		}
	}
	if in != nil {
		s.in, err = in.Consumer()
	}
	return err
}

// detach gives it back.
func (s *team) detach() {
	s.closeCast()
	if s.out != nil {
		_ = s.out.Close()
	}
	if s.in != nil {
		_ = s.in.Close()
	}
}
