//go:build shmtest

package ring

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// attack is a peer that changes a word at the k-th load of the other side,
// just before or just after it.
type attack struct {
	*testRing
	k     int    // the load that it changes
	value uint64 // what it writes, or which bit it flips
	flip  bool
	after bool

	loads    int
	accesses int
	done     bool
}

func (a *attack) step(x *mem.Access) {
	a.accesses++
	off := uint64(x.Addr - reflect.ValueOf(a.body).Pointer())
	if off > uint64(len(a.body)) || x.Width > uint64(len(a.body))-off {
		a.Fatalf("access to %d bytes at %d of a body of %d", x.Width, off, len(a.body))
	}
	if x.Op != mem.OpLoad || x.After != a.after {
		return
	}
	if a.loads++; a.loads != a.k {
		return
	}
	a.done = true
	v := a.value
	if a.flip {
		v = a.word(off) ^ 1<<a.value
	}
	a.setWord(off, v)
}

// survive runs the operations against the attack. Whatever they return, it
// must be one of the errors that there are; and it must not take long.
func (a *attack) survive(ops []op) {
	a.Helper()
	for _, o := range ops {
		a.accesses = 0
		out := a.do(o)
		// At most a walk around the ring, and a batch.
		if most := int(2*a.g.Capacity/8) + 200; a.accesses > most {
			a.Fatalf("load %d := %#x (flip %t, after %t): %v makes %d accesses", a.k, a.value, a.flip, a.after, o, a.accesses)
		}
		switch out.err {
		case nil, ErrFull, ErrEmpty, ErrCorrupt, ErrTooLarge, ErrClosed, io.EOF:
		default:
			a.Fatalf("load %d := %#x: %v returns %v", a.k, a.value, o, out.err)
		}
	}
	a.check() // the guards
}

func testAttacks(t *testing.T, after bool) {
	for _, sum := range []bool{false, true} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("checksum %t, script %d", sum, seed), func(t *testing.T) {
				r := newRing(t, Geometry{Kind: SPSC, Capacity: MinCapacity, Checksum: sum}, StartPosition)
				r.hostile = true
				ops := crashScript(seed, 33)
				if testing.Short() {
					ops = ops[:12]
				}
				words := hostileWords(uint64(MakeHeader(40, 1, r.p.flags)), r.g.Capacity)
				words = append(words, hostileWords(StartPosition, r.g.Capacity)[64:90]...)
				rnd := rand.New(rand.NewPCG(seed, 3))
				attacks := 0
				for k, done := 1, true; done; k++ {
					// All bits of the word that is there, and a share of
					// the other values.
					for i := range 64 + 40 {
						a := &attack{testRing: r, k: k, after: after, value: uint64(i), flip: i < 64}
						if i >= 64 {
							a.value = words[rnd.IntN(len(words))]
							if i%2 == 0 { // a header of the first lap
								a.value ^= r.lap(StartPosition)
							}
						}
						mem.Hook = nil
						clear(r.body)
						Format(r.g, r.body)
						r.attach()
						hook(t, a.step)
						a.survive(ops)
						mem.Hook = nil
						if done = a.done; !done {
							break
						}
						attacks++
					}
				}
				if attacks < 1000 {
					t.Errorf("only %d attacks", attacks)
				}
			})
		}
	}
}

func TestWordThatIsNonsenseWhenLoadedHarmsNobody(t *testing.T) { testAttacks(t, false) }

func TestWordThatChangesRightAfterItsLoadHarmsNobody(t *testing.T) { testAttacks(t, true) }

func TestHeaderIsLoadedOnce(t *testing.T) {
	// Between the check and the use of a header a peer changes it, to
	// everything else. The message is the one that was checked.
	for _, v := range hostileWords(uint64(MakeHeader(24, 1, 0)), MinCapacity) {
		r := smallRing(t)
		r.hostile = true
		r.send(1, 24)
		hook(t, func(a *mem.Access) {
			if a.Op == mem.OpLoad && a.After {
				r.setHeader(StartPosition, v)
			}
		})
		m, err := r.c.Next()
		mem.Hook = nil
		if err != nil || len(m.Payload) != 24 || m.Type != msgType(1) || r.c.Position() != StartPosition+32 {
			t.Fatalf("header becomes %#016x after its load: %d bytes of type %#x, %v, consumer at %#x", v, len(m.Payload), m.Type, err, r.c.Position())
		}
	}
}

func TestHeaderThatComesWhileNextLooksTwiceIsChecked(t *testing.T) {
	// The zero header is loaded twice when the ring is empty. What comes the
	// second time is checked as well.
	for _, v := range hostileWords(uint64(MakeHeader(24, 1, 0)), MinCapacity) {
		r := smallRing(t)
		r.hostile = true
		loads := 0
		hook(t, func(a *mem.Access) {
			if a.Op == mem.OpLoad && !a.After {
				if loads++; loads == 3 { // header, end, header
					r.setHeader(StartPosition, v)
				}
			}
		})
		m, err := r.c.Next()
		mem.Hook = nil
		h := Header(v)
		good := h.Valid() && h.Flags() == 0 && h.Len() <= r.g.MaxMessage()
		switch {
		case !h.Committed():
			if err != ErrEmpty {
				t.Fatalf("word %#016x comes in the midst of Next: %v, want ErrEmpty", v, err)
			}
		case h.Valid() && h.Flags() == FlagPad && h.FrameSize() == r.g.Capacity:
		case h.Valid() && h.Flags() == FlagCorrelation && h.Len() <= r.g.MaxMessage():
			if err != nil || !m.Correlated || uint64(len(m.Payload)) != HeaderSize+h.Len() {
				t.Fatalf("header %#016x comes in the midst of Next: %d bytes, %v", v, len(m.Payload), err)
			}
		case good && (err != nil || uint64(len(m.Payload)) != h.Len()), !good && !errors.Is(err, ErrCorrupt):
			t.Fatalf("header %#016x comes in the midst of Next: %d bytes, %v", v, len(m.Payload), err)
		}
	}
}

func TestConsumerPositionIsLoadedOnce(t *testing.T) {
	for _, v := range hostileWords(StartPosition, MinCapacity) {
		r := smallRing(t)
		r.hostile = true
		for r.p.TrySend(1, payload(1, 200)) == nil {
		}
		hook(t, func(a *mem.Access) {
			if a.Op == mem.OpLoad && a.After {
				r.setWord(offConsumer, v)
			}
		})
		err := r.p.TrySend(1, payload(1, 200))
		mem.Hook = nil
		if err != ErrFull {
			t.Fatalf("consumer position becomes %#x after its load: %v, want ErrFull", v, err)
		}
	}
}

func TestOwnPositionIsNeverReadBack(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.hostile = true
		loads := make(map[uint64]int)
		first := reflect.ValueOf(r.body).Pointer()
		hook(t, func(a *mem.Access) {
			if a.Op == mem.OpLoad {
				loads[uint64(a.Addr-first)]++
			}
		})
		for i := range 300 {
			r.setWord(offProducer, uint64(i)) // for observers only
			r.send(i, i)
			r.setWord(offConsumer, r.c.Position()) // what it published
			r.receive(i, i)
			r.giveBack()
			if i%50 == 0 {
				p, err := NewSPSCProducer(r.g, r.body)
				if err != nil || p.Position() != r.p.Position() {
					t.Fatalf("attached at %#x, %v", p.Position(), err)
				}
			}
		}
		if n := loads[offProducer]; n != 0 {
			t.Errorf("the producer's position was loaded %d times", n)
		}
	})
}
