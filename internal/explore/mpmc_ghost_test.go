//go:build shmtest

package explore

import (
	"bytes"
	"fmt"
	"math/bits"

	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/ring"
)

// mpmcGhost knows the true tail and head, whose the cells are, and what has
// become of each message. It follows the control words.
type mpmcGhost struct {
	t    *mpmc
	body []byte

	words [8]uint64 // the control words
	cells [8]uint64 // the frame that a cell is part of: 1 + its position, 0: free

	// By a frame's first cell:
	msg   [8]uint8 // the message in it, 0: padding
	owner [8]int8  // the actor that has claimed or taken it
	fresh [8]bool  // to be taken again, and a sweep has said so

	state      [64]uint8 // of each message
	tail, head uint64
	free       uint64 // F
	closed     bool

	busy   [maxActors]bool // sends or receives
	may    [maxActors]bool // and there was a moment when it may say Full or Empty
	now    [maxActors]uint8
	dead   uint16
	reaped uint8 // reapers that are done
}

// What may become of a message.
const (
	unsent  = iota
	claimed // being written
	committed
	taken
	told // taken, and handed out
	lost // claimed by one who died
	acked
)

func newMPMCGhost(t *mpmc, body []byte) *mpmcGhost {
	g := &mpmcGhost{t: t, body: body}
	g.tail, g.head, g.free = t.from, t.from, t.from
	for i := range t.cells {
		g.words[i] = word(body, mpmcWords+8*i)
	}
	return g
}

func (g *mpmcGhost) Clone() Ghost { n := *g; return &n }

func (g *mpmcGhost) Hash() uint64 {
	h := Mix(g.tail, g.head, g.free, uint64(g.dead)|uint64(g.reaped)<<16)
	for i := range g.t.cells {
		x := uint64(g.msg[i]) | uint64(uint8(g.owner[i]))<<8
		if g.fresh[i] {
			x |= 1 << 16
		}
		h = Mix(h, g.cells[i], x)
	}
	for i := 0; i < len(g.state); i += 8 {
		x := uint64(0)
		for j := range 8 {
			x |= uint64(g.state[i+j]) << (8 * j)
		}
		h = Mix(h, x)
	}
	for i := range g.busy {
		if g.busy[i] {
			x := uint64(i)<<8 | uint64(g.now[i])
			if g.may[i] {
				x |= 1 << 32
			}
			h = Mix(h, x)
		}
	}
	if g.closed {
		h++
	}
	return h
}

func (g *mpmcGhost) cell(pos uint64) uint64 { return pos & (g.t.cells - 1) }

// full reports whether a message of so many cells, or the padding that has to
// come first, has no room.
func (g *mpmcGhost) full(span int) bool {
	need := uint64(span)
	if toEnd := g.t.cells - g.cell(g.tail); need > toEnd {
		need = toEnd
	}
	for i := range need {
		if g.cells[g.cell(g.tail+i)] != 0 {
			return true
		}
	}
	return false
}

// empty reports whether there is nothing to take.
func (g *mpmcGhost) empty() bool {
	for _, f := range g.fresh {
		if f {
			return false
		}
	}
	for pos := g.head; pos < g.tail; {
		w := g.t.decode(g.words[g.cell(pos)])
		if w.state != isCommitted {
			return true
		}
		if !w.pad {
			return false
		}
		pos += uint64(w.span)
	}
	return true
}

// look notes who may say Full or Empty.
func (g *mpmcGhost) look() {
	for i, busy := range g.busy {
		if !busy || g.may[i] {
			continue
		}
		if g.now[i] > 0 {
			span := 1 // the end
			if int(g.now[i]) < len(g.state) {
				span = g.t.span(int(g.now[i]))
			}
			g.may[i] = g.full(span)
		} else {
			g.may[i] = g.empty()
		}
	}
}

func (g *mpmcGhost) Begin(actor, op int) {
	role, sends := g.t.roleOf(actor)
	if role == "heir" {
		op--
	}
	g.busy[actor], g.may[actor], g.now[actor] = true, false, 0
	switch role {
	case "producer", "heir":
		switch {
		case op < 0:
			g.busy[actor] = false
		case op < len(sends):
			g.now[actor] = uint8(sends[op].id)
		default:
			g.now[actor] = 255
		}
	case "reaper":
		g.busy[actor] = false
	}
	g.look()
}

// Commutes says yes to what is in the cells: they are somebody's or nobody's,
// see payload. And to what only changes after a death, once there is none any
// more.
func (g *mpmcGhost) Commutes(_ int, a Access) bool {
	switch {
	case a.Off >= mpmcTable:
		return a.Op == mem.OpLoad && g.settled() && len(g.t.heirs) == 0 && !g.t.again
	case a.Off >= mpmcData:
		return true
	}
	return a.Off == mpmcGen && a.Op == mem.OpLoad && g.settled()
}

// settled reports whether nobody will die or sweep any more.
func (g *mpmcGhost) settled() bool {
	if g.t.from > 1<<40 {
		return false // producers count in gen too, now and then
	}
	return g.t.deaths == 0 || !g.t.selves && !g.t.weak &&
		bits.OnesCount16(g.dead) == g.t.deaths && int(g.reaped) == g.t.deaths*g.t.reapers
}

func (g *mpmcGhost) Access(actor int, a Access) error {
	changes := a.After && (a.Op == mem.OpStoreRelease || a.Op == mem.OpStore || a.Op == mem.OpAdd || a.Op == mem.OpCAS && a.OK)
	switch {
	case a.Off >= mpmcTable:
		return nil
	case a.Off >= mpmcData:
		return g.payload(actor, a)
	case !changes:
		return nil
	case a.Off >= mpmcWords:
		i := (a.Off - mpmcWords) / 8
		old, now := g.words[i], word(g.body, a.Off)
		g.words[i] = now
		if old == now {
			return nil
		}
		if err := g.change(actor, i, g.t.decode(old), g.t.decode(now), a.Op); err != nil {
			return fmt.Errorf("word[%d] from %v to %v: %w", i, g.t.decode(old), g.t.decode(now), err)
		}
	case a.Off == mpmcGen:
		for i, w := range g.words[:g.t.cells] {
			d := g.t.decode(w)
			g.fresh[i] = g.fresh[i] || d.state == isCommitted && d.times > 0 && !d.pad
		}
	case a.Off == mpmcTail, a.Off == mpmcHead, a.Off == mpmcFree:
		if err := g.hint(a.Off); err != nil {
			return err
		}
	}
	g.look()
	return nil
}

// hint checks T, H and F.
func (g *mpmcGhost) hint(off uint64) error {
	t, h, f := word(g.body, mpmcTail), word(g.body, mpmcHead), word(g.body, mpmcFree)
	switch {
	case off == mpmcFree && f < g.free:
		return fmt.Errorf("F goes back from %#x", g.free)
	case t > g.tail:
		return fmt.Errorf("T is %#x, the tail %#x", t, g.tail)
	case h > g.head:
		return fmt.Errorf("H is %#x, the head %#x", h, g.head)
	case t < f || h < f:
		return fmt.Errorf("T is %#x, H %#x, and F further on: %#x", t, h, f)
	}
	g.free = f
	for i, c := range g.cells {
		if c != 0 && c-1 < f {
			return fmt.Errorf("F is %#x, and the frame at %#x in cell %d is not freed", f, c-1, i)
		}
	}
	return nil
}

// payload checks that who touches the cells has them.
func (g *mpmcGhost) payload(actor int, a Access) error {
	if a.Width == 0 {
		return nil
	}
	size := 4096 / g.t.cells
	for c := (a.Off - mpmcData) / size; c <= (a.Off-mpmcData+a.Width-1)/size; c++ {
		frame := g.cells[c]
		if frame == 0 {
			return fmt.Errorf("payload of cell %d, which is nobody's, is touched", c)
		}
		i := g.cell(frame - 1)
		w := g.t.decode(g.words[i])
		if int(g.owner[i]) != actor || w.state != isClaimed && w.state != isTaken {
			return fmt.Errorf("payload of cell %d is touched, whose frame is %v", c, w)
		}
		if a.Op != mem.OpLoad && a.Op != mem.OpBytes && w.state != isClaimed {
			return fmt.Errorf("a consumer writes to cell %d", c)
		}
	}
	return nil
}

// frames checks that the cells of a committed frame hold a message.
func (g *mpmcGhost) frames(i uint64, span int) error {
	at := mpmcData + i*(4096/g.t.cells)
	want := []message{{int(g.msg[i]), 0}}
	if g.t.batch {
		want = append(want, message{int(g.msg[i]) + 1, 0})
	}
	if h := ring.Header(word(g.body, at)); h.Valid() && h.Flags() == ring.FlagBatch {
		unit := word(g.body, at+8)
		at += 16
		for _, m := range want {
			if p := g.t.payload(m.id, g.t.span(m.id)); unit != uint64(len(p)) || !bytes.Equal(g.body[at:][:unit], p) {
				return fmt.Errorf("message %d is committed, in a batch with header %#x", m.id, uint64(h))
			}
			at += unit
		}
		at, want = (at+7)&^7, nil
	}
	for _, m := range want {
		h := ring.Header(word(g.body, at))
		p := g.t.payload(m.id, g.t.span(m.id))
		if !h.Valid() || h.Len() != uint64(len(p)) || !bytes.Equal(g.body[at+8:][:len(p)], p) {
			return fmt.Errorf("message %d is committed, and its frame has header %#x", m.id, uint64(h))
		}
		at += 8 + (uint64(len(p))+7)/8*8
	}
	if end := mpmcData + (i+uint64(span))*(4096/g.t.cells); at < end && word(g.body, at) != 0 {
		return fmt.Errorf("what is behind message %d is not zero", g.msg[i])
	}
	return nil
}
