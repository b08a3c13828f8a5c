package sync

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/shm"
)

var objects atomic.Int64

// objectName is a name that nobody else has; what gets it goes with the test.
func objectName(t testing.TB) string {
	name := fmt.Sprintf("test-sync-%d-%d", os.Getpid(), objects.Add(1))
	// By shm: some tests leave what Remove refuses.
	t.Cleanup(func() { _ = shm.Remove(name, "") })
	return name
}

func supported(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errs.Unsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func newEvent(t testing.TB, o EventOptions) *Event {
	t.Helper()
	e, err := CreateEvent(objectName(t), o)
	supported(t, err)
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func newSemaphore(t testing.TB, initial, most int) *Semaphore {
	t.Helper()
	s, err := CreateSemaphore(objectName(t), SemaphoreOptions{Initial: initial, Max: most})
	supported(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// outcome returns what comes, or fails the test when nothing does.
func outcome[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("nothing happened in %v", patience)
	}
	return v
}

// sleepers waits until so many calls wait, or are about to, through the handles.
func sleepers(t testing.TB, n int, all ...*object) {
	t.Helper()
	proctest.Until(t, fmt.Sprintf("%d calls wait", n), func() bool {
		got := 0
		for _, o := range all {
			o.mu.Lock()
			got += len(o.waits)
			o.mu.Unlock()
		}
		return got == n
	})
}

func TestAnEventOfAutomaticResetLetsOneWaitThrough(t *testing.T) {
	e := newEvent(t, EventOptions{})
	look := func(want bool) {
		t.Helper()
		got, err := e.TryWait()
		must(t, err)
		if got != want {
			t.Fatalf("TryWait: %t, want %t", got, want)
		}
	}
	look(false)
	must(t, e.Set())
	must(t, e.Set())
	look(true)
	look(false)
	must(t, e.Set())
	must(t, e.Reset())
	look(false)
	must(t, e.Set())
	must(t, e.Wait(context.Background()))
	look(false)
}

func TestAnEventOfManualResetLetsAllThroughUntilReset(t *testing.T) {
	e := newEvent(t, EventOptions{ManualReset: true, Set: true})
	other, err := OpenEvent(e.Name(), EventOptions{})
	must(t, err)
	defer other.Close()
	for range 3 {
		must(t, e.Wait(context.Background()))
		must(t, other.Wait(context.Background()))
	}
	must(t, other.Reset())
	if ok, err := e.TryWait(); ok || err != nil {
		t.Fatalf("after Reset TryWait: %t, %v", ok, err)
	}
	const n = 20
	done := make(chan error, n)
	for i := range n {
		go func() {
			if i%2 == 0 {
				done <- e.Wait(t.Context())
			} else {
				done <- other.Wait(t.Context())
			}
		}()
	}
	sleepers(t, n, e.object, other.object)
	must(t, e.Set())
	for range n {
		must(t, <-done)
	}
}

func TestEachSetOfAnEventWakesOneWaiter(t *testing.T) {
	e := newEvent(t, EventOptions{})
	const n = 10
	done := make(chan error, n)
	for range n {
		go func() { done <- e.Wait(t.Context()) }()
	}
	sleepers(t, n, e.object)
	for i := range n {
		must(t, e.Set())
		must(t, <-done)
		sleepers(t, n-1-i, e.object)
	}
}

func TestASemaphoreLetsAsManyThroughAsWereReleased(t *testing.T) {
	s := newSemaphore(t, 2, 5)
	take := func(want bool) {
		t.Helper()
		got, err := s.TryAcquire()
		must(t, err)
		if got != want {
			t.Fatalf("TryAcquire: %t, want %t", got, want)
		}
	}
	take(true)
	take(true)
	take(false)
	must(t, s.Release(5))
	if err := s.Release(1); !errors.Is(err, errs.BadArgument) {
		t.Fatalf("a release beyond the largest count: %v", err)
	}
	for range 5 {
		must(t, s.Acquire(t.Context()))
	}
	take(false)
	if err := s.Release(math.MaxInt); !errors.Is(err, errs.BadArgument) {
		t.Fatalf("a release of all there is: %v", err)
	}
	take(false)
}

func TestReleaseOfLessThanOnePanics(t *testing.T) {
	s := newSemaphore(t, 0, 1)
	for _, n := range []int{0, -1, math.MinInt} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Release(%d) doesn't panic", n)
				}
			}()
			_ = s.Release(n)
		}()
	}
}

func TestNoPermitIsLostOrDoubled(t *testing.T) {
	s := newSemaphore(t, 0, 0)
	const workers = 8
	n := rounds(1000)
	var got atomic.Int64
	var wg WaitGroup
	for range workers {
		wg.Go(func() {
			for range n {
				if err := s.Acquire(t.Context()); err != nil {
					t.Error(err)
					return
				}
				got.Add(1)
			}
		})
	}
	for left := workers * n; left > 0; {
		k := min(1+left%3, left)
		must(t, s.Release(k))
		left -= k
	}
	wg.Wait()
	if ok, err := s.TryAcquire(); ok || err != nil || got.Load() != int64(workers*n) {
		t.Errorf("%d acquired of %d released, and then one more: %t, %v", got.Load(), workers*n, ok, err)
	}
}

func TestWaitEndsWithItsContextOrItsTime(t *testing.T) {
	withoutNet(t)
	e := newEvent(t, EventOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Wait(ctx); err != context.Canceled {
		t.Errorf("Wait with a context that has ended: %v", err)
	}
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Wait(ctx) }()
		sleepers(t, 1, e.object)
		time.Sleep(time.Millisecond) // most often it's asleep by then
		cancel()
		if err := outcome(t, done); err != context.Canceled {
			t.Fatalf("Wait: %v", err)
		}
	}
	for _, d := range []time.Duration{-1, 0, 1, time.Millisecond, 3 * time.Millisecond} {
		start := time.Now()
		if err := e.WaitTimeout(d); err != context.DeadlineExceeded {
			t.Errorf("WaitTimeout(%v): %v", d, err)
		}
		if took := time.Since(start); took < d/2 {
			t.Errorf("WaitTimeout(%v) returned after %v", d, took)
		}
	}
	// What is there is taken even so.
	must(t, e.Set())
	must(t, e.WaitTimeout(0))
}

func TestAWaitCancelledAtAnyMomentTakesAllOrNothing(t *testing.T) {
	s := newSemaphore(t, 0, 0)
	taken, n, start := 0, 0, time.Now()
	for i := range rounds(1000) {
		if time.Since(start) > enough {
			break
		}
		n++
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Acquire(ctx) }()
		for range i % 40 {
			time.Sleep(0)
		}
		go cancel()
		must(t, s.Release(1))
		switch err := <-done; err {
		case nil:
			taken++
		case context.Canceled:
		default:
			t.Fatal(err)
		}
		cancel()
	}
	left := 0
	for {
		ok, err := s.TryAcquire()
		must(t, err)
		if !ok {
			break
		}
		left++
	}
	if taken+left != n {
		t.Errorf("%d taken, %d left, of %d", taken, left, n)
	}
}

func TestCloseEndsThousandWaits(t *testing.T) {
	n := rounds(1000)
	e := newEvent(t, EventOptions{ManualReset: true})
	other, err := OpenEvent(e.Name(), EventOptions{})
	must(t, err)
	defer other.Close()
	done := make(chan error, n)
	for range n {
		go func() { done <- e.Wait(t.Context()) }()
	}
	sleepers(t, n, e.object)
	must(t, e.Close())
	for range n {
		if err := <-done; !errors.Is(err, os.ErrClosed) {
			t.Fatalf("Wait ended by Close: %v", err)
		}
	}
	for _, err := range []error{e.Close(), e.Set(), e.Reset(), e.Wait(t.Context())} {
		if !errors.Is(err, errs.Closed) {
			t.Errorf("after Close: %v", err)
		}
	}
	// It's the handle that is closed.
	must(t, other.Set())
	must(t, other.Wait(t.Context()))
}

func TestCloseEndsAWaitAtOnce(t *testing.T) {
	withoutNet(t)
	for range 20 {
		e := newEvent(t, EventOptions{})
		done := make(chan error, 1)
		go func() { done <- e.Wait(context.Background()) }()
		sleepers(t, 1, e.object)
		time.Sleep(time.Millisecond) // most often it's asleep by then
		must(t, e.Close())
		if err := outcome(t, done); !errors.Is(err, errs.Closed) {
			t.Fatal(err)
		}
	}
}

func TestCloseDuringCallsOfOthers(t *testing.T) {
	start := time.Now()
	for range rounds(200) {
		if time.Since(start) > enough {
			break
		}
		s := newSemaphore(t, 0, 0)
		var wg WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					err := s.Release(1)
					if err == nil {
						err = s.Acquire(t.Context())
					}
					if errors.Is(err, errs.Closed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		time.Sleep(10 * time.Microsecond)
		must(t, s.Close())
		wg.Wait()
	}
}

func TestObjectsOfOtherKindsAreRefused(t *testing.T) {
	e, s := newEvent(t, EventOptions{}), newSemaphore(t, 1, 1)
	if _, err := CreateEvent(s.Name(), EventOptions{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("an event over a semaphore: %v", err)
	}
	if _, err := CreateSemaphore(s.Name(), SemaphoreOptions{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("a semaphore over another: %v", err)
	}
	if _, err := OpenEvent(s.Name(), EventOptions{}); !errors.Is(err, errs.NotRingway) {
		t.Errorf("OpenEvent of a semaphore: %v", err)
	}
	if _, err := OpenSemaphore(e.Name(), SemaphoreOptions{}); !errors.Is(err, errs.NotRingway) {
		t.Errorf("OpenSemaphore of an event: %v", err)
	}
	section, err := shm.Create(objectName(t), shm.Options{Kind: 1, Body: 4096, Participants: 1})
	must(t, err)
	defer section.Close()
	if _, err := OpenEvent(section.Name(), EventOptions{}); !errors.Is(err, errs.NotRingway) {
		t.Errorf("OpenEvent of another section: %v", err)
	}
	if err := Remove(section.Name(), ""); !errors.Is(err, errs.NotRingway) {
		t.Errorf("Remove of another section: %v", err)
	}
	for _, name := range []string{"", "a/b", `a\b`, ".x", "nobody-has-this-name" + strconv.Itoa(os.Getpid())} {
		_, err := OpenEvent(name, EventOptions{})
		if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errs.BadName) {
			t.Errorf("OpenEvent(%q): %v", name, err)
		}
		if _, err := CreateSemaphore(name, SemaphoreOptions{Initial: 2, Max: 1}); !errors.Is(err, errs.BadArgument) {
			t.Errorf("a semaphore of 2 of 1: %v", err)
		}
	}
}
