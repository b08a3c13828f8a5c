//go:build shmtest

package explore

import (
	"fmt"
	"time"
)

// maxActors is how many participants a case may have.
const maxActors = 16

// choice says who moves next and how: 16 times the way plus the participant.
type choice uint16

const (
	doStep choice = iota * maxActors
	doFlush
	doDie
	doEnd
)

func (c choice) actor() int  { return int(c % maxActors) }
func (c choice) way() choice { return c - c%maxActors }

// Result of an exploration.
type Report struct {
	Case      string
	States    int // different ones
	Steps     int // accesses executed
	Deaths    int // of participants, in different states
	Ends      int // states in which nobody will ever move again
	Depth     int // of the longest run
	Time      time.Duration
	Complete  bool
	Violation *Violation // nil: there is none
}

func (r Report) String() string {
	text := fmt.Sprintf("%-34s %9d states %10d steps %8d deaths %7d ends, depth %3d, %6.1f s",
		r.Case, r.States, r.Steps, r.Deaths, r.Ends, r.Depth, r.Time.Seconds())
	if !r.Complete {
		text += ", not complete"
	}
	return text
}

// Violation is a run that breaks a rule.
type Violation struct {
	Rule  string
	Trace []string // one line for each access
}

// Explore walks through all states of a case, depth first, until one breaks a
// rule or limit states have been seen (0: no limit). With another seed than 0
// it does so in another order, which finds more in the same time when there is
// more than the limit.
func Explore(c Case, limit int, seed uint64) Report {
	r := newRunner(&c)
	defer r.close()
	e := &search{r: r, report: Report{Case: c.Name}, limit: limit, seed: seed, orders: make(map[int]order)}
	began := time.Now()
	rule, path := e.run()
	e.report.Time = time.Since(began)
	e.report.Complete = rule == "" && !e.cut
	if rule != "" {
		e.report.Violation = &Violation{Rule: rule, Trace: trace(&c, path)}
	}
	return e.report
}

// Sample makes c.Samples short explorations of a case, each in another order.
// States are counted as often as they are seen.
func Sample(c Case) (sum Report) {
	const limit = 5000
	sum.Case = c.Name
	for seed := range uint64(c.Samples) {
		r := Explore(c, limit, seed+1)
		sum.States += r.States
		sum.Steps += r.Steps
		sum.Deaths += r.Deaths
		sum.Ends += r.Ends
		sum.Depth = max(sum.Depth, r.Depth)
		sum.Time += r.Time
		if sum.Violation = r.Violation; r.Violation != nil {
			break
		}
	}
	return sum
}

type search struct {
	r      *runner
	seen   seen
	report Report
	stack  []node
	by     choice
	limit  int
	seed   uint64
	orders map[int]order
	cut    bool
}

// node is a state on the way that is being explored.
type node struct {
	s     *state
	by    choice
	next  int    // how many choices were made
	made  choice // made before, or doEnd
	moved bool   // somebody can move
}

// run returns the rule that is broken and the way there, or "".
func (e *search) run() (rule string, path []choice) {
	first, err := e.r.first()
	if err != nil {
		return err.Error(), nil
	}
	e.seen.add(first.fingerprint())
	e.report.States = 1
	e.stack = []node{{s: first, made: doEnd}}
	for len(e.stack) > 0 {
		top := &e.stack[len(e.stack)-1]
		c := e.orderAt(len(e.stack) - 1).choice(top.next)
		top.next++
		if c == doEnd {
			if !top.moved {
				e.report.Ends++
				if err := e.r.end(top.s); err != nil {
					return err.Error(), e.path(doEnd)
				}
			}
			top.s = nil
			e.stack = e.stack[:len(e.stack)-1]
			continue
		}
		if c == top.made {
			continue
		}
		e.by = c
		if err := e.r.apply(top.s, c, e.arrive); err != nil {
			return err.Error(), e.path(c)
		}
		if e.cut {
			return "", nil
		}
		if len(e.stack) > maxDepth {
			return fmt.Sprintf("a run of %d accesses doesn't end", maxDepth), e.path(doEnd)
		}
	}
	return "", nil
}

// path returns the choices that led to the state on top of the stack, and one
// more.
func (e *search) path(last choice) (path []choice) {
	for _, n := range e.stack[1:] {
		path = append(path, n.by)
	}
	return append(path, last)
}

// arrive is called with the state that the choice e.by leads to from the one on
// top of the stack. It reports whether to go on the same way.
func (e *search) arrive(n *state, within bool) bool {
	e.report.Steps++
	top := &e.stack[len(e.stack)-1]
	top.moved = top.moved || e.by.way() != doDie
	h := n.fingerprint()
	if !e.seen.add(h) {
		return false
	}
	e.report.States++
	if e.by.way() == doDie {
		e.report.Deaths++
	}
	// It would be the one to move anyway, or the order makes no difference.
	on := within && e.r.c.Buffers == 0 && (e.seed == 0 || e.orderAt(len(e.stack)).choice(0) == e.by)
	made := doEnd
	if on {
		made = e.by
	}
	e.stack = append(e.stack, node{s: n, by: e.by, made: made})
	e.report.Depth = max(e.report.Depth, len(e.stack)-1)
	e.cut = e.limit > 0 && e.report.States >= e.limit
	return on && !e.cut && len(e.stack) <= maxDepth
}

// maxDepth is the length of a run that can only be one that never ends.
const maxDepth = 4000

// apply makes a choice, if it can be made, and passes the state that it leads
// to.
func (r *runner) apply(s *state, c choice, to func(n *state, within bool) bool) error {
	i := c.actor()
	p := &s.procs[i]
	switch c.way() {
	case doStep:
		if p.life == alive && !p.blocked {
			return r.step(s, i, to)
		}
	case doFlush:
		if len(p.buffer) > 0 {
			n, err := r.flush(s, i)
			if err == nil {
				to(n, false)
			}
			return err
		}
	case doDie:
		if p.life == alive && s.deaths < r.c.Deaths && !r.actors[i].Immortal {
			n, err := r.die(s, i)
			if err == nil {
				to(n, false)
			}
			return err
		}
	}
	return nil
}

// end checks a state in which nobody moves any more.
func (r *runner) end(s *state) error {
	var stuck error
	for i, p := range s.procs {
		if p.life == alive && !r.actors[i].Daemon {
			stuck = fmt.Errorf("wedge: %s waits in %s for ever", r.actors[i].Name, r.actors[i].Script[p.op].Name)
		}
	}
	r.im.restore(s.mem)
	return s.ghost.End(stuck)
}
