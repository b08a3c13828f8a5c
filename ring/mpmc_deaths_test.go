package ring

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// Everybody dies now and then, with claims and leases open, and comes back
// under the same number once whoever was about to wait has swept. All that was
// committed is delivered, and once unless its consumer died.
func TestMPMCDeathsAmongManyLoseNothing(t *testing.T) {
	for _, g := range []Geometry{{Kind: MPMC, Capacity: 4096, CellSize: 1024}, cells16, {Kind: MPMC, Capacity: 8192, CellSize: 64}} {
		for _, o := range []MPMCOptions{{}, {SkipStalled: true}} {
			t.Run(fmt.Sprintf("%+v, %+v", g, o), func(t *testing.T) {
				const producers, consumers = 3, 3
				c := newCrowd(newMPMCRing(t, g, StartCell, producers+consumers, o), producers, consumers, 1000)
				sweep := func() {
					for slot, inc := range c.t.Unswept() {
						if _, err := Sweep(c.g, c.body, c.t, slot, inc); err != nil {
							t.Error(err)
						}
					}
				}
				// back is what package shm does for a new holder of slot i.
				back := func(i int) {
					if !c.t.MarkDead(i, c.inc[i]) {
						t.Errorf("%d can't die", i)
					}
					for c.t.Slot(i).State() != SlotSwept {
						sweep()
						runtime.Gosched()
					}
					c.inc[i]++
					if !c.t.r.CAS64(uint64(i)*testEntry, uint64(c.t.Slot(i)), uint64(MakeSlot(SlotLive, c.inc[i], uint32(1000+i)))) {
						t.Errorf("slot %d is taken", i)
					}
					var err error
					if i < producers {
						c.p[i], err = NewMPMCProducer(c.g, c.body, c.t, i)
					} else {
						c.c[i], err = NewMPMCConsumer(c.g, c.body, c.t, i, o)
					}
					if err != nil {
						t.Error(err)
					}
				}
				var sending, receiving sync.WaitGroup
				for i := range producers {
					sending.Go(func() {
						rnd := rand.New(rand.NewPCG(uint64(i), 4))
						for k := 0; k < c.messages; {
							if rnd.IntN(30) == 0 {
								if b, err := c.p[i].Claim(rnd.IntN(300)); err == nil {
									copy(b, payload(k, len(b)))
								}
								back(i)
							}
							err := c.p[i].TrySend(uint16(i), c.message(i, k))
							switch err {
							case nil:
								k++
							case ErrFull:
								sweep()
								runtime.Gosched()
							default:
								t.Error(err)
								return
							}
						}
					})
				}
				died := make([][]int, producers*c.messages) // consumers that died with the message
				for i := producers; i < producers+consumers; i++ {
					receiving.Go(func() {
						rnd := rand.New(rand.NewPCG(uint64(i), 5))
						var held []int
						for {
							m, err := c.c[i].Next()
							switch {
							case err == io.EOF && len(held) == 0:
								return
							case err == io.EOF || err == ErrEmpty:
								c.c[i].Release()
								held = nil
								sweep()
								runtime.Gosched()
								continue
							case err != nil:
								t.Error(err)
								return
							}
							p, k := int(binary.LittleEndian.Uint32(m.Payload)), int(binary.LittleEndian.Uint32(m.Payload[4:]))
							if p >= producers || k >= c.messages || string(m.Payload) != string(c.message(p, k)) {
								t.Errorf("received %x", m.Payload)
								return
							}
							held = append(held, p*c.messages+k)
							c.mu.Lock()
							c.got[p][k]++
							c.mu.Unlock()
							switch rnd.IntN(25) {
							case 0:
								c.mu.Lock()
								for _, id := range held {
									died[id] = append(died[id], i)
								}
								c.mu.Unlock()
								held = nil
								back(i)
							case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10:
								c.c[i].Release()
								held = nil
							}
						}
					})
				}
				sending.Wait()
				for c.p[0].End() == ErrFull {
					sweep()
					runtime.Gosched()
				}
				receiving.Wait()
				// Who died last may have left something behind when all
				// others had gone.
				for {
					m, err := c.c[producers].Next()
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					c.got[binary.LittleEndian.Uint32(m.Payload)][binary.LittleEndian.Uint32(m.Payload[4:])]++
					c.c[producers].Release()
				}
				deaths := 0
				for i, got := range c.got {
					for k, n := range got {
						d := len(died[i*c.messages+k])
						if n != 1+d {
							t.Errorf("message %d of producer %d was delivered %d times, with %d deaths", k, i, n, d)
						}
						deaths += d
					}
				}
				if n := Dropped(c.body); n != 0 || deaths == 0 {
					t.Errorf("%d dropped, %d died with a message", n, deaths)
				}
			})
		}
	}
}

func TestMPMCAllocatesNothing(t *testing.T) {
	if mem.Hooked {
		t.Skip("hooks allocate")
	}
	r := smallMPMC(t, 2)
	msg := payload(1, 100)
	msgs := [][]byte{msg, msg, msg}
	for name, f := range map[string]func(){
		"send and receive": func() {
			if r.p[0].TrySend(1, msg) != nil {
				t.Fatal("full")
			}
			_, _ = r.c[1].Next()
			r.c[1].Release()
		},
		"batch": func() {
			if n, _ := r.p[0].TrySendBatch(1, msgs); n != 3 {
				t.Fatal("full")
			}
			for range 3 {
				_, _ = r.c[1].Next()
			}
			r.c[1].Release()
		},
		"claim and abort": func() {
			_, _ = r.p[0].Claim(300)
			r.p[0].Abort()
			r.none(1, ErrEmpty)
		},
		"full and empty": func() {
			for r.p[0].TrySend(1, msg) == nil {
			}
			for err := error(nil); err == nil; _, err = r.c[1].Next() {
			}
			r.c[1].Release()
		},
		"sweep": func() {
			for slot, inc := range r.t.Unswept() {
				r.t.MarkDead(slot, inc)
			}
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
