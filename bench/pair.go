package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"runtime"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/shm"
	"github.com/ringway/ringway/sync"
)

// pairOrders tell one of the two children what to do with the other one.
type pairOrders struct {
	First    bool // side A, which leads: it pings, or produces
	CPU      int  // to be pinned to; -1 is none
	Ring     string
	Back     string // the ring from B to A; latency only
	Raw      string // the section for probes, limits and lockstep
	Mode     string
	Size     int
	Batch    int
	Capacity int
	Duration time.Duration // of one run
	Wait     string
}

// pairRun is what side A reports after each run.
type pairRun struct {
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
	rawBody  = rawLimit + 8*mem.Line

	offPhaseA   = rawLimit + (iota-3)*mem.Line
	offPhaseB   // how often a side came to the meeting point
	offOver     // A has no more runs
	offMessages // what B counted
	offNs
	offAllocs
)

// Types of the messages with which the producer marks the measured part.
const (
	typeData = iota
	typeBegin
	typeEnd
)

// pair is one side's state.
type pair struct {
	orders  pairOrders
	raw     []byte
	words   mem.Region
	phase   uint64
	out     *ringway.Producer
	in      *ringway.Consumer
	clock   limits.Clock
	buf     []byte
	batch   [][]byte
	got     []ringway.Message
	samples []int64
}

// pairSide is the child that plays one side of the pair.
func pairSide(ctx context.Context, p *pipe) error {
	s := &pair{}
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
	if s.orders.First {
		return s.lead(ctx, p)
	}
	return s.follow(ctx)
}

// open opens the rings and the raw section.
func (s *pair) open() (closeAll func(), err error) {
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
	if !o.First {
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
	if o.First && o.Mode == Latency {
		s.samples = make([]int64, 0, 4<<20)
	}
	return closeAll, nil
}

// meet waits until the other side has come here as often as this one.
func (s *pair) meet(ctx context.Context) error {
	mine, theirs := uint64(offPhaseA), uint64(offPhaseB)
	if !s.orders.First {
		mine, theirs = theirs, mine
	}
	s.phase++
	s.words.Store64(mine, s.phase)
	for i := 0; s.words.Load64(theirs) < s.phase; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i < 1000 {
			runtime.Gosched()
		} else {
			time.Sleep(200 * time.Microsecond)
		}
	}
	return nil
}

// lead is side A: for each turn that the parent gives it makes one run.
func (s *pair) lead(ctx context.Context, p *pipe) error {
	bracket := limits.Bracket{Probe: func() (time.Duration, error) {
		if err := s.meet(ctx); err != nil {
			return 0, err
		}
		return limits.Probe(s.raw, 0)
	}}
	for {
		if err := p.turn(ctx); err != nil {
			s.words.Store64(offOver, 1)
			_ = s.meet(context.Background())
			return nil
		}
		if err := s.meet(ctx); err != nil {
			return err
		}
		var run pairRun
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
func (s *pair) leadOne(ctx context.Context) (run pairRun, err error) {
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
		run.Allocs = allocs.per(run.Messages)
		run.RTT = limits.Summarize(s.samples)
	} else {
		var sent int64
		sent, err = s.produce(ctx)
		run.Allocs = allocs.per(sent)
	}
	if err != nil {
		return run, err
	}
	if err := s.meet(ctx); err != nil {
		return run, err
	}
	if o.Mode == Throughput {
		run.Messages, run.Ns = int64(s.words.Load64(offMessages)), int64(s.words.Load64(offNs))
	}
	run.Allocs += float64(s.words.Load64(offAllocs)) / float64(max(run.Messages, 1))
	return run, nil
}

// rawSize is the payload of the raw round trip that is the limit of a latency
// run; 0 where the raw loop doesn't go that far.
func rawSize(o pairOrders) int {
	if n := (o.Size + 7) &^ 7; o.Mode == Latency && n <= limits.MaxBytes {
		return max(n, limits.MinBytes)
	}
	return 0
}

// follow is side B: it does its part of what side A leads through.
func (s *pair) follow(ctx context.Context) error {
	for {
		if err := s.meet(ctx); err != nil || s.words.Load64(offOver) != 0 {
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
		n, err := s.consume(ctx)
		if err != nil {
			return err
		}
		s.words.Store64(offAllocs, uint64(allocs.per(n)*float64(n)))
		if err := s.meet(ctx); err != nil {
			return err
		}
		if err := s.pong(ctx, limits.MinBytes); err != nil { // the probe after
			return err
		}
	}
}

func (s *pair) pong(ctx context.Context, n int) error {
	if err := s.meet(ctx); err != nil {
		return err
	}
	_, err := limits.Pong(s.raw, n, 0)
	return err
}

// consume is side B's part of a run. It returns how many messages passed.
func (s *pair) consume(ctx context.Context) (int64, error) {
	if s.orders.Mode == Latency {
		return s.echo(ctx)
	}
	n, ns, err := s.receive(ctx)
	s.words.Store64(offMessages, uint64(n))
	s.words.Store64(offNs, uint64(ns))
	return n, err
}

// ping sends a message, waits for its echo, and so on. The time between two
// sends is a sample.
func (s *pair) ping(ctx context.Context) error {
	const warm = 2000
	back := make([]byte, len(s.buf))
	s.samples = s.samples[:0]
	var last, stop uint64
	for i := uint64(0); ; i++ {
		stamp(s.buf, i)
		if err := s.out.Send(ctx, s.buf); err != nil {
			return err
		}
		m, err := s.in.Recv(ctx)
		if err != nil {
			return err
		}
		copy(back, m.Payload)
		now := s.clock.Now()
		if !stamped(back, i) || len(m.Payload) != len(s.buf) {
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
func (s *pair) echo(ctx context.Context) (n int64, err error) {
	for {
		m, err := s.in.Recv(ctx)
		if err != nil {
			return n, err
		}
		if m.Type == typeEnd {
			return n, s.in.Release()
		}
		if err := s.out.Send(ctx, m.Payload); err != nil {
			return n, err
		}
		n++
	}
}

// produce sends messages for the run's duration, the first fifth of which is
// to warm up. It returns how many it sent.
func (s *pair) produce(ctx context.Context) (sent int64, err error) {
	began := limits.Now()
	begin, end := began+int64(s.orders.Duration/5), began+int64(s.orders.Duration*6/5)
	per := max(1, min(4096, 1<<20/s.orders.Size)) // messages between two looks at the clock
	for {
		for i := 0; i < per; i += s.orders.Batch {
			if s.orders.Batch == 1 {
				stamp(s.buf, uint64(sent))
				err = s.out.Send(ctx, s.buf)
			} else {
				for i, b := range s.batch {
					stamp(b, uint64(sent)+uint64(i))
				}
				_, err = s.out.SendBatch(ctx, s.batch)
			}
			if err != nil {
				return sent, err
			}
			sent += int64(s.orders.Batch)
		}
		now := limits.Now()
		if now > begin {
			if err := s.out.SendTyped(ctx, typeBegin, nil); err != nil {
				return sent, err
			}
			begin = math.MaxInt64
		}
		if now > end {
			return sent, s.out.SendTyped(ctx, typeEnd, nil)
		}
	}
}

// receive receives what produce sends, copies it out, and measures the part
// between the marks.
func (s *pair) receive(ctx context.Context) (n, ns int64, err error) {
	var began int64
	var count, first uint64
	for {
		k := 1
		if s.orders.Batch == 1 {
			s.got[0], err = s.in.Recv(ctx)
		} else {
			k, err = s.in.RecvBatch(ctx, s.got)
		}
		if err != nil {
			return 0, 0, err
		}
		for _, m := range s.got[:k] {
			switch m.Type {
			case typeBegin:
				began, first = limits.Now(), count
				continue
			case typeEnd:
				return int64(count - first), limits.Now() - began, s.in.Release()
			}
			b := m.Payload
			if len(b) > 8 {
				b = s.buf[:copy(s.buf, b)]
			}
			if !stamped(b, count) {
				return 0, 0, fmt.Errorf("message %d arrived with another payload", count)
			}
			count++
		}
	}
}

// stamp writes a message's number into it, if it is long enough.
func stamp(b []byte, n uint64) {
	if len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, n)
	}
}

// stamped reports whether b has the number that stamp wrote.
func stamped(b []byte, n uint64) bool {
	return len(b) < 8 || binary.LittleEndian.Uint64(b) == n
}
