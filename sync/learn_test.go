package sync

import (
	"testing"
	"time"
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
	now := time.Now()
	l.asks()
	l.slept(now.Add(-lasted), now, now.Add(-took).UnixNano())
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
	now := time.Now()
	for _, rung := range []int64{0, -1, 1, 1<<63 - 1, -1 << 63, now.Add(time.Hour).UnixNano(), now.Add(-time.Second).UnixNano()} {
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
	ring := func() int64 {
		sleeper.Announce()
		ringer.Ring()
		must(t, sleeper.Sleep(t.Context()))
		return int64(r.Load64(offRung))
	}
	if got := ring(); got != 0 {
		t.Fatalf("nobody asked, and it wrote %d", got)
	}
	var l Learner
	sleeper.Learn(&l)
	before := time.Now().UnixNano()
	if got := ring(); got < before || got > time.Now().UnixNano() {
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
	b := newBell(t, shared(1), "b")
	b.fresh = false
	nap := func() time.Duration {
		start := time.Now()
		b.Announce()
		must(t, b.Sleep(t.Context()))
		return time.Since(start)
	}
	for range longest {
		nap()
	}
	if got := nap(); got < SafetyNet<<longest*9/10 {
		t.Errorf("after %d sleeps that nobody ended the next takes %v", longest, got)
	}
	b.Announce()
	b.Interrupt()
	must(t, b.Sleep(t.Context()))
	if b.idle != 0 {
		t.Error("a ring doesn't make the next sleep short again")
	}
}
