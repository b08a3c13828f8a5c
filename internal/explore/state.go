//go:build shmtest

package explore

import (
	"errors"
	"slices"

	"github.com/ringway/ringway/internal/mem"
)

// state is one state of a case's world. It is not changed once it is complete.
type state struct {
	mem     []uint64
	memHash uint64
	procs   []proc
	ghost   Ghost
	deaths  int
}

type life uint8

const (
	unborn life = iota
	alive
	finished
	dead
)

// proc is a participant in a state.
type proc struct {
	life    life
	blocked bool // waits until anything changes
	dirty   bool // something has changed since the operation began
	op      int

	// Its private memory as it was when the operation began, and the accesses
	// since. As the code depends on nothing else, that's all its state.
	private     any
	privateHash uint64
	seen        *seenWord
	seenHash    uint64
	watch       uint64 // the words that it observed, or waits for; see bitOf

	buffer []pending
}

// pending is a store that waits in a store buffer.
type pending struct {
	off, value uint64
	commits    bool // it's a StoreRelease, not payload
}

// first returns the state in which all begins.
func (r *runner) first() (*state, error) {
	s := &state{procs: make([]proc, len(r.actors)), ghost: r.c.Ghost(r.im.body)}
	for i, a := range r.actors {
		if a.Heir {
			continue
		}
		if err := r.birth(s, i, -1); err != nil {
			return nil, err
		}
	}
	s.mem = r.im.capture(nil)
	s.memHash = r.im.hash(s.mem)
	return s, nil
}

// birth brings participant i to life, in a memory that is restored.
func (r *runner) birth(s *state, i, died int) (err error) {
	defer func() {
		r.quiet = false
		if v := recover(); v != nil {
			bad, ok := v.(violation)
			if !ok {
				panic(v)
			}
			err = errors.New(bad.text)
		}
	}()
	r.quiet, r.ghost, r.self = true, s.ghost, i
	a := &r.actors[i]
	p := &s.procs[i]
	p.life, p.private = alive, a.Private(died)
	p.privateHash = r.cp.hash(p.private)
	if len(a.Script) == 0 {
		*p = proc{life: finished}
	}
	return nil
}

func (s *state) clone() *state {
	n := *s
	n.procs = slices.Clone(s.procs)
	n.ghost = s.ghost.Clone()
	return &n
}

// wake notes that some of the words in a set have changed.
func (s *state) wake(words uint64) {
	for i := range s.procs {
		p := &s.procs[i]
		switch {
		case p.watch&words == 0:
		case p.blocked:
			p.blocked, p.watch = false, 0
		case p.seen != nil:
			p.dirty = true
		}
	}
}

// oracleBit stands for who is dead, in a set of words.
const oracleBit = 1 << 63

// bitOf returns the bit that stands for a word in sets. Several may have the
// same: then there are changes that change nothing, which does no harm.
func (m *image) bitOf(off uint64) uint64 { return 1 << uint((m.slots[off/8]-1)%63) }

// bitsOf returns the set of the words that hold n bytes, of those that change.
func (m *image) bitsOf(off, n uint64) (set uint64) {
	for w := off / 8; w*8 < off+n; w++ {
		if m.slots[w] != 0 {
			set |= m.bitOf(w * 8)
		}
	}
	return set
}

// changes returns the set of the words that differ.
func (m *image) changes(a, b []uint64) (set uint64) {
	for i := range m.offs {
		if m.at(a, i) != m.at(b, i) {
			set |= 1 << uint(i%63)
		}
	}
	return set
}

// settle takes the memory as a step left it into the new state.
func (r *runner) settle(s, n *state, q *proc) {
	if r.c.Buffers > 0 {
		r.settleBuffered(s, n, q)
		return
	}
	n.mem = r.im.capture(s.mem)
	if !same(n.mem, s.mem) {
		n.memHash = r.im.hash(n.mem)
		n.wake(r.im.changes(n.mem, s.mem))
	}
}

func same(a, b []uint64) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// die kills participant i.
func (r *runner) die(s *state, i int) (*state, error) {
	n := s.clone()
	n.deaths++
	p := &n.procs[i]
	if err := r.drain(n, i, len(p.buffer)); err != nil {
		return nil, err
	}
	*p = proc{life: dead, op: p.op}
	r.im.restore(n.mem)
	n.ghost.Death(i)
	for j, a := range r.actors {
		if a.Heir && (a.Of == i || a.Of == -n.deaths) && n.procs[j].life == unborn {
			if err := r.birth(n, j, i); err != nil {
				return nil, err
			}
		}
	}
	n.mem = r.im.capture(n.mem)
	n.memHash = r.im.hash(n.mem)
	n.wake(oracleBit | r.im.changes(s.mem, n.mem))
	return n, nil
}

// fingerprint returns a hash of all that makes a difference for the future.
func (s *state) fingerprint() uint64 {
	h := mix(s.memHash, uint64(s.deaths))
	for i := range s.procs {
		p := &s.procs[i]
		bits := uint64(p.life) | uint64(p.op)<<8 | uint64(i)<<32
		if p.blocked {
			bits |= 1 << 62
		}
		if p.dirty {
			bits |= 1 << 63
		}
		x := mix(bits, p.privateHash)
		if p.blocked {
			x = mix(x, p.watch)
		}
		if p.seenHash != 0 {
			x = mix(x, p.seenHash)
		}
		for _, b := range p.buffer {
			x = mix(mix(x, b.off), b.value)
		}
		h += x
	}
	return mix(h, s.ghost.Hash())
}

// chain extends a fingerprint of accesses by those since old up to last.
func chain(h uint64, old, last *seenWord) uint64 {
	if last == old {
		return h
	}
	h = chain(h, old, last.prev)
	x := last.value
	if last.ok {
		x = mix(x, 1)
	}
	// What it was is a function of what was observed before; but an access
	// that observes nothing must count too.
	h = mix(h, x)
	if last.op == mem.OpBytes && last.bytes != nil {
		h = hashBytes(h, last.bytes)
	}
	return h | 1
}
