package bench

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// seldom is how many messages a second come in the second part of a wakeup run.
const seldom = 1000

// Dozing is what a receiver found that waits most of the time.
type Dozing struct {
	Rate    float64 `json:"rate"`   // messages a second
	P50     int64   `json:"p50_ns"` // from when one was sent until it was received
	P99     int64   `json:"p99_ns"`
	CPU     float64 `json:"cpu"`     // share of a processor that the receiver's process took
	IdleCPU float64 `json:"idle_ms"` // milliseconds of a processor in ten seconds without messages
}

// rouse is the leader's part of a wakeup run.
func (s *team) rouse(ctx context.Context) (found part, err error) {
	if found, err = s.ping(ctx); err != nil {
		return found, err
	}
	var stamp [8]byte
	gap := s.clock.TicksPerNs * 1e9 / seldom
	start := s.clock.Shared() + uint64(s.clock.TicksPerNs*1e7)
	for i := range uint64(seldom * s.orders.Duration.Seconds()) {
		if err := s.until(ctx, start+uint64(float64(i)*gap)); err != nil {
			return found, err
		}
		binary.LittleEndian.PutUint64(stamp[:], s.clock.Shared())
		if err := s.out.Send(ctx, stamp[:]); err != nil {
			return found, err
		}
	}
	if err := s.out.SendTyped(ctx, typeEnd, nil); err != nil {
		return found, err
	}
	select {
	case <-time.After(idleFor(s.orders.Duration)):
	case <-ctx.Done():
		return found, ctx.Err()
	}
	return found, s.out.SendTyped(ctx, typeEnd, nil)
}

func idleFor(d time.Duration) time.Duration { return max(2*d, time.Second) }

// doze is the other one's.
func (s *team) doze(ctx context.Context) (found part, err error) {
	if found, err = s.echo(ctx); err != nil {
		return found, err
	}
	times := limits.NewHistogram(s.clock.StepNs)
	began, used := limits.Now(), limits.CPUTime()
	for {
		m, err := s.in.Recv(ctx)
		if err != nil {
			return found, err
		}
		if m.Type == typeEnd {
			break
		}
		times.Record(float64(int64(s.clock.Shared()-binary.LittleEndian.Uint64(m.Payload))) / s.clock.TicksPerNs)
	}
	if err := s.in.Release(); err != nil {
		return found, err
	}
	stats := times.Stats()
	d := &Dozing{Rate: seldom, P50: stats.P50.Nanoseconds(), P99: stats.P99.Nanoseconds()}
	d.CPU = float64(limits.CPUTime()-used) / float64(limits.Now()-began)

	began, used = limits.Now(), limits.CPUTime()
	if _, err := s.in.Recv(ctx); err != nil {
		return found, err
	}
	d.IdleCPU = 1e4 * float64(limits.CPUTime()-used) / float64(limits.Now()-began)
	found.Dozing = d
	return found, s.in.Release()
}

// wakeupContenders are what a wakeup run is measured beside: the kernel's own
// time, which is the limit, and what Go programs use today.
func wakeupContenders(o *RunOptions) []Contender {
	return systemContenders(o.Size, o.Duration, limits.Futex, limits.GoSocket)
}

// besideTheKernel puts the contenders' figures into a result: the bare futex
// is the limit.
func (o *RunOptions) besideTheKernel(res *Result, all *rounds) {
	for i, c := range all.rivals {
		theirs, against := o.rivalResult(c)
		if against == nil {
			res.Others = append(res.Others, Against{Engine: c.Engine, Missing: theirs.Missing})
			continue
		}
		against.P50 = theirs.RTT.P50
		res.Others = append(res.Others, *against)
		if i == 0 {
			res.Limit = &Limit{Name: c.Engine + " round trip", Value: float64(theirs.RTT.P50),
				Ratio: 1 / against.Ratio, Low: 1 / against.High, High: 1 / against.Low, Exceeded: against.Ratio > 1}
		}
	}
}
