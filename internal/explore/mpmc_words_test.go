//go:build shmtest

package explore

import (
	"errors"
	"fmt"

	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/ring"
)

// rank orders what a word may be within a lap.
func (c ctlWord) rank() int {
	switch {
	case c.state == isFree:
		return 0
	case c.state == isClaimed:
		return 1
	case c.state == isCommitted:
		return 2 + 2*c.times
	}
	return 3 + 2*c.times
}

// change follows a control word: i is its cell.
func (g *mpmcGhost) change(actor int, i uint64, old, now ctlWord, op mem.Op) error {
	pos := now.at | i
	if now.at < old.at || now.at == old.at && now.rank() <= old.rank() {
		return errors.New("it doesn't climb")
	}
	own := int(g.owner[i]) == actor
	ownerDies := g.owner[i] >= 0 && g.dead>>uint(g.owner[i])&1 == 1
	if op == mem.OpStoreRelease && !own {
		return errors.New("a plain store to a word of somebody else's")
	}
	m := g.msg[i]
	switch {
	case now.state == isClaimed:
		return g.claim(actor, pos, now)
	case now.state == isCommitted && now.pad && now.span == 0:
		if pos != g.tail || g.cells[i] != 0 || g.closed {
			return fmt.Errorf("the end at %#x, the tail is %#x", pos, g.tail)
		}
		g.closed = true
	case now.state == isCommitted && now.pad && (old.state == isFree):
		if err := g.place(pos, now); err != nil {
			return err
		}
		g.msg[i], g.owner[i] = 0, -1
	case old.state == isClaimed && now.state == isCommitted && !now.pad:
		if !own || m == 0 || g.state[m] != claimed {
			return errors.New("a commit by somebody else")
		}
		g.state[m], g.owner[i] = committed, -1
		return g.frames(i, now.span)
	case old.state == isClaimed && now.state == isCommitted:
		if !own && !ownerDies {
			return errors.New("a living producer's claim becomes padding")
		}
		g.msg[i], g.owner[i], g.state[m] = 0, -1, lost
	case now.state == isTaken:
		return g.take(actor, pos, now)
	case old.state == isTaken && now.state == isCommitted:
		if !ownerDies {
			return errors.New("a living consumer's lease is given to others")
		}
		g.owner[i] = -1
	case old.state == isTaken && now.state == isFree:
		if m == 0 || !own && !ownerDies {
			return errors.New("a frame is freed by somebody who didn't take it")
		}
		if own && g.state[m] != told {
			return fmt.Errorf("message %d is released and was not handed out", m)
		}
		g.state[m] = acked
		g.clear(i)
	case old.state == isCommitted && old.pad && now.state == isFree:
		if at := old.at | i; at != g.head && !g.t.skip {
			return fmt.Errorf("padding at %#x is freed, the head is %#x", at, g.head)
		}
		g.clear(i)
		g.advance()
	case old.state == isFree && now.state == isFree:
		// A word within a frame is brought to its lap.
	default:
		return errors.New("that's no step of the protocol")
	}
	return nil
}

// place makes the cells of a new frame its own.
func (g *mpmcGhost) place(pos uint64, now ctlWord) error {
	if pos != g.tail || now.span == 0 || g.closed {
		return fmt.Errorf("a claim of %d cells at %#x, the tail is %#x", now.span, pos, g.tail)
	}
	for c := range uint64(now.span) {
		if g.cell(pos)+c >= g.t.cells {
			return errors.New("a claim over the ring's end")
		}
		if f := g.cells[g.cell(pos+c)]; f != 0 {
			return fmt.Errorf("a claim at %#x of cells of the frame at %#x, which is not freed", pos, f-1)
		}
		g.cells[g.cell(pos+c)] = pos + 1
	}
	if pos+uint64(now.span) > g.free+g.t.cells {
		return fmt.Errorf("a claim up to %#x, and F is %#x", pos+uint64(now.span), g.free)
	}
	g.tail += uint64(now.span)
	return nil
}

func (g *mpmcGhost) claim(actor int, pos uint64, now ctlWord) error {
	if err := g.place(pos, now); err != nil {
		return err
	}
	m := g.now[actor]
	switch {
	case int(m) >= len(g.state) || m == 0 || g.state[m] != unsent:
		return fmt.Errorf("message %d is claimed in state %d", m, g.state[m])
	case now.owner != g.t.slotOf(actor):
		return errors.New("a claim in the name of somebody else")
	}
	i := g.cell(pos)
	g.msg[i], g.owner[i], g.state[m] = m, int8(actor), claimed
	return nil
}

func (g *mpmcGhost) take(actor int, pos uint64, now ctlWord) error {
	i := g.cell(pos)
	m := g.msg[i]
	switch {
	case now.owner != g.t.slotOf(actor):
		return errors.New("taken in the name of somebody else")
	case m == 0 || g.cells[i] != pos+1:
		return errors.New("what is taken is no message")
	case now.times == 0 && pos != g.head && !g.t.skip:
		return fmt.Errorf("taken at %#x, the head is %#x", pos, g.head)
	case now.times == 0 && g.state[m] != committed:
		return fmt.Errorf("message %d is taken in state %d", m, g.state[m])
	case now.times > 0 && g.state[m] != taken && g.state[m] != told:
		return fmt.Errorf("message %d is taken again in state %d", m, g.state[m])
	}
	if now.times == 0 && pos != g.head {
		// With SkipStalled: not past one of the same producer.
		for p := g.head; p < pos; p += uint64(g.t.decode(g.words[g.cell(p)]).span) {
			other := g.msg[g.cell(p)]
			if other != 0 && g.state[other] <= committed && g.t.sender(other) == g.t.sender(m) {
				return fmt.Errorf("message %d is taken before message %d of the same producer", m, other)
			}
		}
	}
	g.state[m], g.owner[i], g.fresh[i] = taken, int8(actor), false
	g.advance()
	return nil
}

// advance moves the head over what is taken or freed.
func (g *mpmcGhost) advance() {
	for g.head < g.tail {
		w := g.t.decode(g.words[g.cell(g.head)])
		if w.state != isTaken && w.state != isFree && w.times == 0 {
			return
		}
		g.head += uint64(w.span)
	}
}

// sender returns the number of the list that a message is in.
func (t *mpmc) sender(id uint8) int {
	for i, list := range t.plan() {
		for _, m := range list {
			if m.id == int(id) {
				return i
			}
		}
	}
	return -1
}

func (g *mpmcGhost) clear(i uint64) {
	f := g.cells[i]
	for c := range g.cells {
		if g.cells[c] == f {
			g.cells[c] = 0
		}
	}
	g.msg[i], g.owner[i], g.fresh[i] = 0, -1, false
}

func (g *mpmcGhost) Event(actor int, e Event) error {
	switch e.Kind {
	case tellSent:
		if s := g.state[e.A]; s == unsent || s == claimed && g.t.buffers == 0 || s == lost {
			return fmt.Errorf("message %d is said to be sent, and isn't", e.A)
		}
	case tellFull, tellEmpty:
		if !g.may[actor] {
			return fmt.Errorf("%s, and at no moment of the call that was true", [...]string{tellFull: "Full", tellEmpty: "Empty"}[e.Kind])
		}
	case tellReaped:
		g.reaped++
	case tellEOF:
		if !g.closed || !g.may[actor] || g.head != g.tail {
			return errors.New("the end, though there is more")
		}
	case tellReceived:
		for i, m := range g.msg {
			second := g.t.batch && uint64(m)+1 == e.A
			if uint64(m) != e.A && !second || m == 0 {
				continue
			}
			w := g.t.decode(g.words[i])
			if int(g.owner[i]) != actor || w.state != isTaken {
				return fmt.Errorf("message %d is received by who hasn't taken it", e.A)
			}
			if (w.times > 0) != (e.B == 1) {
				return fmt.Errorf("message %d is received, taken before: %t, said to be: %t", e.A, w.times > 0, e.B == 1)
			}
			if second || !g.t.batch {
				g.state[m] = told
			}
			return nil
		}
		return fmt.Errorf("message %d is received and isn't in the ring", e.A)
	}
	return nil
}

func (g *mpmcGhost) Death(actor int) {
	g.dead |= 1 << uint(actor)
	g.busy[actor] = false
}

func (g *mpmcGhost) End(stuck error) error {
	consumers := false
	for i := range maxActors {
		role, _ := g.t.roleOf(i)
		consumers = consumers || (role == "consumer" || role == "consumer heir" && g.dead != 0) && g.dead>>uint(i)&1 == 0
	}
	switch {
	case !consumers:
		return nil // a producer may wait for room
	case stuck != nil:
		return stuck
	}
	for m, s := range g.state {
		if s != unsent && s != acked && s != lost {
			return fmt.Errorf("wedge: message %d stays in state %d, and nobody moves any more", m, s)
		}
	}
	if g.head != g.tail {
		return fmt.Errorf("wedge: the head stays at %#x, the tail is %#x", g.head, g.tail)
	}
	for i := range len(g.t.producers) + g.t.consumers {
		s := ring.Slot(word(g.body, mpmcTable+uint64(i)*entrySize))
		if g.dead>>uint(i)&1 == 1 && s.Incarnation() == 1 && s.State() != ring.SlotSwept {
			return fmt.Errorf("the slot of dead participant %d is never swept", i)
		}
	}
	return nil
}
