package sync

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ringway/ringway/internal/errs"
)

func TestWaitAnyTakesFromTheFirstThatHasSomethingAndNothingElse(t *testing.T) {
	auto, manual, sem := newEvent(t, EventOptions{}), newEvent(t, EventOptions{ManualReset: true}), newSemaphore(t, 0, 3)
	waitAny := func(want int) {
		t.Helper()
		if i, err := WaitAny(t.Context(), auto, sem, manual); i != want || err != nil {
			t.Fatalf("WaitAny: %d, %v; want %d", i, err, want)
		}
	}
	must(t, manual.Set())
	waitAny(2)
	must(t, sem.Release(2))
	must(t, auto.Set())
	waitAny(0)
	waitAny(1)
	waitAny(1)
	waitAny(2)
	must(t, manual.Reset())

	for i, post := range []func() error{auto.Set, func() error { return sem.Release(1) }, manual.Set} {
		done := make(chan int, 1)
		go func() {
			i, err := WaitAny(t.Context(), auto, sem, manual)
			if err != nil {
				t.Error(err)
			}
			done <- i
		}()
		sleepers(t, 3, auto.object, sem.object, manual.object)
		must(t, post())
		if got := <-done; got != i {
			t.Errorf("WaitAny: %d, want %d", got, i)
		}
	}
}

func TestWaitAnyOfTooManyOrTheSameIsAnError(t *testing.T) {
	e := newEvent(t, EventOptions{Set: true, ManualReset: true})
	for _, list := range [][]Waiter{nil, {e, e}, make([]Waiter, MaxWaitAny+1)} {
		if i, err := WaitAny(t.Context(), list...); i != -1 || !errors.Is(err, errs.BadArgument) {
			t.Errorf("WaitAny of %d: %d, %v", len(list), i, err)
		}
	}
	most := []Waiter{}
	for range MaxWaitAny - 1 {
		most = append(most, newEvent(t, EventOptions{}))
	}
	most = append(most, e)
	if i, err := WaitAny(t.Context(), most...); i != MaxWaitAny-1 || err != nil {
		t.Errorf("WaitAny of %d: %d, %v", len(most), i, err)
	}
	must(t, e.Reset())
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if i, err := WaitAny(ctx, most...); i != -1 || err != context.DeadlineExceeded {
		t.Errorf("WaitAny with a context that ends: %d, %v", i, err)
	}
}

func TestAWakeUpThatSomebodyDoesNotUseGoesToTheNext(t *testing.T) {
	// Waiter one sleeps on two events and can use only one of them.
	withoutNet(t)
	a, b := newEvent(t, EventOptions{}), newEvent(t, EventOptions{})
	began := time.Now()
	for range rounds(200) {
		if time.Since(began) > enough {
			break
		}
		first, second := make(chan int, 1), make(chan error, 1)
		go func() {
			i, err := WaitAny(t.Context(), a, b)
			if err != nil {
				t.Error(err)
			}
			first <- i
		}()
		sleepers(t, 2, a.object, b.object)
		go func() { second <- b.Wait(t.Context()) }()
		sleepers(t, 3, a.object, b.object)
		must(t, a.Set())
		must(t, b.Set())
		if outcome(t, first) == 1 { // it used b; a is left for nobody
			must(t, b.Set())
			must(t, a.Reset())
		}
		must(t, outcome(t, second))
	}
}
