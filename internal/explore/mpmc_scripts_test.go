//go:build shmtest

package explore

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/ring"
)

// consumes is the script of a consumer, to be put behind other operations.
func (w *mpmcWorld) consumes(before int) []Op {
	receive, release := Result(before), Result(before+1)
	return []Op{
		{Name: "receive", Do: Do(func(x *X, p *receiver) Result {
			m, taken, err := ring.Message{}, false, error(nil)
			if w.t.straight {
				w.put(x, p) // back, whatever comes next
				if m, taken = w.pass(p.c); !taken {
					p.c.Release()
				}
				p.held = nil
			}
			if w.t.take {
				var into [1]ring.Message
				if n, _ := p.c.NextBatch(into[:]); n > 0 { // the rest of one
					m, taken = into[0], true
				} else {
					m, taken = p.c.Take()
				}
			}
			if !taken {
				m, err = p.c.Next()
			}
			switch {
			case err == ring.ErrEmpty, err == io.EOF:
				if err == io.EOF {
					x.Tell(Event{Kind: tellEOF})
				} else {
					x.Tell(Event{Kind: tellEmpty})
				}
				if len(p.held) > 0 {
					return release
				}
				return w.bury(x)
			case err != nil:
				x.Fail("receiving: %v", err)
			}
			h := w.identify(x, m)
			p.held = append(p.held, h)
			if len(p.held) >= w.t.hold && !w.t.straight {
				return release
			}
			return receive
		})},
		{Name: "release", Do: Do(func(x *X, p *receiver) Result {
			w.put(x, p)
			p.held = nil
			p.c.Release()
			return receive
		})},
	}
}

// put looks at what a receiver is about to put back.
func (w *mpmcWorld) put(x *X, p *receiver) {
	for _, h := range p.held {
		x.Look(h.b)
		h.is(x, w.t.payload(h.id, w.t.span(h.id)))
	}
}

// pass receives a message the straight way, if there is one.
func (w *mpmcWorld) pass(c *ring.MPMCConsumer) (m ring.Message, ok bool) {
	if !c.Straight() || !c.Win() {
		return m, false
	}
	if c.Pass(); c.Alike() {
		return c.Plain(), true
	}
	c.Odd()
	return m, false
}

// identify tells the ghost which message it is.
func (w *mpmcWorld) identify(x *X, m ring.Message) held {
	h := held{b: m.Payload}
	if len(h.b) >= 8 {
		h.id = int(h.b[0])
	}
	if h.id == 0 || w.t.span(h.id) == 0 {
		x.Fail("a message of %d bytes is received that nobody sent: %x…", len(h.b), h.b[:min(len(h.b), 16)])
	}
	h.is(x, w.t.payload(h.id, w.t.span(h.id)))
	e := Event{Kind: tellReceived, A: uint64(h.id)}
	if m.Redelivered {
		e.B = 1
	}
	x.Tell(e)
	return h
}

// span returns the cells of message id, 0 if there is none of that number.
func (t *mpmc) span(id int) int {
	for _, list := range t.plan() {
		for _, m := range list {
			if m.id == id {
				return m.span
			}
			if t.batch && m.id+1 == id {
				return 1
			}
		}
	}
	return 0
}

// reaps is the script of one who comes when somebody has died.
func (w *mpmcWorld) reaps() []Op {
	mark := []Op{
		{Name: "mark", Do: func(x *X, _ any) Result {
			for i := range w.table.Len() {
				if w.anyDead(x, i) {
					w.markDead(x, i)
				}
			}
			return Next
		}},
	}
	sweep := []Op{
		{Name: "sweep", Do: func(x *X, _ any) Result {
			for i := range w.table.Len() {
				if !w.anyDead(x, i) {
					continue
				}
				if s := w.table.Slot(i); s.State() == ring.SlotDead {
					w.sweep(x, i, s.Incarnation())
				}
			}
			x.Tell(Event{Kind: tellReaped})
			return Next
		}},
	}
	if w.t.reapers == 0 {
		return nil
	}
	if w.t.marking {
		return append(mark, sweep...)
	}
	return sweep
}

// anyDead reports whether any holder of a slot is dead.
func (w *mpmcWorld) anyDead(x *X, slot int) bool {
	for incarnation := range uint32(2) {
		if a := w.t.holder(slot, incarnation+1); a >= 0 && x.Dead(a) {
			return true
		}
	}
	return false
}

// takeOver takes a slot that was swept.
func (w *mpmcWorld) takeOver(slot int) bool {
	s := w.table.Slot(slot)
	if s.State() != ring.SlotSwept {
		return false
	}
	r := mem.Of(w.body).Slice(mpmcTable, uint64(len(w.body))-mpmcTable)
	return r.CAS64(uint64(slot)*entrySize, uint64(s), uint64(ring.MakeSlot(ring.SlotLive, s.Incarnation()+1, 500)))
}

func (w *mpmcWorld) inherits() []Op {
	return []Op{{Name: "take over", Do: Do(func(x *X, p *sender) Result {
		if !w.takeOver(w.t.heir) {
			return Wait
		}
		p.p = w.producer(w.t.heir)
		return Next
	})}}
}

func (w *mpmcWorld) consumerHeir() []Op {
	slot := len(w.t.producers)
	first := Op{Name: "take over", Do: Do(func(x *X, p *receiver) Result {
		if !w.takeOver(slot) {
			return Wait
		}
		var err error
		if p.c, err = ring.NewMPMCConsumer(w.g, w.body, w.table, slot, ring.MPMCOptions{}); err != nil {
			x.Fail("attaching a consumer: %v", err)
		}
		return Next
	})}
	return append([]Op{first}, w.consumes(1)...)
}

// ctlWord is a control word; see ring/mpmc_word.go.
type ctlWord struct {
	state       int
	pad         bool
	times       int
	owner, span int
	at          uint64 // position of the lap's begin
}

const (
	isFree = iota
	isClaimed
	isCommitted
	isTaken
)

func (t *mpmc) decode(w uint64) ctlWord {
	return ctlWord{
		state: int(w & 3), pad: w>>2&1 == 1, times: int(w >> 3 & 31), owner: int(w >> 8 & 4095),
		span: int(w >> 20 & (t.cells - 1)), at: w >> 20 &^ (t.cells - 1),
	}
}

func (c ctlWord) String() string {
	s := [...]string{"FREE", "CLAIMED", "COMMITTED", "TAKEN"}[c.state]
	if c.pad {
		s += " pad"
	}
	if c.state == isClaimed || c.state == isTaken {
		s += fmt.Sprintf("(%d)", c.owner)
	}
	if c.times > 0 {
		s += fmt.Sprintf(" again %d", c.times)
	}
	return s + fmt.Sprintf(" span %d lap %#x", c.span, c.at)
}

func (t *mpmc) wordName(off uint64) string {
	switch {
	case off == mpmcTail:
		return "T"
	case off == mpmcHead:
		return "H"
	case off == mpmcFree:
		return "F"
	case off == mpmcGen:
		return "gen"
	case off == mpmcEnd:
		return "end"
	case off >= mpmcTable:
		return fmt.Sprintf("slot[%d]", (off-mpmcTable)/entrySize)
	case off >= mpmcData:
		return fmt.Sprintf("data+%d", off-mpmcData)
	case off >= mpmcWords:
		return fmt.Sprintf("word[%d]", (off-mpmcWords)/8)
	}
	return fmt.Sprintf("%#x", off)
}

func (t *mpmc) wordText(off, v uint64) string {
	switch {
	case off >= mpmcTable:
		s := ring.Slot(v)
		return fmt.Sprintf("%s #%d", [...]string{"FREE", "LIVE", "DEAD", "SWEPT"}[s.State()], s.Incarnation())
	case off >= mpmcWords && off < mpmcData:
		return t.decode(v).String()
	}
	return fmt.Sprintf("%#x", v)
}

// word reads a word behind everybody's back.
func word(body []byte, off uint64) uint64 { return binary.LittleEndian.Uint64(body[off:]) }
