package sync

import (
	"context"
	"testing"
)

// newSharedBell returns a handle, closed when the test ends, of a bell that
// several sleep on.
func newSharedBell(t *testing.T, b *Bell) *Bell {
	t.Helper()
	s := newBell(t, b.mem, "shared")
	s.shared = true
	return s
}

func TestOneRingWakesAllSleepersOfASharedBell(t *testing.T) {
	const sleepers, n = 4, 200
	r := shared(1)
	ringer := newBell(t, r, "shared")
	var bells []*Bell
	for range sleepers {
		bells = append(bells, newSharedBell(t, ringer))
	}
	for i := range n {
		var announced, done WaitGroup
		for _, b := range bells {
			announced.Add(1)
			done.Go(func() {
				b.Announce()
				announced.Done()
				if err := b.Sleep(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		announced.Wait()
		seq := r.Load32(offSeq)
		ringer.Ring()
		if r.Load32(offSeq) == seq {
			t.Fatalf("round %d: all are announced, and the ring wakes nobody", i)
		}
		done.Wait()
	}
}

func TestOneThatRetractsLeavesTheOthersAnnounced(t *testing.T) {
	r := shared(1)
	ringer := newBell(t, r, "shared")
	one, other := newSharedBell(t, ringer), newSharedBell(t, ringer)
	one.Announce()
	other.Announce()
	other.Retract()
	if r.Load32(offState)&asleep == 0 {
		t.Error("the announcement of one is gone after another one retracted")
	}
	// So it is when another one's sleep ends for a reason of its own.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	other.Announce()
	if err := other.Sleep(ctx); err != context.Canceled {
		t.Fatal(err)
	}
	if r.Load32(offState)&asleep == 0 {
		t.Error("the announcement of one is gone after another one's sleep")
	}
	ringer.Ring()
	if r.Load32(offSeq) == one.seq {
		t.Error("a ring doesn't wake the one that sleeps")
	}
}
