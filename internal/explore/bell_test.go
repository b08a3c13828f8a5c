//go:build shmtest

package explore

import (
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/sync"
)

// bells are worlds of sleepers and a ringer, on processors with store buffers:
// what is promised is that nobody sleeps on when the message is there.
type bells struct {
	name     string
	messages uint64
	sleepers int
	prepare  func(ringer bool, b *sync.Bell)
}

// bellCases are those worlds, one for each way to order the store of a message
// before the look at the sleeper.
func bellCases() []Case {
	sync.Impatient() // three messages are few
	barrier := func(bool, *sync.Bell) {}
	fenced := func(ringer bool, b *sync.Bell) { b.Fenced() }
	asked := func(ringer bool, b *sync.Bell) {
		if !ringer {
			b.AsksForFences()
		}
	}
	var all []Case
	for _, t := range []bells{
		{"bell, the sleeper's barrier", 3, 1, barrier},
		{"bell, the ringer's fence", 3, 1, fenced},
		{"bell, a fence that was asked for", 3, 1, asked},
		{"bell, two sleepers, barrier", 1, 2, barrier},
		{"bell, two sleepers, fence", 1, 2, fenced},
	} {
		all = append(all, t.build())
	}
	return all
}

const bellMessage = mem.Line // where the number of the newest message stands

// dozer is a sleeper's private memory.
type dozer struct {
	bell *sync.Bell
	seen uint64
}

func (t bells) build() Case {
	return Case{
		Name: t.name, Size: 2 * mem.Line, Buffers: 2,
		Ghost: func([]byte) Ghost { return &bellGhost{} },
		WordName: func(off uint64) string {
			if off == bellMessage {
				return "message"
			}
			return "bell"
		},
		Actors: func(body []byte) (all []Actor) {
			r := mem.Of(body)
			handle := func(ringer bool) *sync.Bell {
				b, err := sync.NewBell(r.Slice(0, mem.Line), "explore", t.sleepers > 1)
				if err != nil {
					panic(err)
				}
				t.prepare(ringer, b)
				return b
			}
			for range t.sleepers {
				all = append(all, Actor{
					Name:    "sleeper",
					Private: func(int) any { return &dozer{bell: handle(false)} },
					Script: []Op{
						{Name: "announce and look", Do: Do(func(x *X, d *dozer) Result {
							d.bell.Announce()
							if d.seen = r.Load64(bellMessage); d.seen < t.messages {
								return 1
							}
							d.bell.Retract()
							return Done
						})},
						{Name: "sleep", Do: Do(func(x *X, d *dozer) Result {
							if !d.bell.Rung() {
								return Wait
							}
							d.bell.Retract()
							return 0
						})},
					},
				})
			}
			return append(all, Actor{
				Name:    "ringer",
				Private: func(int) any { return &dozer{bell: handle(true)} },
				Script: []Op{{Name: "send", Do: Do(func(x *X, d *dozer) Result {
					d.seen++
					r.StoreRelease64(bellMessage, d.seen)
					d.bell.Ring()
					if d.seen < t.messages {
						return 0
					}
					return Done
				})}},
			})
		},
	}
}

// bellGhost knows nothing: whoever waits when nobody moves any more was
// forgotten.
type bellGhost struct{ Base }

func (g *bellGhost) Clone() Ghost { return g }
func (g *bellGhost) Hash() uint64 { return 0 }
