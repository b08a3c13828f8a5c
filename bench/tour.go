package bench

import (
	"bytes"
	"context"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/feed"
)

// tourMessages is the length of the feed that Tour replays: some 15 MB.
const tourMessages = 500_000

// Step is one part of a tour.
type Step struct {
	Title string
	Run   func(ctx context.Context, progress func(done, all int64)) (Result, error)
}

// Tour returns the parts of the two-minute tour: a market feed through a ring,
// then a few round trips and rates beside their limits.
func Tour() []Step {
	run := func(o RunOptions) func(context.Context, func(done, all int64)) (Result, error) {
		return func(ctx context.Context, progress func(done, all int64)) (Result, error) {
			o.Topology, o.Runs, o.Duration = "spsc", 3, 300*time.Millisecond
			if o.Mode == Latency {
				o.Wait = ringway.BusySpin
			}
			o.Batch = max(o.Batch, 1)
			o.Progress = func(kept, runs, _ int) { progress(int64(kept), int64(runs)) }
			return Run(ctx, o)
		}
	}
	return []Step{
		{"replay an ITCH 5.0 feed", func(ctx context.Context, progress func(done, all int64)) (Result, error) {
			var b bytes.Buffer
			if err := feed.GenerateITCH(&b, feed.GenerateOptions{Seed: 1, Messages: tourMessages}); err != nil {
				return Result{}, err
			}
			f, err := feed.NewFeed(b.Bytes(), "generated.itch", feed.Options{Format: feed.ITCH})
			if err != nil {
				return Result{}, err
			}
			return Replay(ctx, f, ReplayOptions{Topology: "spsc", Repeat: 4, Wait: ringway.Adaptive, Progress: progress})
		}},
		{"round trip, 32 bytes", run(RunOptions{Mode: Latency, Size: 32, Capacity: 64 << 10})},
		{"round trip, 64 bytes", run(RunOptions{Mode: Latency, Size: 64, Capacity: 64 << 10})},
		{"rate, 8 bytes, one a call", run(RunOptions{Mode: Throughput, Size: 8, Capacity: 8 << 20})},
		{"rate, 8 bytes, 32 a call", run(RunOptions{Mode: Throughput, Size: 8, Capacity: 8 << 20, Batch: 32})},
		{"rate, 64 bytes, one a call", run(RunOptions{Mode: Throughput, Size: 64, Capacity: 8 << 20})},
		{"rate, 64 KiB", run(RunOptions{Mode: Throughput, Size: 64 << 10, Capacity: 4 << 20})},
	}
}
