package sync

import (
	"testing"
	"time"

	"github.com/ringway/ringway/internal/clock"
	"github.com/ringway/ringway/internal/mem"
)

// rounds of a spin until it sleeps.
func spinsFor(l *Learner) (n int) {
	for l.Spin(n, never) == Again {
		n++
	}
	return n
}

// sleep has l learn from a sleep that lasted so long and took so long to end.
func sleep(l *Learner, lasted, took time.Duration) {
	now := clock.Now()
	l.asks()
	l.slept(now-uint64(lasted), now, now-uint64(took))
}

func TestALearnerSpinsForAboutAWakeUp(t *testing.T) {
	var cheap, dear Learner
	for range 1000 {
		sleep(&cheap, 0, 3*time.Microsecond)
		sleep(&dear, 0, 50*time.Microsecond)
	}
	for l, want := range map[*Learner]time.Duration{&cheap: 3 * time.Microsecond, &dear: 50 * time.Microsecond} {
		if got := l.Cost(); got < want*8/10 || got > want*12/10 {
			t.Errorf("a wake-up costs %v, learned: %v", want, got)
		}
	}
	if a, b := spinsFor(&cheap), spinsFor(&dear); a < 1 || a >= b {
		t.Errorf("%d rounds for a cheap wake-up, %d for a dear one", a, b)
	}
	if spent(spinsFor(&dear)) > 3*greatestCost {
		t.Errorf("it spins for %v", spent(spinsFor(&dear)))
	}
}

func TestALearnerGivesUpSpinningWhereMessagesAreSeldom(t *testing.T) {
	var l Learner
	if spinsFor(&l) < 2 {
		t.Fatal("it doesn't begin by spinning")
	}
	for range 20 {
		sleep(&l, time.Millisecond, 10*time.Microsecond)
	}
	if n := spinsFor(&l); n != 1 {
		t.Errorf("after sleeps of a millisecond it spins for %d rounds, want 1", n)
	}
	for range 10 {
		sleep(&l, time.Microsecond, time.Microsecond)
	}
	if n := spinsFor(&l); n < 2 {
		t.Error("sleeps that turn out short don't bring the spinning back")
	}
	// And so does what it finds by its one look.
	for range 20 {
		sleep(&l, time.Millisecond, 10*time.Microsecond)
	}
	for range 10 {
		if l.Spin(0, there) != Found {
			t.Fatal("it doesn't see what is there")
		}
	}
	if n := spinsFor(&l); n < 2 {
		t.Error("messages that are found don't bring the spinning back")
	}
}

func TestNonsenseTeachesNothing(t *testing.T) {
	var l Learner
	now := clock.Now()
	for _, rung := range []uint64{0, 1<<64 - 1, 1, 1<<63 - 1, 1 << 63, now + uint64(time.Hour), now - uint64(time.Second)} {
		for range 100 {
			l.asks()
			l.slept(now, now, rung)
		}
		if l.Cost() != defaultCost {
			t.Errorf("a ring at %d is a wake-up of %v", rung, l.Cost())
		}
	}
	// What could be true is bounded.
	for range 1000 {
		sleep(&l, 0, 900*time.Microsecond)
	}
	if l.Cost() > greatestCost {
		t.Errorf("a wake-up costs %v", l.Cost())
	}
}

func TestTheRingerWritesDownWhenItRingsIfItIsAsked(t *testing.T) {
	r := shared(1)
	sleeper, ringer := newBell(t, r, "b"), newBell(t, r, "b")
	ring := func() uint64 {
		sleeper.Announce()
		ringer.Ring()
		must(t, sleeper.Sleep(t.Context()))
		return r.Load64(offRung)
	}
	if got := ring(); got != 0 {
		t.Fatalf("nobody asked, and it wrote %d", got)
	}
	var l Learner
	sleeper.Learn(&l)
	before := clock.Now()
	if got := ring(); got < before || got > clock.Now() {
		t.Errorf("it rang at %d, now is %d", got, before)
	}
	for range 50 { // one or the other takes longer than a wake-up may
		if l.cost == 0 {
			ring()
		}
	}
	if l.cost == 0 {
		t.Error("nothing was learned from it")
	}
}

func TestSleepsOfWhoWaitsForLongBecomeLonger(t *testing.T) {
	pending := true
	for name, c := range map[string]struct {
		shared  bool
		prepare func(*Bell)
		want    []time.Duration // of one sleep after the other, in milliseconds
	}{
		"alone":                         {false, func(*Bell) {}, []time.Duration{100, 200, 400, 800, 1000, 1000}},
		"of a process without barriers": {false, func(b *Bell) { b.fresh = true }, []time.Duration{1, 200, 400}},
		"among others":                  {true, func(*Bell) {}, []time.Duration{40, 40, 40}},
		"among others, without duties":  {true, func(b *Bell) { b.Rests(nil) }, []time.Duration{100, 200, 400, 800, 1000}},
		"among others who have begun":   {true, func(b *Bell) { b.Rests(func() bool { return !pending }) }, []time.Duration{40, 40, 40}},
		"among others who rest":         {true, func(b *Bell) { b.Rests(func() bool { return pending }) }, []time.Duration{40, 80, 160, 320, 640, 1000, 1000}},
		"one of thousands":              {false, func(b *Bell) { b.polls = true }, []time.Duration{1000, 1000}},
		"where messages are seldom":     {false, func(b *Bell) { b.polls = true; b.Learn(new(Learner)) }, []time.Duration{100, 200, 400}},
	} {
		b, err := NewBell(shared(1).Slice(0, mem.Line), t.Name()+name, c.shared)
		must(t, err)
		b.fresh = false
		c.prepare(b)
		for i, want := range c.want {
			if got := b.net(); got != want*time.Millisecond {
				t.Errorf("%s: sleep %d lasts %v at most, want %v", name, i, got, want*time.Millisecond)
			}
			b.slept(clock.Now()) // and nobody rang
		}
		b.Announce()
		b.Interrupt()
		b.slept(clock.Now())
		if got, want := b.net(), c.want[0]*time.Millisecond; got != want && want != firstUnfenced {
			t.Errorf("%s: after a ring a sleep lasts %v, want %v", name, got, want)
		}
		must(t, b.Close())
	}
}
