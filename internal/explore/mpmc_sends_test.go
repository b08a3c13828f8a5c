//go:build shmtest

package explore

import (
	"bytes"
	"fmt"

	"github.com/ringway/ringway/ring"
)

// produces is the script of a producer, or of the heir of one.
func (w *mpmcWorld) produces(actor int) (script []Op) {
	_, sends := w.t.roleOf(actor)
	for _, m := range sends {
		script = append(script, Op{Name: fmt.Sprintf("send %d", m.id), Writes: true, Do: Do(func(x *X, p *sender) Result {
			return w.send(x, p.p, m)
		})})
	}
	if w.t.end && actor == 0 {
		script = append(script, Op{Name: "end", Do: Do(func(x *X, p *sender) Result {
			switch err := p.p.End(); err {
			case nil:
				return Next
			case ring.ErrFull:
				return w.bury(x)
			default:
				x.Fail("End: %v", err)
				return Done
			}
		})})
	}
	return script
}

func (w *mpmcWorld) send(x *X, p *ring.MPMCProducer, m message) Result {
	var err error
	if w.t.batch {
		var n int
		n, err = p.TrySendBatch(0, [][]byte{w.t.payload(m.id, m.span), w.t.payload(m.id+1, 1)})
		if n == 1 {
			x.Fail("the case is wrong: half a batch is sent")
		}
	} else {
		err = p.TrySend(0, w.t.payload(m.id, m.span))
	}
	switch {
	case err == ring.ErrFull:
		x.Tell(Event{Kind: tellFull})
		return w.bury(x)
	case err == ring.ErrClosed && w.t.end:
		return Done
	case err != nil:
		x.Fail("sending: %v", err)
	}
	x.Tell(Event{Kind: tellSent, A: uint64(m.id)})
	return Next
}

// bury sweeps the dead, if participants do that themselves.
func (w *mpmcWorld) bury(x *X) Result {
	if !w.t.selves {
		return Wait
	}
	for i := range w.table.Len() {
		w.markDead(x, i)
	}
	for slot, incarnation := range w.table.Unswept() {
		w.sweep(x, slot, incarnation)
	}
	return Wait
}

// markDead marks a slot whose holder is known to be dead.
func (w *mpmcWorld) markDead(x *X, slot int) {
	s := w.table.Slot(slot)
	if s.State() != ring.SlotLive {
		return
	}
	if a := w.t.holder(slot, s.Incarnation()); a >= 0 && x.Dead(a) {
		w.table.MarkDead(slot, s.Incarnation())
	}
}

func (w *mpmcWorld) sweep(x *X, slot int, incarnation uint32) {
	if _, err := ring.Sweep(w.g, w.body, w.table, slot, incarnation); err != nil {
		x.Fail("sweeping: %v", err)
	}
}

func (h held) is(x *X, want []byte) {
	if !bytes.Equal(h.b, want) {
		x.Fail("message %d holds %x…, want %x…", h.id, h.b[:min(len(h.b), 16)], want[:min(len(want), 16)])
	}
}
