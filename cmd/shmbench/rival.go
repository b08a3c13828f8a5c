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
func rivalNamed(name string, o bench.RunOptions) (func(context.Context) (string, float64, error), error) {
	switch {
	case name != boost && !slices.Contains(rivals.MPMC(), name):
		return nil, fmt.Errorf("rival %q: there are %s", name, rivalNames())
	case o.Mode != bench.Throughput || o.Size != 8:
		return nil, fmt.Errorf("rival %s: rivals are measured with --mode throughput --size 8", name)
	case (name == boost) != (o.Topology == "spsc"):
		return nil, fmt.Errorf("rival %s: %s goes with --topology spsc, the others with mpmc", name, boost)
	}
	if name == boost {
		return func(ctx context.Context) (string, float64, error) {
			const engine = "boost::lockfree::spsc_queue"
			// With and without PAUSE, the better one counts.
			plain, err := rivals.RunBoostThroughput(ctx, rivals.BoostOptions{Messages: 20_000_000, Batch: o.Batch})
			if err != nil {
				return engine, 0, err
			}
			paused, err := rivals.RunBoostThroughput(ctx, rivals.BoostOptions{Messages: 20_000_000, Batch: o.Batch, Pause: true})
			return engine, max(plain.PerSecond, paused.PerSecond), err
		}, nil
	}
	return func(ctx context.Context) (string, float64, error) {
		r, err := rivals.RunMPMC(ctx, rivals.MPMCOptions{
			Engine: name, Producers: o.Producers, Consumers: o.Consumers, Batch: o.Batch, Duration: o.Duration,
		})
		return r.Engine, r.PerSecond, err
	}, nil
}
