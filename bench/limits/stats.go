package limits

import "time"

// Stats sums up a series of times. All times are rounded to whole nanoseconds,
// and beyond 2 µs known to three digits.
type Stats struct {
	N                                    int // how many times there were
	Min, P50, P90, P99, P999, P9999, Max time.Duration
	Mean                                 time.Duration
}

// Within returns the same with least and greatest times that are known exactly.
func (s Stats) Within(least, greatest time.Duration) Stats {
	s.Min, s.Max = least, greatest
	for _, p := range []*time.Duration{&s.P50, &s.P90, &s.P99, &s.P999, &s.P9999} {
		*p = min(max(*p, least), greatest)
	}
	return s
}

// Summarize sums up times in nanoseconds, in any order, that were read from
// the clock of Calibrate or from any other clock with the same steps. No times
// give the zero Stats. Histogram says how.
func Summarize(ns []int64) Stats { return Collect(ns).Stats() }

// Collect makes a histogram of such times.
func Collect(ns []int64) *Histogram { return collect(ns, 1, Calibrate().StepNs) }

// collect does it for samples of perNs units a nanosecond.
func collect[T ~uint32 | ~int64](samples []T, perNs, stepNs float64) *Histogram {
	h := NewHistogram(stepNs)
	for _, v := range samples {
		h.Record(float64(v) / perNs)
	}
	return h
}

func summarize[T ~uint32 | ~int64](samples []T, perNs, stepNs float64) Stats {
	return collect(samples, perNs, stepNs).Stats()
}
