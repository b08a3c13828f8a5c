package bench

import (
	"context"
	"time"

	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/internal/mem"
)

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
