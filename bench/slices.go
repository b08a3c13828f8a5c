package bench

import (
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// A run may be of slices, one behind the other without a pause, in each of which
// somebody else does another thing:
//
//	offBegan                                          by the clock that all share
//	   │ guard │      counts     │ guard │      counts     │ guard │ …
//	   └────── slice 0 ──────────┴────── slice 1 ──────────┴─
//	           1                 2       3                 4    offSlice
//
// What happens in the guard, a fifth of each slice, doesn't count: what was done in
// the slice before has come to rest when it ends.

// guardOf is how much of a slice doesn't count.
func guardOf(slice time.Duration) time.Duration { return slice / 5 }

// warmUp is how long a run goes before anything counts.
func (o *teamOrders) warmUp() time.Duration {
	if o.Slices > 0 {
		return 10 * time.Millisecond
	}
	return o.Duration / 5
}

// length is how long a run goes from then on.
func (o *teamOrders) length() time.Duration {
	return time.Duration(max(o.Slices, 1))*o.Duration + guardOf(o.Duration)*time.Duration(min(o.Slices, 1))
}

// beginSlices says when the first slice begins. Only the leader calls it.
func (s *team) beginSlices() {
	if s.orders.Slices > 0 {
		s.words.Store64(offBegan, s.clock.Shared()+uint64(float64(s.orders.warmUp())*s.clock.TicksPerNs))
	}
}

// passBoundary tells the consumers which boundary was passed last. Only the leader
// calls it, again and again.
func (s *team) passBoundary() {
	o := &s.orders
	if o.Slices == 0 {
		return
	}
	since := int64(s.clock.Shared() - s.words.Load64(offBegan))
	if since < 0 {
		return
	}
	at := time.Duration(s.clock.Ns(uint64(since)))
	passed := 2 * uint64(at/o.Duration)
	if at%o.Duration >= guardOf(o.Duration) {
		passed++
	}
	s.words.Store64(offSlice, min(passed, 2*uint64(o.Slices)))
}

// mark is what a consumer had received at some moment.
type mark struct{ tick, count uint64 }

// mark takes note of the boundaries that were passed since the last time.
func (t *tally) mark() {
	if t.orders.Slices == 0 {
		return
	}
	passed := int(min(t.words.Load64(offSlice), uint64(cap(t.marks))))
	if passed == len(t.marks) {
		return
	}
	for now := (mark{t.clock.Now(), t.count}); len(t.marks) < passed; {
		t.marks = append(t.marks, now)
	}
}

// marked returns what was received in each slice, nil if there are none. A slice of
// which a boundary was missed has nothing.
func (s *team) marked() (found []Figure) {
	if s.orders.Slices == 0 {
		return nil
	}
	found = make([]Figure, s.orders.Slices)
	for k := range found {
		if 2*k+1 < len(s.marks) {
			from, to := s.marks[2*k], s.marks[2*k+1]
			found[k] = Figure{Messages: int64(to.count - from.count), Ns: s.clock.Ns(to.tick - from.tick)}
		}
	}
	return found
}

// slicesOf returns the round trips of each slice, nil if there are none: samples
// follow upon each other from the beginning of the first one, and took ns together.
func (s *team) slicesOf(samples []int64, ns int64) (found []Figure) {
	if s.orders.Slices == 0 {
		return nil
	}
	sum := int64(0)
	for _, d := range samples {
		sum += d
	}
	// Each was rounded on its own.
	scale := float64(ns) / float64(max(sum, 1))
	found = make([]Figure, s.orders.Slices)
	slice, guard := float64(s.orders.Duration), float64(guardOf(s.orders.Duration))
	at := 0.0
	for k, i := 0, 0; k < len(found); k++ {
		begin, end := float64(k)*slice+guard, float64(k+1)*slice
		for i < len(samples) && at < begin {
			at += float64(samples[i]) * scale
			i++
		}
		first, from := i, at
		for i < len(samples) && at < end {
			at += float64(samples[i]) * scale
			i++
		}
		if at < end {
			break // it is not whole
		}
		f := &found[k]
		f.Times = limits.Collect(samples[first:i])
		f.Messages, f.Ns, f.Stats = 2*int64(i-first), int64(at-from), f.Times.Stats()
	}
	return found
}

// addSlices adds what one more member found in each slice, if it found anything.
func addSlices(all, more []Figure) []Figure {
	if all == nil {
		return more
	}
	for k, f := range more {
		// Each was timed on its own; what is added up are rates.
		if g := &all[k]; f.Ns > 0 && g.Ns > 0 {
			g.Messages += f.Messages * g.Ns / f.Ns
		} else {
			*g = Figure{}
		}
	}
	return all
}
