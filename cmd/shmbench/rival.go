package main

import (
	"context"
	"fmt"

	"github.com/ringway/ringway/bench"
	"github.com/ringway/ringway/bench/rivals"
)

// rivalNamed returns what measures a rival's throughput.
func rivalNamed(name string, o bench.RunOptions) (func(context.Context) (string, float64, error), error) {
	if name != "boost" {
		return nil, fmt.Errorf("rival %q: there is boost", name)
	}
	if o.Mode != bench.Throughput || o.Size != 8 {
		return nil, fmt.Errorf("rival %s: it is measured with --mode throughput --size 8", name)
	}
	return func(ctx context.Context) (string, float64, error) {
		const engine = "boost::lockfree::spsc_queue"
		r, err := rivals.RunBoostThroughput(ctx, rivals.BoostOptions{Messages: 20_000_000})
		return engine, r.PerSecond, err
	}, nil
}
