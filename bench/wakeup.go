package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/limits"
)

// seldom is how many messages a second come in the second part of a wakeup run, and
// seldomTurns how often, by turns, for how long at least.
const (
	seldom      = 1000
	seldomTurns = 5
	seldomFor   = 300 * time.Millisecond
)

// Dozing is what a receiver found that waits most of the time.
type Dozing struct {
	Rate    float64 `json:"rate"`   // messages a second
	P50     int64   `json:"p50_ns"` // from when one was sent until it was received
	P99     int64   `json:"p99_ns"`
	CPU     float64 `json:"cpu"`     // share of a processor that the receiver's process took
	IdleCPU float64 `json:"idle_ms"` // milliseconds of a processor in ten seconds without messages
}

func (d *Dozing) seldomText() string {
	return fmt.Sprintf("%.0f messages/s: p50 %d · p99 %d ns from sent to received; the receiver takes %.1f %% of a processor",
		d.Rate, d.P50, d.P99, 100*d.CPU)
}

// middleDozing is the median of what was found in several turns, number by number;
// nil if there were none.
func middleDozing(all []Dozing) *Dozing {
	if len(all) == 0 {
		return nil
	}
	of := func(number func(d Dozing) float64) float64 {
		var list []float64
		for _, d := range all {
			list = append(list, number(d))
		}
		slices.Sort(list)
		return medianOf(list)
	}
	return &Dozing{
		Rate: all[0].Rate,
		P50:  int64(of(func(d Dozing) float64 { return float64(d.P50) })), P99: int64(of(func(d Dozing) float64 { return float64(d.P99) })),
		CPU: of(func(d Dozing) float64 { return d.CPU }), IdleCPU: of(func(d Dozing) float64 { return d.IdleCPU }),
	}
}

// inShortSlices has a wakeup run measured in many slices instead of a few long ones,
// and end in time.
func (o *RunOptions) inShortSlices() {
	o.Duration, o.Runs = max(o.Duration/10, time.Millisecond), 5*o.Runs
	if o.Budget == 0 {
		o.Budget = 35 * time.Second
	}
}

// sleepers is a crew whose members sleep. What a raw ping-pong tells doesn't matter to
// them: 40 or 400 ns are nothing beside waking somebody, which a bare futex does in
// their place. It is the limit, too.
type sleepers struct {
	*crew
	futex Running
	last  limits.Stats
}

func (s *sleepers) probe() (probe, error) {
	f, err := s.futex.Slice()
	s.last = f.Stats
	return probe{f.Stats.P50, f.Stats.P90 - f.Stats.P50}, err
}

func (s *sleepers) run() (teamRun, error) {
	run, err := s.crew.work()
	run.RawRTT = s.last
	return run, err
}

// untold is a crew of sleepers where nothing tells what the machine is like.
type untold struct{ *crew }

func (untold) probe() (probe, error)   { return probe{rtt: 1}, nil }
func (u untold) run() (teamRun, error) { return u.crew.work() }

// prober returns what brackets a crew's runs.
func (o *RunOptions) prober(ctx context.Context, c *crew) (p prober, end func(), err error) {
	switch {
	case o.Mode != Wakeup:
		return c, func() {}, nil
	case runtime.GOOS != "linux":
		return untold{c}, func() {}, nil
	}
	w, err := startWire(ctx, limits.Futex, o.Size, o.Duration/2)
	if err != nil {
		return nil, nil, err
	}
	return &sleepers{crew: c, futex: w}, func() { _ = w.Close() }, nil
}

// dozer is a crew, ours or a variant's.
type dozer interface{ doze(t turn) (Dozing, error) }

// doze has all crews receive seldom messages, by turns, and then none.
func (all *rounds) doze(ours prober) error {
	type one struct {
		dozer
		found *[]Dozing
	}
	var list []one
	if d, ok := ours.(dozer); ok {
		list = append(list, one{d, &all.dozing})
	}
	for _, r := range all.rivals {
		if d, ok := r.running.(dozer); ok && r.missing == nil {
			list = append(list, one{d, &r.dozing})
		}
	}
	for range seldomTurns {
		for _, o := range list {
			found, err := o.doze(turnDoze)
			if err != nil {
				return err
			}
			*o.found = append(*o.found, found)
		}
	}
	for _, o := range list {
		idle, err := o.doze(turnRest)
		if err != nil {
			return err
		}
		for i := range *o.found {
			(*o.found)[i].IdleCPU = idle.IdleCPU
		}
	}
	return nil
}

func (c *crew) doze(t turn) (Dozing, error) {
	parts, err := c.do(t)
	if err != nil {
		return Dozing{}, err
	}
	return *parts[len(parts)-1].Dozing, nil
}

func (s *standby) doze(t turn) (Dozing, error) { return s.crew.doze(t) }

// rouse is the leader's part of a turn with seldom messages, or without any.
func (s *team) rouse(ctx context.Context, t turn) error {
	if t == turnRest {
		select {
		case <-time.After(max(2*s.orders.Duration, time.Second)):
		case <-ctx.Done():
			return ctx.Err()
		}
		return s.out.SendTyped(ctx, typeEnd, nil)
	}
	var stamp [8]byte
	gap := s.clock.TicksPerNs * 1e9 / seldom
	start := s.clock.Shared() + uint64(s.clock.TicksPerNs*1e7)
	for i := range uint64(seldom * max(s.orders.Duration, seldomFor).Seconds()) {
		if err := s.until(ctx, start+uint64(float64(i)*gap)); err != nil {
			return err
		}
		binary.LittleEndian.PutUint64(stamp[:], s.clock.Shared())
		if err := s.out.Send(ctx, stamp[:]); err != nil {
			return err
		}
	}
	return s.out.SendTyped(ctx, typeEnd, nil)
}

// doze is the other one's.
func (s *team) doze(ctx context.Context, t turn) (found part, err error) {
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
	share := float64(limits.CPUTime()-used) / float64(limits.Now()-began)
	d := &Dozing{Rate: seldom}
	if t == turnRest {
		d.IdleCPU = 1e4 * share
	} else {
		stats := times.Stats()
		d.P50, d.P99, d.CPU = stats.P50.Nanoseconds(), stats.P99.Nanoseconds(), share
	}
	found.Dozing = d
	return found, s.in.Release()
}

// wakeupContenders are what a wakeup run is measured beside: the kernel's own
// time, which is the limit, what Go programs use today, and who parks at once.
func wakeupContenders(o *RunOptions) []Contender {
	all := systemContenders(o.Size, o.Duration, limits.Futex, limits.GoSocket)
	if o.Wait != ringway.Park {
		parked := *o
		parked.Wait, parked.Rivals = ringway.Park, nil
		all = append(all, variant{"ringway, " + ringway.Park.String(), parked}.contender(o.Duration))
	}
	return all
}

// besideTheKernel puts the contenders' figures into a result.
func (o *RunOptions) besideTheKernel(res *Result, all *rounds) {
	for _, c := range all.rivals {
		theirs, against := o.rivalResult(c)
		if against == nil {
			res.Others = append(res.Others, Against{Engine: c.Engine, Missing: theirs.Missing})
			continue
		}
		against.P50, against.Dozing = theirs.RTT.P50, middleDozing(c.dozing)
		res.Others = append(res.Others, *against)
	}
}
