//go:build shmtest

package explore

import (
	"slices"

	"github.com/ringway/ringway/internal/mem"
)

// Store buffers, as x86 processors have them (total store order): a plain
// store waits in its processor's buffer, where only its own loads see it, and
// reaches the memory later, in order. Locked instructions and XCHG wait until
// the buffer is empty, a fence too, and a barrier until all of them are (which, of
// what a barrier of two processes allows, is everything). Who dies enters the kernel for it: before anybody learns
// of the death the buffer is empty too.

// overlay makes the memory what the participant under way sees.
func (r *runner) overlay() {
	for _, b := range r.from.procs[r.self].buffer {
		r.im.setWord(b.off, b.value)
	}
}

// mayPass ends the step if an access has to wait for the buffer.
func (r *runner) mayPass(a *Access) {
	n := len(r.from.procs[r.self].buffer)
	switch a.Op {
	case mem.OpCAS, mem.OpAdd, mem.OpStore, mem.OpFence:
		if n > 0 {
			panic(stop{})
		}
	case mem.OpBarrier:
		for i := range r.from.procs {
			if len(r.from.procs[i].buffer) > 0 {
				panic(stop{})
			}
		}
	case mem.OpStoreRelease:
		if n >= r.c.Buffers {
			panic(stop{})
		}
	}
}

// settleBuffered takes what the step stored into the participant's buffer, or,
// when it was a locked instruction, into the memory.
func (r *runner) settleBuffered(s, n *state, q *proc) {
	words := uint64(0)
	before := s.mem
	for _, b := range q.buffer {
		before = r.im.with(before, b.off, b.value)
	}
	q.buffer = slices.Clip(q.buffer)
	a := r.own
	if a.Op == mem.OpStoreRelease {
		q.buffer = append(q.buffer, pending{off: a.Off, value: a.Value, commits: true})
	}
	for i, off := range r.im.offs {
		v := r.im.word(uint64(off))
		if v == r.im.at(before, i) {
			continue
		}
		switch {
		case uint64(off) != a.Off&^7 || a.Op == mem.OpBytes:
			q.buffer = append(q.buffer, pending{off: uint64(off), value: v})
		case a.Op != mem.OpStoreRelease:
			n.mem = r.im.with(s.mem, uint64(off), v)
			n.memHash = r.im.hash(n.mem)
			words |= r.im.bitOf(uint64(off))
		}
	}
	n.wake(words)
}

// flush moves the oldest store of participant i's buffer into the memory, and
// payload around it.
func (r *runner) flush(s *state, i int) (*state, error) {
	n := s.clone()
	return n, r.drain(n, i, 1)
}

// drain moves up to so many stores, besides payload, into the memory of n.
func (r *runner) drain(n *state, i, stores int) error {
	p := &n.procs[i]
	for len(p.buffer) > 0 {
		b := p.buffer[0]
		if b.commits {
			if stores--; stores < 0 {
				return nil
			}
		}
		p.buffer = p.buffer[1:]
		was := n.memHash
		n.mem = r.im.with(n.mem, b.off, b.value)
		if n.memHash = r.im.hash(n.mem); n.memHash != was {
			n.wake(r.im.bitOf(b.off))
		}
		if !b.commits {
			continue
		}
		r.im.restore(n.mem)
		a := Access{Op: mem.OpStoreRelease, After: true, Off: b.off, Width: 8, Value: b.value}
		if r.onStep != nil {
			r.onStep(a)
		}
		if err := n.ghost.Access(i, a); err != nil {
			return err
		}
	}
	return nil
}
