//go:build shmtest

package explore

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ringway/ringway/internal/mem"
)

// Access is an access to the shared memory; Off is its offset there.
type Access = mem.Access

// A kind of access that package mem doesn't have.
const opOracle mem.Op = 100 // X.Dead

// maxAccesses is how many accesses one operation may make.
const maxAccesses = 2000

// seenWord is one access that an operation has made, with what it observed.
// The accesses of an operation are a list, the newest first.
type seenWord struct {
	prev  *seenWord
	op    mem.Op
	ok    bool
	off   uint64
	width uint64
	value uint64
	bytes []byte
}

// runner executes steps of participants. It belongs to one goroutine.
type runner struct {
	c      *Case
	im     *image
	cp     copier
	actors []Actor
	lo, hi uintptr

	// The step under way.
	from      *state
	ghost     Ghost
	self      int
	op        *Op
	past      []*seenWord // what the operation has done, oldest first
	at        int         // accesses begun in this execution
	started   bool        // the past is over
	real      bool        // the step's own access was reached
	own       Access      // the step's own access
	last      *seenWord   // the newest access
	watch     uint64      // the words that the operation has observed
	more      func(n *state, within bool) bool
	ghostOurs bool // ghost was copied for the step
	quiet     bool // accesses are none of the run
	onStep    func(Access)
}

var (
	runnersMu sync.Mutex
	runners   atomic.Pointer[[]*runner]
)

func init() { mem.Hook = dispatch }

// dispatch passes an access to the runner whose memory it is. Others are none
// of our business.
func dispatch(a *mem.Access) {
	all := runners.Load()
	if all == nil {
		return
	}
	for _, r := range *all {
		if a.Addr >= r.lo && a.Addr < r.hi {
			a.Off = uint64(a.Addr - r.lo) // it's ours, made for this call
			r.hook(a)
			return
		}
	}
}

func newRunner(c *Case) *runner {
	body := make([]byte, c.Size)
	if c.Format != nil {
		c.Format(body)
	}
	r := &runner{c: c, im: newImage(body), cp: newCopier(body, c.Ignore), lo: addr(body), hi: addr(body) + uintptr(len(body))}
	r.actors = c.Actors(body)
	runnersMu.Lock()
	defer runnersMu.Unlock()
	var all []*runner
	if old := runners.Load(); old != nil {
		all = slices.Clone(*old)
	}
	all = append(all, r)
	runners.Store(&all)
	return r
}

func (r *runner) close() {
	runnersMu.Lock()
	defer runnersMu.Unlock()
	all := slices.DeleteFunc(slices.Clone(*runners.Load()), func(o *runner) bool { return o == r })
	runners.Store(&all)
}

func (r *runner) replaying() bool { return !r.started && len(r.past) > 0 }

// step executes the next access of participant i, and what it does up to the
// access after that, and passes more the state that it leads to. If more says
// yes and the operation is not over, it goes on with the next one.
func (r *runner) step(s *state, i int, more func(n *state, within bool) bool) error {
	p := &s.procs[i]
	r.from, r.self, r.op, r.more = s, i, &r.actors[i].Script[p.op], more
	r.ghost, r.ghostOurs = s.ghost, false
	r.past = r.past[:0]
	for w := p.seen; w != nil; w = w.prev {
		r.past = append(r.past, w)
	}
	slices.Reverse(r.past)
	r.at, r.started, r.real, r.own, r.last, r.watch = 0, false, false, Access{}, p.seen, p.watch
	if len(r.past) == 0 {
		// What happens before the first access may look at leased memory.
		r.im.restore(s.mem)
		r.watch = 0
		r.ghostToChange().Begin(i, p.op)
	}
	private := r.cp.clone(p.private)
	res, ended, err := r.execute(private)
	if err != nil || !ended {
		return err
	}
	more(r.ended(private, res), false)
	return nil
}

// ghostToChange returns the ghost of the state that the step leads to.
func (r *runner) ghostToChange() Ghost {
	if !r.ghostOurs {
		r.ghost, r.ghostOurs = r.ghost.Clone(), true
	}
	return r.ghost
}

// within returns the state that the step under way leads to.
func (r *runner) within() *state {
	s := r.from
	n := *s
	n.procs, n.ghost = slices.Clone(s.procs), r.ghost
	p, q := &s.procs[r.self], &n.procs[r.self]
	if p.seen == nil {
		q.dirty = false
	}
	// Of its own changes too it has to take notice; not of those to words
	// that it hasn't looked at.
	q.watch, q.seen = r.watch, r.last
	q.seenHash = chain(p.seenHash, p.seen, r.last)
	r.settle(s, &n, q)
	return &n
}

// ended returns the state that the step leads to when it ends the operation.
func (r *runner) ended(private any, res Result) *state {
	n := r.within()
	q := &n.procs[r.self]
	watch := q.watch
	q.seen, q.seenHash, q.watch = nil, 0, 0
	h := r.cp.hash(private)
	moved := h != q.privateHash
	q.private, q.privateHash = private, h
	script := r.actors[r.self].Script
	switch res {
	case Next:
		q.op++
	case Done:
		q.op = len(script)
	case Wait:
		// The same again, in the same memory, would end the same way.
		if q.blocked = !q.dirty && !moved; q.blocked {
			q.watch = watch
		}
	default:
		q.op = int(res)
	}
	q.dirty = false
	if q.op >= len(script) {
		q.life, q.private, q.privateHash = finished, nil, 0
	}
	return n
}

// execute runs the operation on its private memory until it has to stop.
func (r *runner) execute(private any) (res Result, ended bool, err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case stop:
		case violation:
			err = fmt.Errorf("%s", v.text)
		case internal:
			panic(v)
		default:
			err = fmt.Errorf("panics: %v", v)
		}
	}()
	res = r.op.Do(&X{r}, private)
	return res, true, nil
}

// internal is a panic because of a mistake in a case or in this package.
type internal string
