package sync

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringway/ringway/internal/mem"
)

// enough bounds, on a busy machine, the tests that are the better the more
// rounds they play.
const enough = 2 * time.Second

// lockstep runs two functions round by round on two goroutines, as close
// together as can be, and check after both of each round. It needs two
// processors to prove anything.
func lockstep(t *testing.T, n int, one, other func(i int), check func(i int) bool) {
	t.Helper()
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("one processor reorders nothing")
	}
	n = rounds(n)
	if mem.Hooked {
		n /= 20 // what describes an access to a hook is slow, and fences
	}
	var turn, back atomic.Int64
	meet := func(w *atomic.Int64, i int) bool {
		for looks := 0; w.Load() != int64(i); looks++ {
			if w.Load() < 0 {
				return false
			}
			if looks > 10_000 {
				runtime.Gosched()
			}
		}
		return true
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 1; i <= n; i++ {
			if !meet(&turn, i) {
				return
			}
			other(i)
			back.Store(int64(i))
		}
	}()
	start := time.Now()
	for i := 1; i <= n; i++ {
		turn.Store(int64(i))
		// Neither is always the first.
		for range i % 64 {
			spinHere.Add(1)
		}
		one(i)
		meet(&back, i)
		if !check(i) || i%64 == 0 && time.Since(start) > enough {
			turn.Store(-1)
			break
		}
	}
	within(t, done, "the other goroutine")
}

var spinHere atomic.Int64

// backlog is memory that one goroutine takes into its processor's cache, so
// that the stores of another one to it take long. A store that follows them
// waits in the store buffer, and a load that follows that one overtakes it.
type backlog struct{ mem.Region }

func newBacklog() backlog { return backlog{shared(24)} }

// store is called by either: the one who is to be slow second.
func (b backlog) store() {
	for off := uint64(0); off < b.Len(); off += mem.Line {
		b.StoreRelease64(off, 1)
	}
}

// neither has a sleeper that announces and looks run against a ringer that
// publishes and rings. Either the look sees what was published or the ring
// wakes: never neither.
func neither(t *testing.T, r mem.Region, ringer *Bell, seq func() uint32, announce func()) {
	t.Helper()
	var look uint64
	slow := newBacklog()
	slow.store()
	word := uint64(mem.Line)
	lockstep(t, 20_000,
		func(int) {
			announce()
			look = r.Load64(word)
		},
		func(i int) {
			r.Load32(offState) // what it will look at is at hand
			slow.store()
			r.StoreRelease64(word, uint64(i))
			ringer.Ring()
		},
		func(i int) bool {
			woken := r.Load32(offSeq) != seq()
			if look != uint64(i) && !woken {
				t.Errorf("round %d: the sleeper missed the message and the ringer missed the sleeper", i)
				return false
			}
			r.Store32(offState, r.Load32(offState)&^asleep)
			slow.store()
			return true
		})
}

func TestSleeperAndRingerNeverMissEachOther(t *testing.T) {
	r := shared(2)
	sleeper, ringer := newBell(t, r, "b"), newBell(t, r, "b")
	sleeper.Announce() // where there are no barriers, the ringer learns it by now
	sleeper.Retract()
	neither(t, r, ringer, func() uint32 { return sleeper.seq }, sleeper.Announce)
}

// announceBare is Announce of a side that can't issue barriers.
func announceBare(r mem.Region, state uint32) (func() uint32, func()) {
	var seq uint32
	return func() uint32 { return seq }, func() {
		seq = r.Load32(offSeq)
		r.Store32(offState, asleep|state)
	}
}

func TestRingerThatIsBeyondBarriersFencesItself(t *testing.T) {
	r := shared(2)
	ringer := newBell(t, r, "b")
	ringer.fenced = true
	seq, announce := announceBare(r, 0)
	neither(t, r, ringer, seq, announce)
}

func TestRingerFencesForASleeperWithoutBarriers(t *testing.T) {
	r := shared(2)
	ringer := newBell(t, r, "b")
	ringer.fenced = false
	r.Store32(offState, needFence) // known since the sleeper's first sleep
	seq, announce := announceBare(r, needFence)
	neither(t, r, ringer, seq, announce)
}

func TestSleeperWithoutBarriersSaysSoFromItsFirstSleepOn(t *testing.T) {
	r := shared(1)
	b := newBell(t, r, "b")
	b.own, b.fresh = needFence, true
	if r.Load32(offState) != 0 {
		t.Error("the state changed before the first sleep")
	}
	for i := range 3 {
		b.Announce()
		if got := r.Load32(offState); got != asleep|needFence {
			t.Errorf("announcement %d: state %d, want asleep and needFence", i, got)
		}
		b.Interrupt()
		if err := b.Sleep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.Load32(offState); got != needFence {
			t.Errorf("after sleep %d: state %d, want needFence", i, got)
		}
		if b.fresh {
			t.Error("the handle is fresh after a sleep")
		}
	}
	b.Announce()
	b.Retract()
	if got := r.Load32(offState); got != needFence {
		t.Errorf("after Retract: state %d, want needFence", got)
	}
}

func TestRingKeepsTheSleepersWishForFences(t *testing.T) {
	for _, fenced := range []bool{false, true} {
		r := shared(1)
		b := newBell(t, r, "b")
		b.fenced = fenced
		r.Store32(offState, asleep|needFence)
		b.Ring()
		if got := r.Load32(offState); got != needFence || r.Load32(offSeq) != 1 {
			t.Errorf("fenced %t: state %d, seq %d; want needFence, 1", fenced, got, r.Load32(offSeq))
		}
		b.Ring()
		if got := r.Load32(offSeq); got != 1 {
			t.Errorf("fenced %t: a ring without a sleeper moves seq to %d", fenced, got)
		}
	}
}

func TestASleeperThatIsRungEachTimeSaysThatItGoesWithoutBarriers(t *testing.T) {
	if !haveBarrier() {
		t.Skip("there are no barriers to go without")
	}
	r := shared(1)
	sleeper, ringer := newBell(t, r, "b"), newBell(t, r, "b")
	for i := range 20 {
		sleeper.brisk = false // as if it had slept for long
		sleeper.Announce()
		if r.Load32(offState)&spares == 0 || !sleeper.spared {
			t.Fatalf("sleep %d: state %d, spared %t", i, r.Load32(offState), sleeper.spared)
		}
		ringer.Ring()
		if err := sleeper.Sleep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.Load32(offState); got != spares {
			t.Fatalf("after sleep %d: state %d, want spares", i, got)
		}
	}
}

func TestARingerFencesForNobodyAFewTimesAtMost(t *testing.T) {
	r := shared(1)
	ringer := newBell(t, r, "b")
	ringer.fenced = false
	for range 3 {
		r.Store32(offState, spares)
		for i := range int(inVain) {
			if !ringer.Awaited() {
				t.Fatalf("ring %d finds nothing to do", i)
			}
			ringer.Ring()
		}
		if got := r.Load32(offState); got != 0 || ringer.Awaited() {
			t.Fatalf("state %d after %d rings for nobody", got, inVain)
		}
		// A sleeper in between has it begin anew.
		r.Store32(offState, spares)
		for range inVain - 1 {
			ringer.Ring()
		}
		r.Store32(offState, asleep|spares)
		ringer.Ring()
		for range inVain - 1 {
			ringer.Ring()
		}
		if got := r.Load32(offState); got != spares {
			t.Fatalf("state %d, want spares: somebody has just slept", got)
		}
		ringer.Ring()
	}
}

func TestASleeperThatHasSleptBrieflyPassesABarrierAndSaysNothing(t *testing.T) {
	r := shared(1)
	sleeper, ringer := newBell(t, r, "b"), newBell(t, r, "b")
	sleeper.Announce()
	sleeper.Retract()
	sleeper.brisk = true
	sleeper.Announce()
	if r.Load32(offState)&spares != 0 {
		t.Error("nobody may rely on fences, and they are asked for")
	}
	ringer.Ring()
	if err := sleeper.Sleep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.Load32(offState); got != sleeper.own&needFence {
		t.Errorf("state %d after the sleep", got)
	}
}
