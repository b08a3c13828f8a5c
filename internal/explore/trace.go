//go:build shmtest

package explore

import (
	"fmt"

	"github.com/ringway/ringway/internal/mem"
)

// trace runs a path again and describes each of its accesses.
func trace(c *Case, path []choice) (lines []string) {
	r := newRunner(c)
	defer r.close()
	s, err := r.first()
	if err != nil {
		return nil
	}
	for n, ch := range path {
		if ch == doEnd {
			lines = append(lines, fmt.Sprintf("%4d  nobody moves any more", n+1))
			break
		}
		i := ch.actor()
		name := r.actors[i].Name
		what := ""
		if p := s.procs[i]; p.life == alive && p.op < len(r.actors[i].Script) {
			what = r.actors[i].Script[p.op].Name
		}
		told := ch.way() == doDie
		if told {
			lines = append(lines, fmt.Sprintf("%4d  %-12s %-10s DIES", n+1, name, what))
		}
		r.onStep = func(a Access) {
			told = true
			if ch.way() == doDie {
				name, what = r.actors[r.self].Name, "is born"
			}
			lines = append(lines, fmt.Sprintf("%4d  %-12s %-10s %s", n+1, name, what, c.describe(a)))
		}
		var next *state
		err := r.apply(s, ch, func(n *state, _ bool) bool {
			next = n
			return false
		})
		if !told {
			lines = append(lines, fmt.Sprintf("%4d  %-12s %-10s (no access to a word)", n+1, name, what))
		}
		if ch.way() == doFlush && told {
			lines[len(lines)-1] += "  (leaves the store buffer)"
		}
		if err != nil || next == nil {
			break
		}
		q := next.procs[i]
		switch {
		case ch.way() != doStep:
		case q.life == finished:
			lines[len(lines)-1] += "  — its script ends"
		case q.blocked:
			lines[len(lines)-1] += "  — waits for a change"
		case q.seen == nil:
			lines[len(lines)-1] += "  — returns"
		}
		s = next
	}
	return lines
}

// describe puts an access into words.
func (c *Case) describe(a Access) string {
	name := fmt.Sprintf("%#x", a.Off)
	if a.Op == opOracle {
		return fmt.Sprintf("asks whether participant %d is dead: %t", a.Off, a.Value != 0)
	}
	if c.WordName != nil {
		name = c.WordName(a.Off)
	}
	text := func(v uint64) string {
		if c.WordText != nil {
			return c.WordText(a.Off, v)
		}
		return fmt.Sprintf("%#x", v)
	}
	switch a.Op {
	case mem.OpLoad:
		return fmt.Sprintf("load   %-10s gives %s", name, text(a.Value))
	case mem.OpStoreRelease, mem.OpStore:
		return fmt.Sprintf("store  %-10s := %s", name, text(a.Value))
	case mem.OpCAS:
		if !a.OK {
			return fmt.Sprintf("CAS    %-10s is not %s", name, text(a.Old))
		}
		return fmt.Sprintf("CAS    %-10s from %s to %s", name, text(a.Old), text(a.Value))
	case mem.OpAdd:
		return fmt.Sprintf("add    %-10s gives %s", name, text(a.Value))
	case mem.OpBytes:
		return fmt.Sprintf("bytes  %-10s %d of them", name, a.Width)
	}
	return fmt.Sprintf("op %d   %s", a.Op, name)
}
