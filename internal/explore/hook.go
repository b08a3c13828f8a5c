//go:build shmtest

package explore

import (
	"fmt"
	"slices"

	"github.com/ringway/ringway/internal/mem"
)

// hook is called around each access. Those of the past observe what they did
// then; the first one after it takes place; the one after that is not reached.
// Accesses that commute with whatever others do don't count.
func (r *runner) hook(a *Access) {
	if r.quiet {
		if !a.After {
			r.im.touch(a.Off, a.Width)
		}
		if a.After || a.Op == mem.OpBytes {
			r.observe(*a)
		}
		return
	}
	if a.After {
		r.after(a)
		return
	}
	if r.at < len(r.past) {
		r.poke(a, r.past[r.at])
		r.at++
		return
	}
	if !r.started {
		r.started = true
		r.im.restore(r.from.mem)
		if r.c.Buffers > 0 {
			r.overlay()
		}
	}
	if a.Op != opOracle && !r.ghost.Commutes(r.self, *a) {
		if r.real {
			r.pause()
		}
		if r.c.Buffers > 0 {
			r.mayPass(a)
		}
		r.real, r.own = true, *a
	}
	if r.at++; r.at > maxAccesses {
		panic(violation{fmt.Sprintf("%s makes more than %d accesses", r.op.Name, maxAccesses)})
	}
	r.begin(a)
}

// pause is called before the first access that isn't part of the step. It ends
// the operation's execution unless that goes on with another step.
func (r *runner) pause() {
	n := r.within()
	if !r.more(n, true) {
		panic(stop{})
	}
	r.from, r.ghostOurs = n, false
}

// begin lets an access take place.
func (r *runner) begin(a *Access) {
	switch a.Op {
	case opOracle:
		r.watch |= oracleBit
		r.note(a)
		r.observe(*a)
	case mem.OpBytes:
		r.im.touch(a.Off, r.c.payload(a.Width))
		if !r.op.Writes {
			r.watch |= r.im.bitsOf(a.Off, a.Width)
		}
		r.note(a)
		r.observe(*a)
	default:
		r.im.touch(a.Off, a.Width)
	}
}

// after is called after an access took place.
func (r *runner) after(a *Access) {
	if !r.started {
		return
	}
	w := &seenWord{prev: r.last, op: a.Op, off: a.Off, width: a.Width}
	switch a.Op {
	case mem.OpLoad, mem.OpAdd:
		w.value = a.Value
	case mem.OpCAS:
		w.ok, w.value = a.OK, a.Old
	}
	r.last = w
	switch a.Op {
	case mem.OpStore, mem.OpStoreRelease, mem.OpFence, mem.OpBarrier: // observe nothing
	default:
		r.watch |= r.im.bitOf(a.Off)
	}
	r.observe(*a)
}

// observe tells the ghost of an access that took place. Stores that a buffer
// holds back take place later.
func (r *runner) observe(a Access) {
	if r.onStep != nil {
		r.onStep(a)
	}
	if r.c.Buffers > 0 && a.Op == mem.OpStoreRelease || a.Op == opOracle {
		return
	}
	if a.Op != mem.OpLoad && a.Op != mem.OpBytes && !r.quiet {
		r.ghostToChange()
	}
	if err := r.ghost.Access(r.self, a); err != nil {
		panic(violation{err.Error()})
	}
}

// note makes an access to payload part of the past, or a question.
func (r *runner) note(a *Access) {
	w := &seenWord{prev: r.last, op: a.Op, off: a.Off, width: a.Width, value: a.Value}
	if a.Op == mem.OpBytes && !r.op.Writes {
		w.bytes = slices.Clone(r.im.body[a.Off:][:a.Width])
	}
	r.last = w
}

// poke sees to it that an access observes what it did in the past.
func (r *runner) poke(a *Access, w *seenWord) {
	if a.Op != w.op || a.Off != w.off || a.Width != w.width {
		panic(internal(fmt.Sprintf("explore: %s of %s is not deterministic: access %d was %+v, now it's %+v",
			r.op.Name, r.actors[r.self].Name, r.at, *w, *a)))
	}
	switch a.Op {
	case mem.OpLoad:
		r.setNarrow(a, w.value)
	case mem.OpAdd:
		r.setNarrow(a, w.value-a.Value)
	case mem.OpCAS:
		if w.ok {
			r.setNarrow(a, a.Old)
		} else {
			r.setNarrow(a, ^a.Old)
		}
	case mem.OpBytes:
		copy(r.im.body[a.Off:a.Off+a.Width], w.bytes)
	case opOracle:
		a.Value = w.value
	}
}

// setNarrow sets a word of 4 or 8 bytes.
func (r *runner) setNarrow(a *Access, v uint64) {
	if a.Width == 8 {
		r.im.setWord(a.Off, v)
		return
	}
	shift := a.Off % 8 * 8
	w := r.im.word(a.Off &^ 7)
	r.im.setWord(a.Off&^7, w&^(0xFFFF_FFFF<<shift)|v&0xFFFF_FFFF<<shift)
}

// look makes an access to payload of the script's own reading of it.
func (r *runner) look(b []byte) {
	off := offsetIn(r.im.body, b)
	r.hook(&Access{Op: mem.OpBytes, Off: off, Width: uint64(len(b))})
}

// oracle asks whether a participant is dead.
func (r *runner) oracle(actor int) bool {
	a := Access{Op: opOracle, Off: uint64(actor)}
	if r.from.procs[actor].life == dead {
		a.Value = 1
	}
	r.hook(&a)
	return a.Value != 0
}

// payload returns how many bytes of a payload of n count.
func (c *Case) payload(n uint64) uint64 {
	if c.PayloadEnd > 0 {
		return min(n, c.PayloadEnd)
	}
	return n
}
