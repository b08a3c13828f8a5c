package sync

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// player is one side of a game of ping-pong over two words and two bells.
type player struct {
	r            mem.Region
	in, out      uint64 // the words
	mine, theirs *Bell
	slept        int
	stop         *atomic.Bool
}

// wait sleeps until the word at in has the value.
func (p *player) wait(value uint64) {
	for looks := value % 3; ; looks-- {
		if p.r.Load64(p.in) == value || p.stop.Load() {
			return
		}
		if looks > 0 {
			runtime.Gosched()
			continue
		}
		p.mine.Announce()
		if p.r.Load64(p.in) == value {
			p.mine.Retract()
			return
		}
		if err := p.mine.Sleep(context.Background()); err != nil {
			panic(err)
		}
		p.slept++
		looks = 1
	}
}

// play answers each of n values by the same, or begins.
func (p *player) play(n uint64, begins bool) {
	for i := uint64(1); i <= n && !p.stop.Load(); i++ {
		if !begins {
			p.wait(i)
		}
		p.r.StoreRelease64(p.out, i)
		p.theirs.Ring()
		if begins {
			p.wait(i)
		}
	}
}

func TestNoWakeUpIsLostBetweenGoroutines(t *testing.T) {
	withoutNet(t)
	n := uint64(rounds(20_000))
	r := shared(4)
	var stop atomic.Bool
	side := func(in, out uint64, mine, theirs string) *player {
		return &player{r: r, in: in * mem.Line, out: out * mem.Line, stop: &stop,
			mine: newBell(t, r.Slice((2+in)*mem.Line, mem.Line), mine), theirs: newBell(t, r.Slice((2+out)*mem.Line, mem.Line), theirs)}
	}
	one, other := side(0, 1, "a", "b"), side(1, 0, "b", "a")
	done := make(chan struct{})
	go func() {
		defer close(done)
		var both WaitGroup
		both.Go(func() { other.play(n, false) })
		both.Go(func() { one.play(n, true) })
		both.Wait()
	}()
	within(t, done, "the game")
	t.Logf("%d and %d sleeps", one.slept, other.slept)
	if one.slept+other.slept == 0 {
		t.Error("nobody slept")
	}
}

func TestRingWithoutASleeperTouchesNothing(t *testing.T) {
	r := shared(1)
	b := newBell(t, r, "b")
	for range 3 {
		b.Ring()
	}
	if r.Load32(offSeq) != 0 || r.Load32(offState) != 0 {
		t.Errorf("seq %d, state %d", r.Load32(offSeq), r.Load32(offState))
	}
}

func TestRingAfterTheAnnouncementEndsTheSleep(t *testing.T) {
	r := shared(1)
	sleeper, ringer := newBell(t, r, "b"), newBell(t, r, "b")
	for i := range 300 {
		sleeper.Announce()
		if r.Load32(offState)&asleep == 0 {
			t.Fatal("Announce doesn't announce")
		}
		ringer.Ring()
		if r.Load32(offSeq) == sleeper.seq || r.Load32(offState)&asleep != 0 {
			t.Fatalf("round %d: Ring of an announced sleeper leaves seq %d, state %d", i, r.Load32(offSeq), r.Load32(offState))
		}
		if err := sleeper.Sleep(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneRingIsEnoughForOneAnnouncement(t *testing.T) {
	r := shared(1)
	sleeper, ringer := newBell(t, r, "b"), newBell(t, r, "b")
	sleeper.Announce()
	for range 5 {
		ringer.Ring()
	}
	if got := r.Load32(offSeq) - sleeper.seq; got != 1 {
		t.Errorf("five rings woke %d times", got)
	}
	sleeper.Retract()
}

func TestRetractTakesTheAnnouncementBack(t *testing.T) {
	r := shared(1)
	sleeper, ringer := newBell(t, r, "b"), newBell(t, r, "b")
	sleeper.Announce()
	sleeper.Retract()
	ringer.Ring()
	if r.Load32(offState)&asleep != 0 || r.Load32(offSeq) != sleeper.seq {
		t.Errorf("after Retract and Ring: seq %d, state %d", r.Load32(offSeq), r.Load32(offState))
	}
}

func TestSleepTakesTheAnnouncementBack(t *testing.T) {
	r := shared(1)
	b := newBell(t, r, "b")
	b.Announce()
	b.Interrupt()
	if err := b.Sleep(context.Background()); err != nil {
		t.Fatal(err)
	}
	if r.Load32(offState)&asleep != 0 {
		t.Error("after Sleep the state says asleep")
	}
}

func TestInterruptOfAnotherGoroutineEndsTheSleep(t *testing.T) {
	withoutNet(t)
	r := shared(1)
	b, other := newBell(t, r, "b"), newBell(t, r, "b")
	for range 200 {
		done := make(chan struct{})
		b.Announce()
		go func() {
			defer close(done)
			runtime.Gosched()
			other.Interrupt()
		}()
		if err := asleepAt(t, b, context.Background()); err != nil {
			t.Fatal(err)
		}
		within(t, done, "Interrupt")
	}
}

func TestNoWakeOutsideTheBellsOwnWords(t *testing.T) {
	r := shared(1)
	b := newBell(t, r, "b")
	b.Announce()
	b.Ring()
	if err := b.Sleep(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.Interrupt()
	for i, v := range r.Bytes(16, r.Len()-16) {
		if v != 0 {
			t.Errorf("byte %d is %d", 16+i, v)
		}
	}
}

func TestHostileStateNeitherPanicsNorLoops(t *testing.T) {
	r := shared(1)
	b := newBell(t, r, "b")
	for bit := range 32 {
		for _, v := range []uint32{1 << bit, ^uint32(1 << bit), 1<<bit | asleep} {
			r.Store32(offState, v)
			r.Store32(offSeq, v)
			before := r.Load32(offSeq)
			b.Ring()
			if woke := r.Load32(offSeq) != before; woke != (v&asleep != 0) {
				t.Errorf("state %#x: woke %t", v, woke)
			}
			want := v
			if v&asleep != 0 {
				want &^= asleep | onDoorbell | timed
			}
			if r.Load32(offState) != want {
				t.Errorf("state %#x becomes %#x", v, r.Load32(offState))
			}
		}
	}
}
