package ring

import (
	"fmt"
	"testing"
)

const benchCapacity = 1 << 16

// benchmarks run for a plain ring and one with checksums, both sides on one
// goroutine.
func benchmarks(b *testing.B, run func(b *testing.B, r *testRing)) {
	for _, sum := range []bool{false, true} {
		b.Run(fmt.Sprintf("checksum=%t", sum), func(b *testing.B) {
			r := newRing(b, Geometry{Kind: SPSC, Capacity: benchCapacity, Checksum: sum}, StartPosition)
			b.ReportAllocs()
			run(b, r)
		})
	}
}

func benchSendReceive(b *testing.B, r *testRing, n int) {
	msg := payload(1, n)
	b.SetBytes(int64(n))
	for b.Loop() {
		if err := r.p.TrySend(1, msg); err != nil {
			b.Fatal(err)
		}
		if _, err := r.c.Next(); err != nil {
			b.Fatal(err)
		}
		if r.c.Release() {
			r.c.Publish()
		}
	}
}

func BenchmarkSendReceive8(b *testing.B) {
	benchmarks(b, func(b *testing.B, r *testRing) { benchSendReceive(b, r, 8) })
}

func BenchmarkSendReceive64(b *testing.B) {
	benchmarks(b, func(b *testing.B, r *testRing) { benchSendReceive(b, r, 64) })
}

func BenchmarkSendReceive1024(b *testing.B) {
	benchmarks(b, func(b *testing.B, r *testRing) { benchSendReceive(b, r, 1024) })
}

func BenchmarkClaimCommit64(b *testing.B) {
	benchmarks(b, func(b *testing.B, r *testRing) {
		msg := payload(1, 64)
		b.SetBytes(64)
		for b.Loop() {
			buf, err := r.p.Claim(64)
			if err != nil {
				b.Fatal(err)
			}
			copy(buf, msg)
			r.p.Commit(1, 64)
			if _, err := r.c.Next(); err != nil {
				b.Fatal(err)
			}
			if r.c.Release() {
				r.c.Publish()
			}
		}
	})
}

// BenchmarkBatch32 counts messages, not batches.
func BenchmarkBatch32(b *testing.B) {
	benchmarks(b, func(b *testing.B, r *testRing) {
		msgs := make([][]byte, 32)
		for i := range msgs {
			msgs[i] = payload(i, 8)
		}
		b.SetBytes(8)
		for i := 0; i < b.N; i += len(msgs) {
			if _, err := r.p.TrySendBatch(1, msgs); err != nil {
				b.Fatal(err)
			}
			for range msgs {
				if _, err := r.c.Next(); err != nil {
					b.Fatal(err)
				}
			}
			if r.c.Release() {
				r.c.Publish()
			}
		}
	})
}
