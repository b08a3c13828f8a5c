package ringway_test

import (
	"context"
	"testing"

	"github.com/ringway/ringway"
)

// BenchmarkSend8 and BenchmarkRecv8 are one side alone: what a message costs
// while nobody fights for its cache line.
func BenchmarkSend8(b *testing.B) { benchmarkSides(b, true) }
func BenchmarkRecv8(b *testing.B) { benchmarkSides(b, false) }

func benchmarkSides(b *testing.B, send bool) {
	for _, kind := range []ringway.Kind{ringway.SPSC, ringway.MPMC} {
		b.Run(kind.String(), func(b *testing.B) { benchmarkSide(b, kind, send) })
	}
}

func benchmarkSide(b *testing.B, kind ringway.Kind, send bool) {
	ctx := context.Background()
	options := []ringway.Option{ringway.Capacity(1 << 20), ringway.Prefault()}
	if kind == ringway.MPMC {
		options = append(options, ringway.CellSize(16))
	}
	p, c := ends(b, newRingOf(b, kind, options...))
	msg := make([]byte, 8)
	const batch = 50_000
	for n := 0; n < b.N; n += batch {
		half := func(timed bool, step func() error) {
			if !timed {
				b.StopTimer()
				defer b.StartTimer()
			}
			for range min(batch, b.N-n) {
				if err := step(); err != nil {
					b.Fatal(err)
				}
			}
		}
		half(send, func() error { return p.Send(ctx, msg) })
		half(!send, func() error { _, err := c.Recv(ctx); return err })
	}
	b.ReportAllocs()
}
