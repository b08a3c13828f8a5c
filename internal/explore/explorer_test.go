//go:build shmtest

package explore

import (
	"errors"
	"strings"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// twoWords is a world in which the first participant hands the second one a
// value: as it should, or not.
func twoWords(send func(m mem.Region)) Case {
	return Case{
		Name: "two words",
		Size: 16,
		Actors: func(body []byte) []Actor {
			m := mem.Of(body)
			nothing := func(int) any { return new(struct{}) }
			return []Actor{
				{Name: "sender", Private: nothing, Script: []Op{{Name: "send", Do: func(x *X, _ any) Result {
					send(m)
					return Next
				}}}},
				{Name: "receiver", Private: nothing, Script: []Op{{Name: "receive", Do: func(x *X, _ any) Result {
					if m.Load64(8) == 0 {
						return Wait
					}
					if v := m.Load64(0); v != 7 {
						x.Fail("received %d", v)
					}
					return Next
				}}}},
			}
		},
		Ghost: func([]byte) Ghost { return stateless{} },
	}
}

type stateless struct{ Base }

func (g stateless) Clone() Ghost { return g }
func (stateless) Hash() uint64   { return 0 }

func TestViolationComesWithTheWayThere(t *testing.T) {
	r := Explore(twoWords(func(m mem.Region) { m.StoreRelease64(0, 7); m.StoreRelease64(8, 1) }), 0, 0)
	if r.Violation != nil || !r.Complete || r.Ends != 1 {
		t.Fatalf("a correct hand-over: %v %v", r, r.Violation)
	}
	r = Explore(twoWords(func(m mem.Region) { m.StoreRelease64(8, 1); m.StoreRelease64(0, 7) }), 0, 0)
	if r.Violation == nil || r.Violation.Rule != "received 0" {
		t.Fatalf("the wrong order of stores: %v %v", r, r.Violation)
	}
	want := []string{"sender", "store", "receiver", "load", "receiver", "load"}
	text := strings.Join(r.Violation.Trace, "\n")
	for _, w := range want {
		i := strings.Index(text, w)
		if i < 0 {
			t.Fatalf("no %q in the trace\n%s", w, strings.Join(r.Violation.Trace, "\n"))
		}
		text = text[i+len(w):]
	}
}

func TestWhoWaitsForEverIsFound(t *testing.T) {
	r := Explore(twoWords(func(m mem.Region) { m.StoreRelease64(0, 7) }), 0, 0)
	if r.Violation == nil || !strings.HasPrefix(r.Violation.Rule, "wedge: receiver waits") {
		t.Fatalf("%v %v", r, r.Violation)
	}
	c := twoWords(func(m mem.Region) { m.StoreRelease64(0, 7); m.StoreRelease64(8, 1) })
	c.Deaths = 1
	r = Explore(c, 0, 0)
	if r.Violation == nil || !strings.HasPrefix(r.Violation.Rule, "wedge: receiver waits") {
		t.Fatalf("with a death: %v %v", r, r.Violation)
	}
}

func TestWhoTurnsInCirclesIsFound(t *testing.T) {
	r := Explore(twoWords(func(m mem.Region) {
		for m.Load64(8) == 0 {
		}
	}), 0, 0)
	if r.Violation == nil || !strings.Contains(r.Violation.Rule, "more than") {
		t.Fatalf("%v %v", r, r.Violation)
	}
}

func TestPanicIsAViolation(t *testing.T) {
	r := Explore(twoWords(func(m mem.Region) { m.Load64(8); panic(errors.New("oh")) }), 0, 0)
	if r.Violation == nil || r.Violation.Rule != "panics: oh" {
		t.Fatalf("%v %v", r, r.Violation)
	}
}

func TestCodeThatDependsOnAnythingElseIsRefused(t *testing.T) {
	defer func() {
		if v, ok := recover().(internal); !ok || !strings.Contains(string(v), "not deterministic") {
			t.Errorf("panics with %v", v)
		}
	}()
	n := uint64(0)
	Explore(twoWords(func(m mem.Region) {
		n ^= 8
		m.Load64(n)
		m.Load64(0)
		m.Load64(0)
	}), 0, 0)
	t.Error("code that keeps state elsewhere is explored")
}

func TestPrivateMemoryIsCopiedAndComparedInDepth(t *testing.T) {
	type inner struct{ n int }
	type private struct {
		a   [3]uint8
		in  *inner
		all []inner
		of  []*inner
		b   []byte
		s   string
		err error
		no  int
	}
	body := make([]byte, 16)
	c := newCopier(body, []string{"private.no"})
	p := &private{in: &inner{1}, all: []inner{{2}, {3}}, of: []*inner{{4}}, b: body[:8], s: "x"}
	q := c.clone(p).(*private)
	if c.hash(p) != c.hash(q) {
		t.Error("a copy has another fingerprint")
	}
	if &q.b[0] != &body[0] {
		t.Error("shared memory was copied")
	}
	h := c.hash(p)
	for name, change := range map[string]func(p *private){
		"array": func(p *private) { p.a[2]++ }, "pointer": func(p *private) { p.in.n++ },
		"slice": func(p *private) { p.all[1].n++ }, "pointers": func(p *private) { p.of[0].n++ },
		"length": func(p *private) { p.all = p.all[:1] }, "string": func(p *private) { p.s = "y" },
		"nil": func(p *private) { p.in = nil }, "error": func(p *private) { p.err = errors.New("x") },
	} {
		q := c.clone(p).(*private)
		change(q)
		if c.hash(q) == h {
			t.Errorf("%s: another value has the same fingerprint", name)
		}
		if c.hash(p) != h {
			t.Fatalf("%s: changing the copy changes the original", name)
		}
	}
	q = c.clone(p).(*private)
	if q.no++; c.hash(q) != h {
		t.Error("a field that doesn't matter changes the fingerprint")
	}
}
