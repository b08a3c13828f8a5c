package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ringway/ringway/bench"
	"github.com/ringway/ringway/bench/rivals"
)

// boost is the rival of the SPSC ring; the others are those of MPMC.
const boost = "boost"

func rivalNames() string { return strings.Join(append([]string{boost}, rivals.MPMC()...), ", ") }

// rivalNamed returns what measures a rival's throughput at what o says.
func rivalNamed(name string, o bench.RunOptions) (bench.Contender, error) {
	switch {
	case name != boost && !slices.Contains(rivals.MPMC(), name):
		return bench.Contender{}, fmt.Errorf("rival %q: there are %s", name, rivalNames())
	case o.Mode != bench.Throughput || o.Size != 8:
		return bench.Contender{}, fmt.Errorf("rival %s: rivals are measured with --mode throughput --size 8", name)
	case (name == boost) != (o.Topology == "spsc"):
		return bench.Contender{}, fmt.Errorf("rival %s: %s goes with --topology spsc, the others with mpmc", name, boost)
	}
	if name == boost {
		return bench.Contender{Engine: "boost::lockfree::spsc_queue", Between: "processes", Measure: func(ctx context.Context) (f bench.Figure, err error) {
			// With and without PAUSE, the better one counts.
			plain, err := rivals.RunBoostThroughput(ctx, rivals.BoostOptions{Messages: 20_000_000, Batch: o.Batch})
			if err != nil {
				return f, err
			}
			paused, err := rivals.RunBoostThroughput(ctx, rivals.BoostOptions{Messages: 20_000_000, Batch: o.Batch, Pause: true})
			return bench.Figure{Messages: int64(plain.Messages), Ns: int64(1e9 * min(plain.Seconds, paused.Seconds))}, err
		}}, nil
	}
	return bench.Contender{Engine: name, Between: "threads", Measure: func(ctx context.Context) (bench.Figure, error) {
		r, err := rivals.RunMPMC(ctx, rivals.MPMCOptions{
			Engine: name, Producers: o.Producers, Consumers: o.Consumers, Batch: o.Batch, Duration: o.Duration,
		})
		return bench.Figure{Messages: r.Messages, Ns: int64(1e9 * r.Seconds)}, err
	}}, nil
}
