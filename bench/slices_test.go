package bench

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/internal/mem"
)

func TestEachConditionComesAsOftenAfterEachOfTheOthers(t *testing.T) {
	if slicesPerRun%(conditions*len(turns)) != 0 {
		t.Errorf("%d slices are not whole turns", slicesPerRun)
	}
	var place, after [conditions][conditions]int
	for k := range slicesPerRun {
		place[conditionOf(k)][k%conditions]++
		after[conditionOf(k)][conditionOf((k+1)%slicesPerRun)]++
	}
	for a := range conditions {
		for b := range conditions {
			if want := slicesPerRun / conditions / conditions; place[a][b] != want {
				t.Errorf("condition %d comes at place %d of a round %d times, want %d", a, b, place[a][b], want)
			}
			if from, to := after[a][b], after[b][a]; from-to > 2 || to-from > 2 {
				t.Errorf("%d comes after %d %d times, and before it %d times", b, a, from, to)
			}
		}
	}
}

// sliced is a leader whose runs are of n slices.
func sliced(n int, slice time.Duration) *team {
	s := &team{orders: teamOrders{Slices: n, Duration: slice, Size: 8, Producers: 1, Consumers: 1}, clock: limits.Clock{TicksPerNs: 1}}
	s.words = mem.Of(make([]byte, rawBody))
	s.marks = make([]mark, 0, 2*n)
	return s
}

func TestRoundTripsAreThoseOfTheSliceThatTheyFellInto(t *testing.T) {
	const slice = 100 * time.Microsecond
	s := sliced(3, slice)
	var samples []int64
	for k := range int64(3) { // of 1, 2 and 4 µs
		for at := int64(0); at < slice.Nanoseconds(); at += 1000 << k {
			samples = append(samples, 1000<<k)
		}
	}
	found := s.slicesOf(append(samples, 4000), 3*slice.Nanoseconds()+4000)
	for k, want := range []int64{80, 40, 20} { // the first fifth doesn't count
		f := found[k]
		if f.Messages != 2*want || f.Ns != want*1000<<k || f.Stats.P50 != time.Duration(1000<<k) || f.Stats.P999 != f.Stats.P50 {
			t.Errorf("slice %d: %d messages in %d ns, %+v", k, f.Messages, f.Ns, f.Stats)
		}
	}
	// A run that ended early has no last slice.
	found = s.slicesOf(samples[:len(samples)-2], 3*slice.Nanoseconds()-8000)
	if len(found) != 3 || found[1].Messages == 0 || found[2].Messages != 0 {
		t.Errorf("%+v", found)
	}
	// Each sample was rounded: what they took together is known better.
	found = s.slicesOf(samples, 2*3*slice.Nanoseconds())
	if found[0].Messages != 80 || found[2].Messages != 40 {
		t.Errorf("%+v", found)
	}
}

func TestAConsumerCountsWhatItReceivedBetweenTheBoundaries(t *testing.T) {
	s := sliced(3, time.Millisecond)
	c := tally{team: s}
	for _, step := range []struct{ passed, count uint64 }{{0, 3}, {1, 10}, {1, 15}, {2, 50}, {4, 70}, {5, 80}, {6, 90}, {99, 100}} {
		s.words.Store64(offSlice, step.passed)
		c.count = step.count
		c.look()
	}
	found := s.marked()
	var counts []int64
	for _, f := range found {
		counts = append(counts, f.Messages)
	}
	if !slices.Equal(counts, []int64{40, 0, 10}) || found[0].Ns <= 0 || found[1].Ns != 0 {
		t.Errorf("%+v", found)
	}
	// Who saw no more than the first boundary has nothing.
	s.marks = s.marks[:1]
	if found := s.marked(); len(found) != 3 || found[0] != (Figure{}) {
		t.Errorf("%+v", found)
	}
}

func TestRatesOfSeveralConsumersAddUp(t *testing.T) {
	all := addSlices(nil, []Figure{{Messages: 100, Ns: 10}, {Messages: 100, Ns: 10}})
	all = addSlices(all, nil) // a producer
	all = addSlices(all, []Figure{{Messages: 60, Ns: 20}, {}})
	if all[0].perSecond() != 13e9 || all[1] != (Figure{}) {
		t.Errorf("%+v", all)
	}
}

func TestTheWatcherWakesAndLooksInItsSlicesOnly(t *testing.T) {
	const slice, every = time.Millisecond, 100 * time.Microsecond
	p := schedule{slices: slicesPerRun, slice: slice, every: every}
	var did [conditions][3]int
	at := -slice / 2
	for {
		what, wait := p.next(at)
		if what == toEnd {
			break
		}
		k := conditionOf(int(max(at, 0) / slice))
		did[k][what]++
		if what == toSleep && wait <= 0 {
			t.Fatalf("sleeps for %v", wait)
		}
		if what == toSleep {
			at += wait
		}
	}
	if at != time.Duration(slicesPerRun)*slice {
		t.Errorf("it ends at %v", at)
	}
	const often = slicesPerRun / conditions * int(slice/every)
	if d := did[alone]; d[toWake] != 0 || d[toLook] != 0 || d[toSleep] > slicesPerRun/conditions+1 {
		t.Errorf("alone: %v", d)
	}
	if d := did[awake]; d[toWake] != often || d[toLook] != 0 {
		t.Errorf("awake: %v, want %d", d, often)
	}
	if d := did[scraped]; d[toWake] != 0 || d[toLook] != often {
		t.Errorf("scraped: %v, want %d", d, often)
	}
	// Who comes late does at once what was due.
	p = schedule{slices: slicesPerRun, slice: slice, every: every}
	looks := 0
	for what := toLook; what != toSleep; looks++ {
		what, _ = p.next(2*slice + 5*every) // the first slices are alone, awake, scraped
	}
	if looks-1 != int((2*slice+5*every)/every)+1 {
		t.Errorf("%d looks", looks-1)
	}
}

func TestTheWatcherTellsHowOftenItLookedAndHowLongThatTook(t *testing.T) {
	s := sliced(slicesPerRun, 2*time.Millisecond)
	looks := int64(0)
	w := &watching{orders: watchOrders{Slices: slicesPerRun, Slice: 2 * time.Millisecond, Every: 100 * time.Microsecond}, clock: s.clock, words: s.words,
		took: make([]float64, 0, 100), look: func() error { looks++; return nil }}
	for looks == 0 { // whoever gets no processor for a whole run doesn't look
		s.words.Store64(offBegan, w.clock.Shared())
		found, err := w.run(t.Context())
		if err != nil || found.Looks != looks || looks > 0 && found.Median < 0 {
			t.Fatalf("%d looks: %+v, %v", looks, found, err)
		}
	}
	w.look = func() error { return errors.New("gone") }
	for {
		s.words.Store64(offBegan, w.clock.Shared())
		if _, err := w.run(t.Context()); err != nil {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.run(ctx); err != context.Canceled {
		t.Errorf("%v at the end of the context", err)
	}
}
