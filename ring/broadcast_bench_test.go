package ring

import (
	"fmt"
	"testing"
)

// One goroutine publishes and receives in turn, so that no line moves: what is
// left is what the code costs.
func BenchmarkBroadcast(b *testing.B) {
	for _, size := range []int{8, 64, 1024} {
		for _, gates := range []uint64{0, 2} {
			b.Run(fmt.Sprintf("size=%d,gates=%d", size, gates), func(b *testing.B) {
				g := Geometry{Kind: Broadcast, Capacity: benchCapacity, Gates: gates}
				body := make([]byte, g.BodySize())
				Format(g, body)
				p, err := NewBroadcastPublisher(g, body)
				if err != nil {
					b.Fatal(err)
				}
				s, err := NewBroadcastSubscriber(g, body, BroadcastOptions{Gated: gates > 0})
				if err != nil {
					b.Fatal(err)
				}
				msg := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if err := p.TrySend(0, msg); err != nil {
						b.Fatal(err)
					}
					if _, err := s.Next(); err != nil {
						b.Fatal(err)
					}
					if s.Due() {
						s.Publish()
					}
				}
			})
		}
	}
}

func BenchmarkLast(b *testing.B) {
	g := Geometry{Kind: Broadcast, Capacity: 1 << 20}
	body := make([]byte, g.BodySize())
	Format(g, body)
	p, err := NewBroadcastPublisher(g, body)
	if err != nil {
		b.Fatal(err)
	}
	s, err := NewBroadcastSubscriber(g, body, BroadcastOptions{})
	if err != nil {
		b.Fatal(err)
	}
	msg, last := make([]byte, 64), make([]byte, 0, 64)
	for range 1000 {
		if err := p.TrySend(0, msg); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, _, _, err := s.Last(last); err != nil {
			b.Fatal(err)
		}
	}
}
