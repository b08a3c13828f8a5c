package ring

import (
	"fmt"
	"testing"
)

var benchMPMC = Geometry{Kind: MPMC, Capacity: 1 << 20, CellSize: 64}

func BenchmarkMPMCSendAndReceive(b *testing.B) {
	for _, sum := range []bool{false, true} {
		for _, size := range []int{8, 56, 200, 1000} {
			b.Run(fmt.Sprintf("%dB,checksum=%t", size, sum), func(b *testing.B) {
				g := benchMPMC
				g.Checksum = sum
				r := newMPMCRing(b, g, StartCell, 2, MPMCOptions{})
				msg := payload(1, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if r.p[0].TrySend(1, msg) != nil {
						b.Fatal("full")
					}
					if _, err := r.c[1].Next(); err != nil {
						b.Fatal(err)
					}
					r.c[1].Release()
				}
			})
		}
	}
}

// What the API calls, 1,000 messages one way before they are received.
func BenchmarkMPMCPutAndTake(b *testing.B) {
	for _, size := range []int{8, 40} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			g := benchMPMC
			if size == 8 {
				g.CellSize = 16
			}
			r := newMPMCRing(b, g, StartCell, 2, MPMCOptions{})
			p, c := r.p[0], r.c[1]
			msg := payload(1, size)
			const lot = 1000
			for n := 0; n < b.N; n += lot {
				for range lot {
					if !p.Put(1, msg) && p.TrySend(1, msg) != nil {
						b.Fatal("full")
					}
				}
				for range lot {
					c.Release()
					if _, ok := c.Take(); !ok {
						if _, err := c.Next(); err != nil {
							b.Fatal(err)
						}
					}
				}
				c.Release()
			}
		})
	}
}

func BenchmarkMPMCHalfARingAtATime(b *testing.B) {
	r := newMPMCRing(b, benchMPMC, StartCell, 2, MPMCOptions{})
	msg := payload(1, 40)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if r.p[0].TrySend(1, msg) != nil {
			b.Fatal("full")
		}
		if n&4095 == 4095 {
			for range 4096 {
				if _, err := r.c[1].Next(); err != nil {
					b.Fatal(err)
				}
			}
			r.c[1].Release()
		}
	}
}

func BenchmarkMPMCBatch(b *testing.B) {
	for _, n := range []int{8, 32} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := newMPMCRing(b, benchMPMC, StartCell, 2, MPMCOptions{})
			msgs := make([][]byte, n)
			for i := range msgs {
				msgs[i] = payload(i, 40)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i += n {
				if sent, err := r.p[0].TrySendBatch(1, msgs); sent != n || err != nil {
					b.Fatal(sent, err)
				}
				for range n {
					if _, err := r.c[1].Next(); err != nil {
						b.Fatal(err)
					}
				}
				r.c[1].Release()
			}
		})
	}
}

// Two goroutines, of which each wants a processor for itself.
func BenchmarkMPMCBetweenTwo(b *testing.B) {
	for _, batch := range []int{1, 16} {
		b.Run(fmt.Sprintf("batches of %d", batch), func(b *testing.B) {
			r := newMPMCRing(b, benchMPMC, StartCell, 2, MPMCOptions{})
			msgs := make([][]byte, batch)
			for i := range msgs {
				msgs[i] = payload(i, 40)
			}
			n := max(b.N/batch, 1)
			done := make(chan error)
			go func() {
				for i := 0; i < n*batch; {
					_, err := r.c[1].Next()
					if err == nil {
						i++
						r.c[1].Release()
					} else if err == ErrEmpty {
						r.c[1].Poll(10, 2)
					} else {
						done <- err
						return
					}
				}
				done <- nil
			}()
			for range n {
				for rest := msgs; len(rest) > 0; {
					var sent int
					var err error
					if batch > 1 {
						sent, err = r.p[0].TrySendBatch(1, rest)
					} else if err = r.p[0].TrySend(1, rest[0]); err == nil {
						sent = 1
					}
					if err == ErrFull {
						r.p[0].Poll(10, 2)
					} else if err != nil {
						b.Fatal(err)
					}
					rest = rest[sent:]
				}
			}
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		})
	}
}
