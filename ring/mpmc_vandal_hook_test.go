//go:build shmtest

package ring

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ringway/ringway/internal/mem"
)

func TestMPMCVandalIsOutlasted(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, g := range []Geometry{{Kind: MPMC, Capacity: 4096, CellSize: 2048}, cells16, {Kind: MPMC, Capacity: 4096, CellSize: 16, Checksum: true}} {
		for _, live := range []bool{false, true} {
			t.Run(fmt.Sprintf("%+v, at each access %t", g, live), func(t *testing.T) {
				var v *vandal
				steps, most := 0, 0
				hook(t, func(a *mem.Access) {
					steps++
					if live && v != nil && !a.After && v.rnd.IntN(30) == 0 {
						v.strike()
					}
				})
				for round := range uint64(200) {
					v = nil
					v = newVandal(t, g, rand.New(rand.NewPCG(seed, round)), round%2 == 0)
					for range 60 {
						if !live && v.rnd.IntN(8) == 0 {
							v.strike()
						}
						steps = 0
						v.use()
						most = max(most, steps)
					}
				}
				// A few walks around the ring, two calls each.
				if bound := 100*int(g.cells()) + 2000; most > bound {
					t.Errorf("an operation took %d accesses, more than %d", most, bound)
				}
				t.Logf("at most %d accesses", most)
			})
		}
	}
}

// A word that never rests must not hold anybody up for ever.
func TestMPMCRestlessWordsAreGivenUp(t *testing.T) {
	r := smallMPMC(t, 3)
	for name, f := range map[string]func() error{
		"send":    func() error { return r.p[0].TrySend(1, nil) },
		"receive": func() error { _, err := r.c[0].Next(); return err },
	} {
		r.format(StartCell)
		n := uint64(0)
		mem.Hook = func(a *mem.Access) {
			if !a.After {
				n++
				r.setWord(offGen, n)
				if n > 1<<24 {
					panic("no end")
				}
			}
		}
		err := f()
		mem.Hook = nil
		if kindOf(err) != ErrCorrupt {
			t.Errorf("%s: %v after %d accesses", name, err, n)
		}
	}
}
