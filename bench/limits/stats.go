package limits

import (
	"slices"
	"time"
)

// Stats sums up a series of times. All times are rounded to whole nanoseconds.
type Stats struct {
	N                                    int // how many times there were
	Min, P50, P90, P99, P999, P9999, Max time.Duration
	Mean                                 time.Duration
}

// Summarize sums up times in nanoseconds, in any order, that were read from
// the clock of Calibrate or from any other clock with the same steps; ns is
// sorted afterwards. No times give the zero Stats.
//
// A clock that steps (every 10 ns on Zen) shows a time of 94 ns as 90 six
// times in ten and as 100 four times in ten; the plain median of that is 90,
// 4 % too low, and nothing between 90 and 100 is ever reported. So each reading
// is taken to be spread evenly over half a step to either side, the median of
// grouped data: it answers 93, and is never off by 1 ns. Min and Max are
// readings as they are.
func Summarize(ns []int64) Stats {
	return summarize(ns, 1, Calibrate().StepNs)
}

// summarize does it for samples of perNs units a nanosecond.
func summarize[T ~uint32 | ~int64](samples []T, perNs, stepNs float64) Stats {
	if len(samples) == 0 {
		return Stats{}
	}
	slices.Sort(samples)
	sum := 0.0
	for _, v := range samples {
		sum += float64(v)
	}
	duration := func(v float64) time.Duration { return time.Duration(v/perNs + 0.5) }
	n := len(samples)
	lowest, highest := duration(float64(samples[0])), duration(float64(samples[n-1]))
	at := func(q float64) time.Duration {
		return min(max(duration(percentile(samples, q, stepNs*perNs/2)), lowest), highest)
	}
	return Stats{
		N: n, Min: lowest, Max: highest,
		P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), P9999: at(0.9999),
		Mean: duration(sum / float64(n)),
	}
}

// percentile is the value below which the share q of the sorted samples lies,
// when each sample is spread evenly around its value: half-way to the next
// value on either side, but not further than half.
func percentile[T ~uint32 | ~int64](sorted []T, q, half float64) float64 {
	rank := q * float64(len(sorted))
	v := sorted[min(int(rank), len(sorted)-1)]
	first, _ := slices.BinarySearch(sorted, v)
	next, _ := slices.BinarySearch(sorted, v+1)
	below, above := half, half
	if first > 0 {
		below = min(half, float64(v-sorted[first-1])/2)
	}
	if next < len(sorted) {
		above = min(half, float64(sorted[next]-v)/2)
	}
	if first == 0 {
		below = above
	}
	if next == len(sorted) {
		above = below
	}
	share := (rank - float64(first)) / float64(next-first)
	return float64(v) - below + share*(below+above)
}
