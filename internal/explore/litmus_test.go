//go:build shmtest

package explore

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// litmus is a tiny world: each thread is one operation on a few words, and
// returns what it saw.
type litmus struct {
	threads []func(m mem.Region) string
	deaths  int
	buffers int
}

// outcomes explores l and returns all combinations of what the threads saw.
func (l litmus) outcomes(t *testing.T) []string {
	t.Helper()
	seen := make(map[string]bool)
	r := Explore(Case{
		Name: t.Name(),
		Size: 64,
		Actors: func(body []byte) (all []Actor) {
			m := mem.Of(body)
			for i, thread := range l.threads {
				all = append(all, Actor{
					Name:    fmt.Sprint(i),
					Private: func(int) any { return new(string) },
					Script: []Op{{Name: "run", Do: Do(func(x *X, p *string) Result {
						*p = thread(m)
						x.Tell(Event{A: uint64(len(*p))})
						return Done
					})}},
				})
			}
			return all
		},
		Ghost:   func(body []byte) Ghost { return &litmusGhost{saw: make([]string, len(l.threads)), all: seen} },
		Deaths:  l.deaths,
		Buffers: l.buffers,
	}, 0, 0)
	if r.Violation != nil {
		t.Fatal(r.Violation)
	}
	var list []string
	for o := range seen {
		list = append(list, o)
	}
	slices.Sort(list)
	return list
}

type litmusGhost struct {
	Base
	saw []string
	all map[string]bool
}

func (g *litmusGhost) Clone() Ghost { return &litmusGhost{saw: slices.Clone(g.saw), all: g.all} }

func (g *litmusGhost) Hash() (h uint64) {
	for _, s := range g.saw {
		h = Mix(h, uint64(len(s)))
	}
	return h
}

// Event notes what a thread saw: so many ones.
func (g *litmusGhost) Event(actor int, e Event) error {
	g.saw[actor] = strings.Repeat("1", int(e.A))
	return nil
}

func (g *litmusGhost) Death(actor int) { g.saw[actor] = "dead" }

func (g *litmusGhost) End(error) error {
	g.all[strings.Join(g.saw, "|")] = true
	return nil
}

// ones returns a text of so many characters.
func ones(n uint64) string { return strings.Repeat("1", int(n)) }

func expect(t *testing.T, have []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("outcomes %q, want %q", have, want)
	}
}

func TestStoreBuffersLetALoadPassAStore(t *testing.T) {
	dekker := func(store func(m mem.Region, off, v uint64)) []func(mem.Region) string {
		return []func(mem.Region) string{
			func(m mem.Region) string { store(m, 0, 1); return ones(m.Load64(8)) },
			func(m mem.Region) string { store(m, 8, 1); return ones(m.Load64(0)) },
		}
	}
	release := dekker(mem.Region.StoreRelease64)
	expect(t, litmus{threads: release}.outcomes(t), "1|", "|1", "1|1")
	expect(t, litmus{threads: release, buffers: 2}.outcomes(t), "|", "1|", "|1", "1|1")
	expect(t, litmus{threads: dekker(mem.Region.Store64), buffers: 2}.outcomes(t), "1|", "|1", "1|1")
}

func TestStoreBuffersKeepTheOrderOfStores(t *testing.T) {
	threads := []func(mem.Region) string{
		func(m mem.Region) string { m.StoreRelease64(0, 1); m.StoreRelease64(8, 1); return "" },
		func(m mem.Region) string {
			flag := m.Load64(8)
			return ones(2*flag + m.Load64(0))
		},
	}
	for buffers := range 3 {
		expect(t, litmus{threads: threads, buffers: buffers}.outcomes(t), "|", "|1", "|111")
	}
}

func TestStoreBufferIsSeenByItsOwnLoads(t *testing.T) {
	threads := []func(mem.Region) string{
		func(m mem.Region) string { m.StoreRelease64(0, 1); return ones(m.Load64(0)) },
		func(m mem.Region) string { return ones(m.Load64(0)) },
	}
	expect(t, litmus{threads: threads, buffers: 1}.outcomes(t), "1|", "1|1")
}

func TestAllInterleavingsAreExplored(t *testing.T) {
	add := func(m mem.Region) string {
		v := m.Load64(0)
		m.StoreRelease64(0, v+1)
		return ones(v)
	}
	read := func(m mem.Region) string { return ones(m.Load64(0)) }
	// The second update may be lost, or come before or behind.
	expect(t, litmus{threads: []func(mem.Region) string{add, add}}.outcomes(t), "|", "1|", "|1")
	expect(t, litmus{threads: []func(mem.Region) string{add, add, read}}.outcomes(t),
		"||", "||1", "1||", "1||1", "1||11", "|1|", "|1|1", "|1|11")
	cas := func(m mem.Region) string {
		for {
			if v := m.Load64(0); m.CAS64(0, v, v+1) {
				return ones(v)
			}
		}
	}
	expect(t, litmus{threads: []func(mem.Region) string{cas, cas, cas}}.outcomes(t),
		"|1|11", "|11|1", "1||11", "1|11|", "11||1", "11|1|")
	sum := func(m mem.Region) string { return ones(m.Add64(0, 1)) }
	expect(t, litmus{threads: []func(mem.Region) string{sum, sum}}.outcomes(t), "1|11", "11|1")
}

func TestDeathComesBetweenAnyTwoAccesses(t *testing.T) {
	threads := []func(mem.Region) string{
		func(m mem.Region) string {
			m.StoreRelease64(0, 1)
			m.StoreRelease64(0, 2)
			m.StoreRelease64(0, 3)
			return ""
		},
		func(m mem.Region) string { return ones(m.Load64(0)) },
	}
	expect(t, litmus{threads: threads, deaths: 1}.outcomes(t),
		"|", "|1", "|11", "|111", "dead|", "dead|1", "dead|11", "|dead")
}
