//go:build shmtest

package ring

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// hook has f called around each access to shared memory until the test ends.
func hook(t testing.TB, f func(*mem.Access)) {
	mem.Hook = f
	t.Cleanup(func() { mem.Hook = nil })
}

// death is what the hook panics with when a process dies.
type death struct{}

// dies runs f and reports whether it died.
func dies(f func()) (died bool) {
	defer func() {
		if v := recover(); v != nil {
			if _, died = v.(death); !died {
				panic(v)
			}
		}
	}()
	f()
	return false
}

// producing reports whether the producer does it.
func (k opKind) producing() bool {
	return k <= opClaimReplaced || k == opAttachProducer || k == opEnd
}

func (m *model) clone() *model {
	c := *m
	c.frames = slices.Clone(m.frames)
	return &c
}

// messages returns the frames that are not pads.
func messages(frames []frame) (list []string) {
	for _, f := range frames {
		if !f.pad {
			list = append(list, fmt.Sprintf("%d %x", f.typ, f.payload))
		}
	}
	return list
}

// crashes kills one of the two processes of r at chosen accesses and checks
// what its successor finds.
type crashes struct {
	*testRing
	m     *model
	now   op  // under way
	kill  int // accesses until the next death
	where mem.Access

	// What happened before the deaths.
	pads, padded, fulls int
}

// step is the hook: it counts, and kills. A payload that is being written looks
// like headers then.
func (c *crashes) step(a *mem.Access) {
	if c.kill--; c.kill != 0 {
		return
	}
	c.where = *a
	if a.Op == mem.OpBytes && c.now.kind.producing() {
		off := uint64(a.Addr - reflect.ValueOf(c.body).Pointer())
		torn := c.body[off:][:a.Width]
		pos := c.m.pos + (off-controlSize-c.m.pos)%c.g.Capacity
		for i := 0; i+8 <= len(torn); i += 8 {
			h := MakeHeader(uint32(8*i), 0xDEAD, c.p.flags)
			binary.LittleEndian.PutUint64(torn[i:], uint64(h)^c.lap(pos+uint64(i)))
		}
	}
	panic(death{})
}

// run does the operations, with a death after the given number of accesses and
// one more, again accesses after the successor began to attach. It reports
// whether it came so far.
func (c *crashes) run(ops []op, kill, again int) (died, diedAgain bool) {
	c.kill = kill
	for i := 0; i < len(ops); i++ {
		o := ops[i]
		c.now = o
		var got outcome
		if !dies(func() { got = c.do(o) }) {
			n := len(c.m.frames)
			if want := c.m.do(o); got != want {
				c.Fatalf("%v: %v, want %v", o, got, want)
			}
			if !died && got.err == ErrFull {
				c.fulls++
			}
			for i := n; !died && i < len(c.m.frames); i++ {
				if c.m.frames[i].pad {
					c.pads++
					if i > n {
						c.padded++
					}
				}
			}
			continue
		}
		if died {
			diedAgain = true
		}
		died = true
		c.inherit(o)
		if !diedAgain && again > 0 {
			c.kill = again
		}
		// The successor, which may die too.
		attach := op{kind: opAttachConsumer}
		if o.kind.producing() {
			attach.kind = opAttachProducer
		}
		ops = slices.Insert(slices.Clone(ops), i+1, attach)
	}
	c.kill = 0
	return died, diedAgain
}

// inherit checks what a process that died during o left, and has the model
// say what happened: all of o or nothing.
func (c *crashes) inherit(o op) {
	c.Helper()
	before, after := c.m, c.m.clone()
	after.do(o)
	frames, end, err := c.walk()
	if err != nil {
		c.Fatalf("%v died at %+v: %v", o, c.where, err)
	}
	left := fmt.Sprint(messages(frames))
	pub := c.word(offConsumer)
	switch {
	case pub != before.pub && pub != after.pub:
		c.Fatalf("%v died at %+v: consumer position %#x, want %#x or %#x", o, c.where, pub, before.pub, after.pub)
	case o.kind.producing() && pub != before.pub:
		c.Fatalf("%v died at %+v and moved the consumer", o, c.where)
	}
	if left != fmt.Sprint(messages(after.frames)) && left != fmt.Sprint(messages(before.frames)) {
		c.Fatalf("%v died at %+v and left neither all nor nothing of it:\n%v", o, c.where, frames)
	}
	// The frames are as expected; of pads there may be one or none. What the
	// consumer published begins the list.
	c.m.frames, c.m.pos, c.m.pub, c.m.limit = frames, end, pub, pub+c.g.Capacity
	c.m.ended, c.m.known = c.word(offEnd) != 0, c.m.limit
	if !o.kind.producing() {
		// It's gone, and what it received and did not publish comes again.
		// Publishing is two stores; between them the batch begins anew.
		taken := max(pub, c.word(offTaken))
		if taken != before.taken && taken != after.taken && taken != after.pub {
			c.Fatalf("%v died at %+v: taken up to %#x, want %#x or %#x", o, c.where, taken, before.taken, after.taken)
		}
		c.m.taken = taken
		c.m.rel, c.m.cur = c.m.taken, c.m.taken
	}
}

// crashScript returns a short script. The first one is made to fill the ring
// and to cross its end in the midst of batches and claims; the others are
// random.
func crashScript(seed uint64, n int) (ops []op) {
	if seed > 0 {
		ops = script(rand.New(rand.NewPCG(seed, 7)), n, 900)
	} else {
		round := []op{
			{kind: opSend, sizes: []int{100}}, {kind: opBatch, sizes: []int{200, 0, 300, 77}}, {kind: opNext}, {kind: opNext},
			{kind: opRelease}, {kind: opNext}, {kind: opPublish}, {kind: opClaimCommit, sizes: []int{500, 123}},
			{kind: opClaimAbort, sizes: []int{900}}, {kind: opSend, sizes: []int{901}}, {kind: opNext}, {kind: opRelease},
			{kind: opBatch, sizes: []int{600, 500, 601, 7, 602, 603}}, {kind: opAttachProducer}, {kind: opSend, sizes: []int{1000}},
			{kind: opNext}, {kind: opNext}, {kind: opAttachConsumer}, {kind: opNext}, {kind: opNext}, {kind: opNext}, {kind: opNext},
			{kind: opRelease}, {kind: opPublish}, {kind: opBatch, sizes: []int{90, 80, 550, 70}}, {kind: opNext}, {kind: opNext}, {kind: opNext},
			{kind: opNext}, {kind: opNext}, {kind: opNext}, {kind: opRelease}, {kind: opPublish},
		}
		for len(ops) < n {
			ops = append(ops, round...)
		}
		for i := range ops {
			ops[i].seq = 16 * i
		}
	}
	return append(ops, op{kind: opEnd})
}

func newCrashes(t testing.TB, sum bool, seed uint64) *crashes {
	start := uint64(1<<32 - 4096 + 8*(seed*67%512))
	r := newRing(t, Geometry{Kind: SPSC, Capacity: MinCapacity, Checksum: sum}, start)
	return &crashes{testRing: r, m: newModel(r.g, start)}
}

// reset makes the ring a new one.
func (c *crashes) reset(start uint64) {
	clear(c.body)
	Format(c.g, c.body)
	c.setWord(offProducer, start)
	c.setWord(offConsumer, start)
	c.m = newModel(c.g, start)
	c.kill = 0
	c.attach()
}

// finish has a last pair of successors receive all that is left.
func (c *crashes) finish() {
	c.Helper()
	for range 2 * c.g.Capacity / 8 {
		got, want := c.do(op{kind: opNext}), c.m.do(op{kind: opNext})
		if got != want {
			c.Fatalf("draining: %v, want %v", got, want)
		}
		if got.err != nil {
			c.check()
			return
		}
	}
	c.Fatal("the ring never ends")
}

func TestDeathAtAnyAccessLosesAndTearsNothing(t *testing.T) {
	for _, sum := range []bool{false, true} {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("checksum %t, script %d", sum, seed), func(t *testing.T) {
				c := newCrashes(t, sum, seed)
				hook(t, c.step)
				start := c.m.pos
				ops := crashScript(seed, 70)
				deaths := 0
				for k := 1; ; k++ {
					c.reset(start)
					died, _ := c.run(ops, k, 0)
					c.finish()
					if !died {
						break
					}
					deaths++
				}
				if deaths < 200 {
					t.Errorf("only %d deaths", deaths)
				}
				if seed == 0 && (c.pads == 0 || c.fulls == 0 || c.padded == 0) {
					t.Errorf("%d pads, %d in the midst of batches, %d times full: the script is too tame", c.pads, c.padded, c.fulls)
				}
			})
		}
	}
}

func TestSuccessorMayDieTooAtAnyAccess(t *testing.T) {
	for _, sum := range []bool{false, true} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("checksum %t, script %d", sum, seed), func(t *testing.T) {
				c := newCrashes(t, sum, seed)
				hook(t, c.step)
				start := c.m.pos
				ops := crashScript(seed, 20)
				deaths := 0
				for k, died := 1, true; died; k++ {
					for again, diedAgain := 1, true; diedAgain && again < 40; again++ {
						c.reset(start)
						died, diedAgain = c.run(ops, k, again)
						c.finish()
						deaths++
					}
				}
				if deaths < 500 {
					t.Errorf("only %d deaths", deaths)
				}
			})
		}
	}
}
