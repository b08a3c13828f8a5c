package sync

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/sigbus"
)

func TestHostileWordsOfAnObjectAreAnErrorOrAHint(t *testing.T) {
	s := newSemaphore(t, 1, 5)
	w := s.object.os.words
	w.Store32(offCount, 1<<31)
	if err := s.Release(1); !errors.Is(err, errs.Corrupt) {
		t.Errorf("Release over a count beyond the largest: %v", err)
	}
	// A flood of waiters that aren't there, and none where there are.
	for _, v := range []uint32{0, 1, 1 << 31, ^uint32(0)} {
		w.Store32(offCount, 0)
		w.Store32(offWaiters, v)
		done := make(chan error, 1)
		go func() { done <- s.Acquire(t.Context()) }()
		sleepers(t, 1, s.object)
		w.Store32(offWaiters, v)
		must(t, s.Release(1))
		must(t, outcome(t, done))
	}
	e := newEvent(t, EventOptions{})
	e.object.os.words.Store32(offCount, 77)
	must(t, e.Wait(t.Context()))
	if ok, err := e.TryWait(); ok || err != nil {
		t.Errorf("an event is set after a wait: %v", err)
	}
}

func TestAllWakeUpsLostDelayAWaitByTheSafetyNetOnly(t *testing.T) {
	e := newEvent(t, EventOptions{})
	for range 3 {
		done := make(chan error, 1)
		go func() { done <- e.Wait(t.Context()) }()
		sleepers(t, 1, e.object)
		e.object.os.words.Store32(offCount, 1) // without a word to anybody
		must(t, outcome(t, done))
	}
}

func TestWithoutFutexWaitvAWaitEndsAllTheSame(t *testing.T) {
	noWaitv.Store(true)
	defer noWaitv.Store(false)
	a, b := newEvent(t, EventOptions{}), newEvent(t, EventOptions{})
	for i, e := range []*Event{a, b} {
		done := make(chan int, 1)
		go func() {
			i, err := WaitAny(t.Context(), a, b)
			if err != nil {
				t.Error(err)
			}
			done <- i
		}()
		sleepers(t, 2, a.object, b.object)
		must(t, e.Set())
		if got := <-done; got != i {
			t.Errorf("WaitAny: %d, want %d", got, i)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Wait(ctx) }()
	sleepers(t, 1, a.object)
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("Wait: %v", err)
	}
	go func() { done <- a.Wait(context.Background()) }()
	sleepers(t, 1, a.object)
	must(t, a.Close())
	if err := <-done; !errors.Is(err, errs.Closed) {
		t.Errorf("Wait: %v", err)
	}
}

func TestATruncatedObjectIsAnError(t *testing.T) {
	if !sigbus.Supported {
		t.Skip("a truncated section ends the process on this architecture, as documented")
	}
	e := newEvent(t, EventOptions{})
	done := make(chan error, 1)
	go func() { done <- e.Wait(t.Context()) }()
	sleepers(t, 1, e.object)
	must(t, os.Truncate("/dev/shm/ringway."+e.Name(), 0))
	_ = e.Set()
	if err := <-done; !errors.Is(err, errs.Fault) {
		t.Errorf("Wait: %v", err)
	}
	if err := e.Set(); !errors.Is(err, errs.Fault) {
		t.Errorf("Set: %v", err)
	}
}

func TestTheNameOfAnObjectStaysUntilItIsRemoved(t *testing.T) {
	e := newEvent(t, EventOptions{Set: true})
	must(t, e.Close())
	again, err := OpenEvent(e.Name(), EventOptions{})
	must(t, err)
	defer again.Close()
	must(t, again.WaitTimeout(0))
	must(t, Remove(e.Name(), ""))
	if _, err := OpenEvent(e.Name(), EventOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("OpenEvent after Remove: %v", err)
	}
	must(t, again.Set())
	must(t, again.WaitTimeout(0))
}
