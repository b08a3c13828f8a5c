//go:build shmtest

package explore

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/ring"
)

// mpmc is a case of a ring with several producers and consumers.
type mpmc struct {
	name      string
	cells     uint64  // 4 if it's 0
	from      uint64  // the first position; ring.StartCell if it's 0
	fresh     bool    // the ring was never used; otherwise frames of one cell were freed last
	producers [][]int // the spans of the messages that each of them sends
	batch     bool    // each span is a batch of two messages in a claim
	consumers int
	heirs     [][]int // of producers: they take the slot of the first who died, and send
	heir      int     // the participant whose slot they take
	again     bool    // a consumer that takes the slot of the first consumer
	take      bool    // consumers receive by Take and NextBatch
	straight  bool    // consumers go the straight way, which releases the message before
	hold      int     // messages that a consumer holds before it releases them
	cold      bool    // consumers have not looked at the cells yet when they begin
	end       bool    // the first producer declares the end
	skip      bool    // MPMCOptions.SkipStalled
	mortals   []int   // who may die; empty: everybody but reapers
	reapers   int     // born at each death, to sweep; 0: swept at that moment
	weak      bool    // reapers may die too
	marking   bool    // MarkDead takes its time; otherwise it is done at that moment
	selves    bool    // no reapers: who finds the ring empty or full sweeps
	deaths    int
	buffers   int
	large     bool
	samples   int
	small     bool // all the same

	planned [][]message // see plan
}

// The words of a ring; see ring/layout.go.
const (
	mpmcTail  = 0 * mem.Line
	mpmcHead  = 1 * mem.Line
	mpmcEnd   = 2 * mem.Line
	mpmcFree  = 5 * mem.Line
	mpmcGen   = 6 * mem.Line
	mpmcWords = 4096
	mpmcData  = 8192
	mpmcTable = mpmcData + 4096
	entrySize = mem.Line
)

func (t *mpmc) geometry() ring.Geometry {
	return ring.Geometry{Kind: ring.MPMC, Capacity: 4096, CellSize: 4096 / t.cells}
}

// payload is what message number id holds: 16 bytes that only it has, and zeros.
func (t *mpmc) payload(id, span int) []byte {
	n := 8
	if span > 1 {
		n = (span-1)*int(4096/t.cells) + 8
	}
	b := make([]byte, n)
	binary.LittleEndian.PutUint64(b, uint64(id)*0x0101_0101_0101_0101)
	return b
}

// message is one that somebody is to send, or a batch of two.
type message struct{ id, span int }

// plan numbers the messages of all producers and their heirs.
func (t *mpmc) plan() (all [][]message) {
	if t.planned != nil {
		return t.planned
	}
	id := 1
	for _, spans := range append(append([][]int{}, t.producers...), t.heirs...) {
		var list []message
		for _, s := range spans {
			list = append(list, message{id, s})
			id += 2
		}
		all = append(all, list)
	}
	return all
}

func (t *mpmc) build() Case {
	if t.cells == 0 {
		t.cells = 4
	}
	if t.from == 0 {
		t.from = ring.StartCell
	}
	if t.hold == 0 {
		t.hold = 1
	}
	t.planned = t.plan()
	g := t.geometry()
	slots := len(t.producers) + t.consumers
	return Case{
		Name: t.name,
		Size: mpmcTable + uint64(slots)*entrySize,
		Format: func(body []byte) {
			ring.Format(g, body)
			for _, off := range []uint64{mpmcTail, mpmcHead, mpmcFree} {
				binary.LittleEndian.PutUint64(body[off:], t.from)
			}
			for i := range t.cells {
				pos := t.from + (i-t.from)%t.cells // the next one that the cell will have
				if !t.fresh {
					binary.LittleEndian.PutUint64(body[mpmcWords+8*i:], (pos&^(t.cells-1)|1)<<20)
				}
			}
			for i := range slots {
				binary.LittleEndian.PutUint64(body[mpmcTable+i*entrySize:], uint64(ring.MakeSlot(ring.SlotLive, 1, uint32(100+i))))
			}
		},
		Actors:     func(body []byte) []Actor { return t.actors(g, body) },
		Ghost:      func(body []byte) Ghost { return newMPMCGhost(t, body) },
		WordName:   t.wordName,
		WordText:   t.wordText,
		Deaths:     t.deaths,
		Buffers:    t.buffers,
		PayloadEnd: 8,
		// What Poll looks at, which nobody calls.
		Ignore:  []string{"MPMCProducer.watch", "MPMCProducer.seen", "MPMCConsumer.watch", "MPMCConsumer.seen"},
		Large:   t.large || t.samples > 0 && !t.small,
		Samples: t.samples,
	}
}

// firstHeir returns the number of the first actor after producers and consumers.
func (t *mpmc) firstHeir() int { return len(t.producers) + t.consumers }

// roleOf says what an actor is, and which messages it sends.
func (t *mpmc) roleOf(actor int) (role string, sends []message) {
	plan := t.plan()
	switch n := len(t.producers); {
	case actor < n:
		return "producer", plan[actor]
	case actor < t.firstHeir():
		return "consumer", nil
	case actor < t.firstHeir()+len(t.heirs):
		return "heir", plan[n+actor-t.firstHeir()]
	case t.again && actor == t.firstHeir()+len(t.heirs):
		return "consumer heir", nil
	}
	return "reaper", nil
}

// slotOf returns the slot of an actor.
func (t *mpmc) slotOf(actor int) int {
	switch role, _ := t.roleOf(actor); role {
	case "heir":
		return t.heir
	case "consumer heir":
		return len(t.producers)
	}
	return actor
}

// holder returns who holds, or held, a slot in an incarnation; -1 for nobody.
func (t *mpmc) holder(slot int, incarnation uint32) int {
	switch {
	case incarnation == 1:
		return slot
	case incarnation == 2 && slot == t.heir && len(t.heirs) > 0:
		return t.firstHeir()
	case incarnation == 2 && slot == len(t.producers) && t.again:
		return t.firstHeir() + len(t.heirs)
	}
	return -1
}

func (t *mpmc) actors(g ring.Geometry, body []byte) (all []Actor) {
	table, err := ring.TableOf(body[mpmcTable:], entrySize)
	if err != nil {
		panic(err)
	}
	w := &mpmcWorld{t: t, g: g, body: body, table: table}
	for i := range t.firstHeir() {
		a := Actor{Name: fmt.Sprintf("producer %d", i)}
		if i < len(t.producers) {
			a.Script = w.produces(i)
			a.Private = func(int) any { return &sender{p: w.producer(i)} }
		} else {
			a.Name = fmt.Sprintf("consumer %d", i)
			a.Script, a.Daemon = w.consumes(0), true
			a.Private = func(int) any { return &receiver{c: w.consumer(i)} }
		}
		all = append(all, a)
	}
	for range t.heirs {
		all = append(all, Actor{Name: fmt.Sprintf("heir of %d", t.heir), Heir: true, Of: t.heir,
			Private: func(int) any { return new(sender) }, Script: append(w.inherits(), w.produces(len(all))...)})
	}
	if t.again {
		all = append(all, Actor{Name: "consumer 0'", Heir: true, Of: len(t.producers), Daemon: true,
			Private: func(int) any { return new(receiver) }, Script: w.consumerHeir()})
	}
	for i := range all {
		all[i].Immortal = len(t.mortals) > 0 && !slices.Contains(t.mortals, i)
	}
	for death := 1; death <= t.deaths && !t.selves; death++ {
		for range max(t.reapers, 1) {
			all = append(all, Actor{Name: fmt.Sprintf("reaper %d", len(all)), Heir: true, Of: -death, Immortal: !t.weak,
				Private: w.reaper, Script: w.reaps()})
		}
	}
	return all
}

// mpmcWorld is what the scripts share: constants all of it.
type mpmcWorld struct {
	t     *mpmc
	g     ring.Geometry
	body  []byte
	table ring.Table
}

func (w *mpmcWorld) producer(slot int) *ring.MPMCProducer {
	p, err := ring.NewMPMCProducer(w.g, w.body, w.table, slot)
	if err != nil {
		panic(violation{fmt.Sprintf("attaching a producer: %v", err)})
	}
	return p
}

func (w *mpmcWorld) consumer(slot int) *ring.MPMCConsumer {
	c, err := ring.NewMPMCConsumer(w.g, w.body, w.table, slot, ring.MPMCOptions{SkipStalled: w.t.skip})
	if err != nil {
		panic(violation{fmt.Sprintf("attaching a consumer: %v", err)})
	}
	if !w.t.cold {
		c.Next() // so that it has looked for what sweeps left
	}
	return c
}

// reaper is born at a death.
func (w *mpmcWorld) reaper(died int) any {
	slot := w.t.slotOf(died)
	if role, _ := w.t.roleOf(died); role != "reaper" && !w.t.marking {
		incarnation := w.table.Slot(slot).Incarnation()
		w.table.MarkDead(slot, incarnation)
		if w.t.reapers == 0 {
			if _, err := ring.Sweep(w.g, w.body, w.table, slot, incarnation); err != nil {
				panic(err)
			}
		}
	}
	return new(struct{})
}

// sender is a producer's private memory.
type sender struct{ p *ring.MPMCProducer }

// receiver is a consumer's.
type receiver struct {
	c    *ring.MPMCConsumer
	held []held
}
