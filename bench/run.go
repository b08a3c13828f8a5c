package bench

import (
	"context"
	"fmt"
	"sort"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// Modes of a run.
const (
	Latency    = "latency"    // one message goes and comes back: round trip times
	Throughput = "throughput" // one sends as fast as it can, one receives
)

// RunOptions say what Run measures.
type RunOptions struct {
	Topology  string        // spsc or mpmc
	Producers int           // 0 is 1; more for throughput over mpmc
	Consumers int           // likewise
	Mode      string        // Latency or Throughput
	Size      int           // bytes a message
	Capacity  int           // bytes of the ring
	Duration  time.Duration // of one run
	Runs      int           // how many runs must count
	Batch     int           // messages a call; throughput only
	Wait      ringway.WaitStrategy

	// Rival, if not nil, measures somebody else's throughput. It is called
	// after each run, while the children sleep.
	Rival func(ctx context.Context) (engine string, msgsPerSec float64, err error)

	// Progress, if not nil, is called after each run with how many of how many
	// runs count so far and how many were discarded.
	Progress func(kept, runs, discarded int)
}

func (o *RunOptions) check() error {
	o.Producers, o.Consumers = max(o.Producers, 1), max(o.Consumers, 1)
	kind, err := kindOf(o.Topology)
	if err != nil {
		return err
	}
	switch {
	case o.Producers+o.Consumers > maxTeam:
		return fmt.Errorf("%d producers and %d consumers: this goes up to %d processes", o.Producers, o.Consumers, maxTeam)
	case o.Producers+o.Consumers > 2 && (kind == ringway.SPSC || o.Mode == Latency):
		return fmt.Errorf("%d producers and %d consumers: spsc, and latency, are between one and one", o.Producers, o.Consumers)
	case o.Mode != Latency && o.Mode != Throughput:
		return fmt.Errorf("mode %q: there are %s and %s", o.Mode, Latency, Throughput)
	case o.Size < 0 || o.Runs < 1 || o.Batch < 1 || o.Duration <= 0:
		return fmt.Errorf("size %d, runs %d, batch %d, duration %v: a size of at least 0 and the others of more than 0 make sense",
			o.Size, o.Runs, o.Batch, o.Duration)
	case o.Mode == Latency && o.Batch != 1:
		return fmt.Errorf("batch %d: batches are for throughput", o.Batch)
	}
	g := ring.Geometry{Kind: kind, Capacity: uint64(o.Capacity)}
	if kind == ringway.MPMC {
		g.CellSize = uint64(cellFor(o.Size))
	}
	if err := g.Check(); err != nil {
		return err
	}
	if uint64(o.Size) > g.MaxMessage() {
		return fmt.Errorf("size %d: a ring of %d bytes takes messages of at most %d; give it more --capacity", o.Size, o.Capacity, g.MaxMessage())
	}
	return nil
}

// kindOf returns the kind of ring that a topology names.
func kindOf(topology string) (ringway.Kind, error) {
	for _, k := range []ringway.Kind{ringway.SPSC, ringway.MPMC} {
		if k.String() == topology {
			return k, nil
		}
	}
	return 0, fmt.Errorf("topology %q: there are %v and %v", topology, ringway.SPSC, ringway.MPMC)
}

// cellFor returns the cell size that suits messages of one size: one cell each,
// up to a cache line.
func cellFor(size int) int {
	cell := 16
	for cell < size+8 && cell < 64 {
		cell *= 2
	}
	return cell
}

// Run measures round trips or throughput between two pinned processes, beside
// the physical limit, until o.Runs runs count or three times as many were
// discarded. The result is that of the median run.
func Run(ctx context.Context, o RunOptions) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a, closeAll, err := startTeam(ctx, o)
	if err != nil {
		return Result{}, err
	}
	defer closeAll()
	var kept []teamRun
	var rivals []float64
	rival := &Rival{}
	discarded := 0
	for len(kept) < o.Runs {
		if discarded > 3*o.Runs {
			return Result{}, fmt.Errorf("the machine changed its speed during %d runs of %d: try again when it is quieter",
				discarded, discarded+len(kept))
		}
		if err := a.send(struct{}{}); err != nil {
			return Result{}, err
		}
		var run teamRun
		if err := a.hear(&run); err != nil {
			return Result{}, err
		}
		if !run.Kept {
			discarded++
		} else {
			kept = append(kept, run)
			if o.Rival != nil && rival.Missing == "" {
				engine, rate, err := o.Rival(ctx)
				if rival.Engine = engine; err != nil {
					rival.Missing = err.Error()
				}
				rivals = append(rivals, rate)
			}
		}
		if o.Progress != nil {
			o.Progress(len(kept), o.Runs, discarded)
		}
	}
	res := summary(o, kept)
	res.Discarded = discarded
	if o.Rival != nil {
		if sort.Float64s(rivals); rival.Missing == "" {
			rival.MsgsPerSec = rivals[len(rivals)/2]
			rival.Ratio = res.MsgsPerSec / rival.MsgsPerSec
		}
		res.Rival = rival
	}
	return res, nil
}

// summary makes a result of the runs that count.
func summary(o RunOptions, runs []teamRun) Result {
	figure := func(r teamRun) float64 {
		if o.Mode == Latency {
			return float64(r.RTT.P50)
		}
		return float64(r.Ns) / float64(max(r.Messages, 1))
	}
	sort.Slice(runs, func(i, j int) bool { return figure(runs[i]) < figure(runs[j]) })
	m := runs[len(runs)/2]
	seconds := float64(m.Ns) / 1e9
	res := Result{
		Topology: o.Topology, Transport: "shm", Mode: o.Mode, Wait: o.Wait.String(),
		Producers: o.Producers, Consumers: o.Consumers,
		MessageBytes: o.Size, Batch: o.Batch, Capacity: o.Capacity,
		Messages: m.Messages, Bytes: m.Messages * int64(o.Size), Seconds: seconds,
		MsgsPerSec: float64(m.Messages) / seconds, BytesPerSec: float64(m.Messages) * float64(o.Size) / seconds,
		AllocsPerOp: m.Allocs,
		Runs:        len(runs),
		Spread:      (figure(runs[len(runs)-1]) - figure(runs[0])) / figure(m),
	}
	if o.Mode == Latency {
		s := m.RTT
		res.RTT = &RTT{
			Min: s.Min.Nanoseconds(), P50: s.P50.Nanoseconds(), P90: s.P90.Nanoseconds(), P99: s.P99.Nanoseconds(),
			P999: s.P999.Nanoseconds(), P9999: s.P9999.Nanoseconds(), Max: s.Max.Nanoseconds(),
		}
		if m.RawRTT.N > 0 {
			limit := float64(m.RawRTT.P50.Nanoseconds())
			res.Limit = &Limit{Name: "raw round trip", Value: limit, Ratio: float64(s.P50.Nanoseconds()) / limit}
		}
	} else if o.Size > 0 {
		res.Limit = &Limit{Name: "memcpy in and out", Value: m.Copies.Two, Ratio: res.BytesPerSec / m.Copies.Two}
	}
	return res
}

// startTeam creates what the children share and starts them. It returns
// the leading one and what ends them.
func startTeam(ctx context.Context, o RunOptions) (lead *child, closeAll func(), err error) {
	var done []func()
	end := func() {
		for i := len(done) - 1; i >= 0; i-- {
			done[i]()
		}
	}
	defer func() {
		if err != nil {
			end()
		}
	}()
	orders := teamOrders{
		Producers: o.Producers, Consumers: o.Consumers,
		Ring: uniqueName("ab"), Raw: uniqueName("raw"), Mode: o.Mode, Size: o.Size, Batch: o.Batch,
		Capacity: o.Capacity, Duration: o.Duration, Wait: o.Wait.String(),
	}
	kind, err := kindOf(o.Topology)
	if err != nil {
		return nil, nil, err
	}
	raw, err := shm.Create(orders.Raw, shm.Options{Kind: rawKind, Body: rawBody, Participants: 1})
	if err != nil {
		return nil, nil, err
	}
	names := []string{orders.Raw}
	done = append(done, func() { _ = raw.Close() })
	rings := []string{orders.Ring}
	if o.Mode == Latency {
		orders.Back = uniqueName("ba")
		rings = append(rings, orders.Back)
	}
	// The names are only needed until both children have opened them.
	defer func() {
		for _, name := range names {
			_ = shm.Remove(name, "")
		}
	}()
	for _, name := range rings {
		r, err := ringway.CreateRing(name, kind, ringway.Capacity(o.Capacity), ringway.CellSize(cellFor(o.Size)))
		if err != nil {
			return nil, nil, err
		}
		names = append(names, name)
		done = append(done, func() { _ = r.Close() })
	}
	cpuA, cpuB := limits.PickPair()
	if cpuA == cpuB && o.Wait == ringway.BusySpin {
		return nil, nil, fmt.Errorf("two spinning processes need two processors, there is one: use another --wait")
	}
	for orders.Member = range o.Producers + o.Consumers {
		// Producers and consumers alternate between the two cores, the first
		// of each on different ones.
		orders.CPU = cpuA
		if at := orders.Member; at < o.Producers && at%2 == 1 || at >= o.Producers && (at-o.Producers)%2 == 0 {
			orders.CPU = cpuB
		}
		c, err := start(ctx, "team", orders)
		if err != nil {
			return nil, nil, err
		}
		done = append(done, c.kill)
		if orders.leads() {
			lead = c
		}
		if err := c.hear(&struct{}{}); err != nil {
			return nil, nil, err
		}
	}
	return lead, end, nil
}
