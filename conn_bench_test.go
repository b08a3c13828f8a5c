package ringway_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/ringway/ringway"
)

// BenchmarkRoundTrip compares a connection and a call over it with the two rings
// that they are made of, between two goroutines.
func BenchmarkRoundTrip(b *testing.B) {
	payload := make([]byte, 64)
	ctx := context.Background()
	b.Run("rings", func(b *testing.B) {
		there, back := newRing(b, ringway.Wait(ringway.BusySpin)), newRing(b, ringway.Wait(ringway.BusySpin))
		p, c := ends(b, there)
		p2, c2 := ends(b, back)
		go func() {
			for {
				m, err := c.Recv(ctx)
				if err != nil || p2.Send(ctx, m.Payload) != nil {
					return
				}
			}
		}()
		for b.Loop() {
			if err := p.Send(ctx, payload); err != nil {
				b.Fatal(err)
			}
			if _, err := c2.Recv(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("connection", func(b *testing.B) {
		l := listen(b, newAddress(), ringway.Wait(ringway.BusySpin))
		x, y := connect(b, l, ringway.Wait(ringway.BusySpin))
		go func() {
			for {
				m, err := y.Recv(ctx)
				if err != nil || y.Send(ctx, m.Payload) != nil {
					return
				}
			}
		}()
		for b.Loop() {
			if err := x.Send(ctx, payload); err != nil {
				b.Fatal(err)
			}
			if _, err := x.Recv(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("call", func(b *testing.B) {
		c := served(b, 1, func(_ context.Context, _ uint16, q, dst []byte) ([]byte, error) {
			return append(dst, q...), nil
		}, ringway.Wait(ringway.BusySpin))
		into := make([]byte, 0, 64)
		for b.Loop() {
			if _, err := c.Call(ctx, 0, payload, into); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkHandshake dials and closes, over shared memory. It prints the median:
// some have to wait for the system to clear up behind those before.
func BenchmarkHandshake(b *testing.B) {
	l := listen(b, newAddress())
	go func() {
		for {
			c, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			go func() {
				_, _ = c.Recv(context.Background()) // until it is closed
				_ = c.Close()
			}()
		}
	}()
	var times []time.Duration
	for b.Loop() {
		began := time.Now()
		c, err := ringway.Dial(b.Context(), l.Addr())
		if err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(began))
		_ = c.Close()
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/1000, "µs/p50")
}
