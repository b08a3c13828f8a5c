package ring

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// crowd is a number of producers and consumers at work at the same time.
type crowd struct {
	*testMPMC
	producers, consumers, messages int

	mu    sync.Mutex
	got   [][]int // how often message [producer][number] was delivered
	again int
}

func newCrowd(r *testMPMC, producers, consumers, messages int) *crowd {
	c := &crowd{testMPMC: r, producers: producers, consumers: consumers, messages: messages, got: make([][]int, producers)}
	for i := range c.got {
		c.got[i] = make([]int, messages)
	}
	return c
}

// message is number k of producer i, of a size that only it has.
func (c *crowd) message(i, k int) []byte {
	b := make([]byte, 8+(k*7+i*13)%int(c.g.MaxMessage()/2-8))
	for j := range b {
		b[j] = byte(i*31 + k + j)
	}
	binary.LittleEndian.PutUint32(b, uint32(i))
	binary.LittleEndian.PutUint32(b[4:], uint32(k))
	return b
}

// produce sends all messages of producer i in some way or other.
func (c *crowd) produce(i int) {
	rnd := rand.New(rand.NewPCG(uint64(i), 1))
	p := c.p[i]
	for k := 0; k < c.messages; {
		var err error
		n := 0
		switch rnd.IntN(4) {
		case 0:
			var msgs [][]byte
			for j := k; j < min(k+1+rnd.IntN(5), c.messages); j++ {
				msgs = append(msgs, c.message(i, j))
			}
			n, err = p.TrySendBatch(uint16(i), msgs)
		case 1:
			var b []byte
			m := c.message(i, k)
			if b, err = p.Claim(len(m) + rnd.IntN(9)); err == nil {
				copy(b, m)
				if rnd.IntN(4) == 0 {
					runtime.Gosched()
				}
				if rnd.IntN(8) == 0 {
					p.Abort()
				} else {
					p.Commit(uint16(i), len(m))
					n = 1
				}
			}
		default:
			if err = p.TrySend(uint16(i), c.message(i, k)); err == nil {
				n = 1
			}
		}
		k += n
		if err != nil {
			if err != ErrFull {
				c.Error(err)
				return
			}
			p.Poll(3, 4)
			runtime.Gosched()
		}
	}
}

// consume receives until the end.
func (c *crowd) consume(i int) {
	last := make([]int, c.producers)
	for l := range last {
		last[l] = -1
	}
	rnd := rand.New(rand.NewPCG(uint64(i), 2))
	n := 0
	for {
		m, err := c.c[i].Next()
		if err == ErrEmpty {
			c.c[i].Release()
			c.c[i].Poll(3, 4)
			runtime.Gosched()
			continue
		}
		if err == io.EOF {
			c.c[i].Release()
			return
		}
		if err != nil {
			c.Error(err)
			return
		}
		p, k := int(binary.LittleEndian.Uint32(m.Payload)), int(binary.LittleEndian.Uint32(m.Payload[4:]))
		if p >= c.producers || k >= c.messages || string(m.Payload) != string(c.message(p, k)) || int(m.Type) != p {
			c.Errorf("consumer %d received %x", i, m.Payload)
			return
		}
		if !m.Redelivered {
			if k <= last[p] {
				c.Errorf("consumer %d received %d of producer %d after %d", i, k, p, last[p])
			}
			last[p] = k
		}
		c.mu.Lock()
		c.got[p][k]++
		if m.Redelivered {
			c.again++
		}
		c.mu.Unlock()
		if n++; rnd.IntN(3) == 0 {
			c.c[i].Release()
		}
	}
}

func TestMPMCManyAtOnceLoseAndDoubleNothing(t *testing.T) {
	messages := some(12_000)
	for _, o := range []MPMCOptions{{}, {SkipStalled: true}} {
		for _, g := range []Geometry{
			{Kind: MPMC, Capacity: 4096, CellSize: 1024}, cells16, {Kind: MPMC, Capacity: 8192, CellSize: 64, Checksum: true},
		} {
			t.Run(fmt.Sprintf("%+v, %+v", g, o), func(t *testing.T) {
				const producers, consumers = 4, 4
				c := newCrowd(newMPMCRing(t, g, StartCell, producers+consumers, o), producers, consumers, messages/4)
				var sending, receiving sync.WaitGroup
				for i := range producers {
					sending.Go(func() { c.produce(i) })
				}
				for i := range consumers {
					receiving.Go(func() { c.consume(producers + i) })
				}
				sending.Wait()
				for c.p[0].End() == ErrFull {
					runtime.Gosched()
				}
				receiving.Wait()
				for i, got := range c.got {
					for k, n := range got {
						if n != 1 {
							t.Fatalf("message %d of producer %d was delivered %d times", k, i, n)
						}
					}
				}
				if c.again != 0 {
					t.Errorf("%d redelivered", c.again)
				}
			})
		}
	}
}

// Consumers leave and come back all the time: Detach takes back what they have,
// others get it.
func TestMPMCDetachAmongManyLosesNothing(t *testing.T) {
	const producers, consumers = 2, 3
	for _, g := range []Geometry{cells16, {Kind: MPMC, Capacity: 8192, CellSize: 64}} {
		r := newMPMCRing(t, g, StartCell, producers+consumers, MPMCOptions{})
		c := newCrowd(r, producers, consumers, 1500)
		var sending, receiving sync.WaitGroup
		for i := range producers {
			sending.Go(func() { c.produce(i) })
		}
		for i := range consumers {
			receiving.Go(func() {
				rnd := rand.New(rand.NewPCG(uint64(i), 3))
				me := producers + i
				for {
					m, err := c.c[me].Next()
					switch {
					case err == io.EOF && c.c[me].Leased() == 0:
						return
					case err != nil && err != ErrEmpty && err != io.EOF:
						t.Error(err)
						return
					case err != nil:
						c.c[me].Release()
						runtime.Gosched()
					case rnd.IntN(40) == 0:
						// Not handled: gone, and back under the same number.
						if _, err := Detach(r.g, r.body, r.t, me); err != nil {
							t.Error(err)
						}
						c.c[me], err = NewMPMCConsumer(r.g, r.body, r.t, me, MPMCOptions{})
						if err != nil {
							t.Error(err)
							return
						}
					default:
						p, k := binary.LittleEndian.Uint32(m.Payload), binary.LittleEndian.Uint32(m.Payload[4:])
						c.mu.Lock()
						c.got[p][k]++
						c.mu.Unlock()
						if c.c[me].Leased() > 1 || rnd.IntN(2) == 0 {
							c.c[me].Release()
						}
					}
				}
			})
		}
		sending.Wait()
		for c.p[0].End() == ErrFull {
			runtime.Gosched()
		}
		receiving.Wait()
		for i, got := range c.got {
			for k, n := range got {
				if n == 0 {
					t.Fatalf("message %d of producer %d was lost", k, i)
				}
			}
		}
		if n := Dropped(r.body); n != 0 {
			t.Errorf("%d dropped", n)
		}
	}
}
