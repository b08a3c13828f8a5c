package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/shm"
	"github.com/ringway/ringway/sync"
)

// teamOrders tell one of the children what to do with the others. Member 0
// produces and leads, the members after it produce, and the rest consume. For
// latency there are two: one pings, one sends back.
type teamOrders struct {
	Member    int
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
}

func (o *teamOrders) leads() bool    { return o.Member == 0 }
func (o *teamOrders) produces() bool { return o.Member < o.Producers }

// answers reports whether this member is the other end of the probes.
func (o *teamOrders) answers() bool { return o.Member == o.Producers }

// teamRun is what the leader reports after each run.
type teamRun struct {
	Kept     bool // the machine's regime held
	Messages int64
	Ns       int64
	RTT      limits.Stats
	RawRTT   limits.Stats  // latency: the limit
	Copies   limits.Copies // throughput: the limit
	Allocs   float64
}

// The raw section's body: memory for package limits, then words of our own, a
// line each.
const (
	rawKind  = 0xB0 // of a section that only this package understands
	rawLimit = 32 << 10
	maxTeam  = 64

	offStage  = rawLimit               // what the run is at, or over
	offDone   = offStage + mem.Line    // how many producers have stopped
	offEnded  = offDone + mem.Line     // how many consumers have
	offPhase  = offEnded + mem.Line    // + member × line: how often it came to the meeting point
	offCount  = offPhase + maxTeam*128 // + member × line: what a consumer counted
	offAllocs = offCount + maxTeam*128 // + member × line
	rawBody   = offAllocs + maxTeam*128
)

// Stages of a run.
const (
	stageWarm    = iota
	stageMeasure // what is received now counts
	stageStop    // producers stop
	stageOver    // there are no more runs
)

// typeEnd is the type of the message with which a consumer's run ends.
const typeEnd = 1

// team is one member's state.
type team struct {
	orders  teamOrders
	raw     []byte
	words   mem.Region
	phase   uint64
	run     uint64 // number of the throughput run
	out     *ringway.Producer
	in      *ringway.Consumer
	clock   limits.Clock
	buf     []byte
	batch   [][]byte
	got     []ringway.Message
	samples []int64
	numbers [maxTeam]uint64 // of the next message: of this producer, or by producer
}

// teamMember is the child that plays one member of the team.
func teamMember(ctx context.Context, p *pipe) error {
	s := &team{}
	if err := p.take(&s.orders); err != nil {
		return err
	}
	if s.orders.CPU >= 0 {
		if err := limits.Pin(s.orders.CPU); err != nil {
			return err
		}
	}
	closeAll, err := s.open()
	if err != nil {
		return err
	}
	defer closeAll()
	if err := p.tell(struct{}{}); err != nil {
		return err
	}
	if s.orders.leads() {
		return s.lead(ctx, p)
	}
	return s.follow(ctx)
}

// open opens the rings and the raw section.
func (s *team) open() (closeAll func(), err error) {
	var closers []io.Closer
	closeAll = func() {
		for i := len(closers) - 1; i >= 0; i-- {
			_ = closers[i].Close()
		}
	}
	defer func() {
		if err != nil {
			closeAll()
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

	outName, inName := o.Ring, o.Back
	if !o.produces() {
		outName, inName = o.Back, o.Ring
	}
	if outName != "" {
		r, err := ringway.OpenRing(outName, ringway.Wait(wait), ringway.Prefault())
		if err != nil {
			return nil, err
		}
		closers = append(closers, r)
		if s.out, err = r.Producer(); err != nil {
			return nil, err
		}
		closers = append(closers, s.out)
	}
	if inName != "" {
		r, err := ringway.OpenRing(inName, ringway.Wait(wait), ringway.Prefault())
		if err != nil {
			return nil, err
		}
		closers = append(closers, r)
		if s.in, err = r.Consumer(); err != nil {
			return nil, err
		}
		closers = append(closers, s.in)
	}
	s.clock = limits.Calibrate()
	s.buf = make([]byte, o.Size)
	s.batch = make([][]byte, o.Batch)
	for i := range s.batch {
		s.batch[i] = make([]byte, o.Size)
	}
	s.got = make([]ringway.Message, o.Batch)
	if o.leads() && o.Mode == Latency {
		s.samples = make([]int64, 0, 4<<20)
	}
	return closeAll, nil
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

// lead is member 0: for each turn that the parent gives it makes one run.
func (s *team) lead(ctx context.Context, p *pipe) error {
	bracket := limits.Bracket{Probe: func() (time.Duration, error) {
		if err := s.meet(ctx); err != nil {
			return 0, err
		}
		return limits.Probe(s.raw, 0)
	}}
	for {
		if err := p.turn(ctx); err != nil {
			s.words.Store64(offStage, stageOver)
			_ = s.meet(context.Background())
			return nil
		}
		if err := s.meet(ctx); err != nil {
			return err
		}
		var run teamRun
		_, kept, err := bracket.Run(func() (err error) {
			run, err = s.leadOne(ctx)
			return err
		})
		if err != nil {
			return err
		}
		run.Kept = kept
		if err := p.tell(run); err != nil {
			return err
		}
	}
}

// leadOne measures the limit and then one run.
func (s *team) leadOne(ctx context.Context) (run teamRun, err error) {
	o := s.orders
	if rawSize(o) > 0 {
		if err := s.meet(ctx); err != nil {
			return run, err
		}
		raw, err := limits.RoundTrip(s.raw, rawSize(o), o.Duration/4, 0)
		if err != nil {
			return run, err
		}
		run.RawRTT = raw.Best()
	}
	if o.Mode == Throughput {
		run.Copies = limits.Memcpy(o.Size, o.Capacity, o.Duration/4)
	}
	if err := s.meet(ctx); err != nil {
		return run, err
	}
	allocs := countAllocs()
	if o.Mode == Latency {
		err = s.ping(ctx)
		run.Messages = 2 * int64(len(s.samples))
		for _, ns := range s.samples {
			run.Ns += ns
		}
		run.RTT = limits.Summarize(s.samples)
	} else {
		run.Ns, err = s.conduct(ctx)
	}
	if err != nil {
		return run, err
	}
	s.tellAllocs(allocs)
	if err := s.meet(ctx); err != nil {
		return run, err
	}
	for m := range uint64(o.Producers + o.Consumers) {
		run.Allocs += float64(s.words.Load64(offAllocs + m*mem.Line))
		run.Messages += int64(s.words.Load64(offCount + m*mem.Line))
	}
	run.Allocs = perMessage(run.Allocs, run.Messages)
	return run, nil
}

// tellAllocs tells the leader how much this member has allocated.
func (s *team) tellAllocs(since allocs) {
	s.words.Store64(offAllocs+uint64(s.orders.Member)*mem.Line, since.count())
}

// rawSize is the payload of the raw round trip that is the limit of a latency
// run; 0 where the raw loop doesn't go that far.
func rawSize(o teamOrders) int {
	if n := (o.Size + 7) &^ 7; o.Mode == Latency && n <= limits.MaxBytes {
		return max(n, limits.MinBytes)
	}
	return 0
}

// follow is every other member: it does its part of what member 0 leads
// through.
func (s *team) follow(ctx context.Context) error {
	for {
		if err := s.meet(ctx); err != nil || s.words.Load64(offStage) == stageOver {
			return nil
		}
		if err := s.pong(ctx, limits.MinBytes); err != nil { // the probe before
			return err
		}
		if n := rawSize(s.orders); n > 0 {
			if err := s.pong(ctx, n); err != nil {
				return err
			}
		}
		if err := s.meet(ctx); err != nil {
			return err
		}
		allocs := countAllocs()
		var err error
		switch {
		case s.orders.Mode == Latency:
			err = s.echo(ctx)
		case s.orders.produces():
			err = s.produce(ctx)
		default:
			err = s.consume(ctx)
		}
		if err != nil {
			return err
		}
		s.tellAllocs(allocs)
		if err := s.meet(ctx); err != nil {
			return err
		}
		if err := s.pong(ctx, limits.MinBytes); err != nil { // the probe after
			return err
		}
	}
}

// pong answers a probe, if that is this member's part.
func (s *team) pong(ctx context.Context, n int) error {
	if err := s.meet(ctx); err != nil || !s.orders.answers() {
		return err
	}
	_, err := limits.Pong(s.raw, n, 0)
	return err
}

// ping sends a message, waits for its echo, and so on. The time between two
// sends is a sample.
func (s *team) ping(ctx context.Context) error {
	const warm = 2000
	back := make([]byte, len(s.buf))
	s.samples = s.samples[:0]
	var number [8]byte
	var last, stop uint64
	for i := uint64(0); ; i++ {
		binary.LittleEndian.PutUint64(number[:], i)
		copy(s.buf, number[:])
		if err := s.out.Send(ctx, s.buf); err != nil {
			return err
		}
		m, err := s.in.Recv(ctx)
		if err != nil {
			return err
		}
		copy(back, m.Payload)
		now := s.clock.Now()
		if len(m.Payload) != len(s.buf) || !bytes.HasPrefix(back, number[:min(8, len(back))]) {
			return fmt.Errorf("round trip %d came back with another payload", i)
		}
		switch {
		case i == warm:
			stop = now + uint64(float64(s.orders.Duration)*s.clock.TicksPerNs)
		case i > warm:
			s.samples = append(s.samples, s.clock.Ns(now-last))
			if now > stop || len(s.samples) == cap(s.samples) {
				return s.out.SendTyped(ctx, typeEnd, nil)
			}
		}
		last = now
	}
}

// echo sends back what comes.
func (s *team) echo(ctx context.Context) error {
	for {
		m, err := s.in.Recv(ctx)
		if err != nil {
			return err
		}
		if m.Type == typeEnd {
			return s.in.Release()
		}
		if err := s.out.Send(ctx, m.Payload); err != nil {
			return err
		}
	}
}

// conduct is the leader's part of a throughput run: it produces, and tells the
// others when the part that counts begins and ends. It returns how long that
// was, in nanoseconds.
func (s *team) conduct(ctx context.Context) (ns int64, err error) {
	s.words.Store64(offDone, 0)
	s.words.Store64(offEnded, 0)
	s.words.Store64(offStage, stageWarm)
	if err := s.meet(ctx); err != nil {
		return 0, err
	}
	began := limits.Now()
	measuring := began + int64(s.orders.Duration/5)
	for {
		if err := s.produceSome(ctx); err != nil {
			return 0, err
		}
		now := limits.Now()
		switch stage := s.words.Load64(offStage); {
		case stage == stageWarm && now > measuring:
			s.words.Store64(offStage, stageMeasure)
			began = now
			continue
		case stage == stageMeasure && now > began+int64(s.orders.Duration):
			s.words.Store64(offStage, stageStop)
			ns = now - began
		default:
			continue
		}
		break
	}
	for s.words.Load64(offDone) < uint64(s.orders.Producers-1) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		runtime.Gosched()
	}
	// A consumer that receives batches may get more than one of these, and ones
	// that nobody needed are still there at the next run: they have its number.
	s.run++
	end := binary.LittleEndian.AppendUint64(nil, s.run)
	for s.words.Load64(offEnded) < uint64(s.orders.Consumers) {
		if err := s.out.SendTyped(ctx, typeEnd, end); err != nil {
			return 0, err
		}
		time.Sleep(200 * time.Microsecond)
	}
	return ns, nil
}

// produce is the part of the other producers.
func (s *team) produce(ctx context.Context) error {
	if err := s.meet(ctx); err != nil {
		return err
	}
	for s.words.Load64(offStage) < stageStop {
		if err := s.produceSome(ctx); err != nil {
			return err
		}
	}
	s.words.Add64(offDone, 1)
	return nil
}

// produceSome sends messages for a while.
func (s *team) produceSome(ctx context.Context) (err error) {
	per := max(1, min(4096, 1<<20/max(s.orders.Size, 1)))
	if s.orders.Batch == 1 {
		out, buf := s.out, s.buf
		for range per {
			s.stamp(buf)
			if err := out.Send(ctx, buf); err != nil {
				return err
			}
		}
		return nil
	}
	for i := 0; i < per; i += s.orders.Batch {
		for _, b := range s.batch {
			s.stamp(b)
		}
		if _, err = s.out.SendBatch(ctx, s.batch); err != nil {
			return err
		}
	}
	return nil
}

// consume receives, copies out and checks what is produced, and tells the
// leader how much of it came while that counted.
func (s *team) consume(ctx context.Context) (err error) {
	s.words.Store64(offCount+uint64(s.orders.Member)*mem.Line, 0)
	if err := s.meet(ctx); err != nil {
		return err
	}
	s.run++
	t := tally{team: s}
	if s.orders.Batch == 1 {
		// What a small message costs is counted in nanoseconds: no more than
		// needed is done here for each.
		for in := s.in; ; {
			m, err := in.Recv(ctx)
			if err != nil {
				return err
			}
			if ended, err := t.take(m); ended || err != nil {
				return err
			}
		}
	}
	for {
		k, err := s.in.RecvBatch(ctx, s.got)
		if err != nil {
			return err
		}
		for _, m := range s.got[:k] {
			if ended, err := t.take(m); ended || err != nil {
				return err
			}
		}
	}
}

// tally is what a consumer counts in one run.
type tally struct {
	*team
	count, first uint64 // messages: all, and when those began that count
	last         uint64 // and when they ended
	stage        uint64
}

// take takes note of a message, and reports whether the run has ended.
func (t *tally) take(m ringway.Message) (ended bool, err error) {
	b := m.Payload
	if m.Type == typeEnd {
		return t.end(b)
	}
	if t.count%32 == 0 {
		t.look()
	}
	if len(b) > 8 {
		b = t.buf[:copy(t.buf, b)]
	}
	if !t.check(b) {
		return false, fmt.Errorf("message %d arrived with another payload, or out of order", t.count)
	}
	t.count++
	return false, nil
}

// look takes note of the stage that the run is at.
func (t *tally) look() {
	now := t.words.Load64(offStage)
	if now == t.stage {
		return
	}
	if t.stage == stageWarm {
		t.first = t.count
	}
	if now == stageStop {
		t.last = t.count
	}
	t.stage = now
}

// end ends the run if that is what b, the payload of a message that says so,
// is about.
func (t *tally) end(b []byte) (bool, error) {
	if binary.LittleEndian.Uint64(b) != t.run {
		return false, nil
	}
	t.look()
	t.words.Store64(offCount+uint64(t.orders.Member)*mem.Line, t.last-t.first)
	t.words.Add64(offEnded, 1)
	return true, t.in.Release()
}

// stamp writes this producer's next number into a message, if it is long enough.
func (s *team) stamp(b []byte) {
	if len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, uint64(s.orders.Member)<<48|s.numbers[0])
		s.numbers[0]++
	}
}

// check reports whether a message has the number that has to come next from
// its producer; with several consumers, whether it is a later one.
func (s *team) check(b []byte) bool {
	if len(b) < 8 {
		return true
	}
	v := binary.LittleEndian.Uint64(b)
	from, n := v>>48, v&(1<<48-1)
	if from >= uint64(s.orders.Producers) {
		return false
	}
	due := s.numbers[from]
	s.numbers[from] = n + 1
	return n == due || n > due && s.orders.Consumers > 1
}
