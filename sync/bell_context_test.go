package sync

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/internal/proctest"
)

func TestSleepWithACancelledContextReturnsItsError(t *testing.T) {
	r := shared(1)
	b := newBell(t, r, "b")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 3 { // the same one again
		b.Announce()
		if err := b.Sleep(ctx); err != context.Canceled {
			t.Fatalf("Sleep: %v, want context.Canceled", err)
		}
		if r.Load32(offState)&asleep != 0 {
			t.Fatal("the announcement stands after Sleep")
		}
	}
	expired, cancel := context.WithTimeout(context.Background(), -time.Second)
	defer cancel()
	b.Announce()
	if err := b.Sleep(expired); err != context.DeadlineExceeded {
		t.Errorf("Sleep: %v, want context.DeadlineExceeded", err)
	}
}

func TestContextThatEndsEndsTheSleep(t *testing.T) {
	withoutNet(t)
	b := newBell(t, shared(1), "b")
	for range 20 {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
		var err error
		for err == nil {
			b.Announce()
			err = asleepAt(t, b, ctx)
		}
		cancel()
		if err != context.DeadlineExceeded {
			t.Fatalf("Sleep: %v, want context.DeadlineExceeded", err)
		}
	}
}

func TestContextCancelledAtAnyMomentEndsTheSleep(t *testing.T) {
	withoutNet(t)
	b := newBell(t, shared(1), "b")
	for i := range 300 {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			for range i % 30 {
				runtime.Gosched()
			}
			cancel()
		}()
		var err error
		for err == nil {
			b.Announce()
			err = asleepAt(t, b, ctx)
		}
		if err != context.Canceled {
			t.Fatalf("Sleep: %v, want context.Canceled", err)
		}
	}
}

func TestContextOfAnEarlierSleepWakesNobodyLater(t *testing.T) {
	r := shared(1)
	b := newBell(t, r, "b")
	sleep := func(ctx context.Context) {
		t.Helper()
		b.Announce()
		b.Interrupt()
		if err := b.Sleep(ctx); err != nil {
			t.Fatal(err)
		}
	}
	old, cancelOld := context.WithCancel(context.Background())
	other, cancelOther := context.WithCancel(context.Background())
	defer cancelOther()
	for _, next := range []context.Context{other, context.Background()} {
		sleep(old)
		sleep(next)
	}
	seq := r.Load32(offSeq)
	cancelOld()
	sleep(other)
	if got := r.Load32(offSeq); got != seq+1 {
		t.Errorf("the end of a context that nobody sleeps with woke %d times", got-seq-1)
	}
	b.Announce()
	if err := b.Sleep(old); err != context.Canceled {
		t.Errorf("Sleep with the first context again: %v", err)
	}
}

func TestSleepWithAValueOfTheSameContextReturnsWhatEnded(t *testing.T) {
	b := newBell(t, shared(1), "b")
	parent, cancel := context.WithCancelCause(context.Background())
	type key struct{}
	child := context.WithValue(parent, key{}, 1) // the same Done
	b.Announce()
	b.Interrupt()
	if err := b.Sleep(parent); err != nil {
		t.Fatal(err)
	}
	cancel(errors.New("cause"))
	b.Announce()
	if err := b.Sleep(child); err != context.Canceled {
		t.Errorf("Sleep: %v, want context.Canceled", err)
	}
}

func TestSleepingAgainWithTheSameContextAllocatesNothing(t *testing.T) {
	if mem.Hooked {
		t.Skip("a hook's description of the access is on the heap")
	}
	b := newBell(t, shared(1), "b")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, ctx := range []context.Context{ctx, context.Background()} {
		if n := testing.AllocsPerRun(200, func() {
			b.Announce()
			b.Interrupt() // so that it's short
			if err := b.Sleep(ctx); err != nil {
				t.Error(err)
			}
			b.Announce()
			b.Retract()
			b.Ring()
		}); n != 0 {
			t.Errorf("%v allocations, want none", n)
		}
	}
}

// foreign is a context that package context doesn't know, so that it takes a
// goroutine to watch it.
type foreign struct {
	context.Context
	done chan struct{}
}

func (f foreign) Done() <-chan struct{} { return f.done }

func (f foreign) Err() error {
	select {
	case <-f.done:
		return context.Canceled
	default:
		return nil
	}
}

func TestCloseLeavesNoGoroutineBehind(t *testing.T) {
	watchers := func() int {
		stacks := make([]byte, 1<<20)
		return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "propagateCancel.func")
	}
	before := watchers()
	r := shared(1)
	for range 20 {
		b, err := NewBell(r, bellName(t, "b"), false)
		if err != nil {
			t.Skip(err)
		}
		for range 3 { // each replaces the one before
			ctx := foreign{context.Background(), make(chan struct{})}
			b.Announce()
			b.Interrupt()
			if err := b.Sleep(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if watchers() <= before {
			t.Fatal("a foreign context is watched without a goroutine; this test is blind")
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	proctest.Until(t, "no goroutine watches a context", func() bool { return watchers() <= before })
}

func TestSleepEndsByTheSafetyNet(t *testing.T) {
	b := newBell(t, shared(1), "b")
	// Coarse clocks may have it end a tick early.
	if d := longestSleep(t, b, SafetyNet/2); d < SafetyNet/2 {
		t.Errorf("nobody rang, and the sleep ended after %v", d)
	}
}

// longestSleep sleeps on b, for which nobody rings, until a sleep has lasted for
// want, and returns how long the longest was. A signal may end one early, and the
// Go runtime sends some.
func longestSleep(t *testing.T, b *Bell, want time.Duration) (longest time.Duration) {
	t.Helper()
	for n := 0; n < 50 && longest < want; n++ {
		b.fresh = false
		start := time.Now()
		b.Announce()
		must(t, asleepAt(t, b, t.Context()))
		longest = max(longest, time.Since(start))
	}
	return longest
}

func TestFirstSleepWithoutBarriersIsShort(t *testing.T) {
	withoutNet(t)
	b := newBell(t, shared(1), "b")
	b.fresh = true
	b.Announce()
	if err := asleepAt(t, b, context.Background()); err != nil {
		t.Fatal(err)
	}
}
