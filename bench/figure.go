package bench

import (
	"math"
	"slices"

	"github.com/ringway/ringway/bench/limits"
)

// Figure is what one run of an engine found, ours or a rival's.
type Figure struct {
	Messages int64
	Ns       int64             // how long they took
	Times    *limits.Histogram // of round trips, or one way; nil for throughput
	Stats    limits.Stats      // of Times
}

// merged puts the times of several figures into m, if there are any.
func merged(m Figure, all []Figure) Figure {
	if m.Times == nil {
		return m
	}
	least, greatest := m.Stats.Min, m.Stats.Max
	m.Times = limits.NewHistogram(0)
	for _, f := range all {
		m.Times.Merge(f.Times)
		least, greatest = min(least, f.Stats.Min), max(greatest, f.Stats.Max)
	}
	m.Stats = m.Times.Stats().Within(least, greatest)
	return m
}

// perSecond returns messages a second.
func (f Figure) perSecond() float64 {
	if f.Ns <= 0 {
		return 0
	}
	return float64(f.Messages) * 1e9 / float64(f.Ns)
}

// A Metric is the number by which engines are compared.
type Metric string

// The metrics.
const (
	Rate Metric = "msgs_per_sec"
	P50  Metric = "p50"
	P999 Metric = "p999"
)

// of returns the number, in nanoseconds or messages a second.
func (m Metric) of(f Figure) float64 {
	switch m {
	case P50:
		return float64(f.Stats.P50.Nanoseconds())
	case P999:
		return float64(f.Stats.P999.Nanoseconds())
	}
	return f.perSecond()
}

// advantage is how much better a is than b: more than 1 if it is, whatever the
// unit.
func (m Metric) advantage(a, b float64) float64 {
	if m == Rate {
		return a / b
	}
	return b / a
}

// metricOf is the metric of a mode.
func metricOf(mode string) Metric {
	switch w := workloads[mode]; {
	case !w.timed:
		return Rate
	case w.both:
		return P50
	}
	return P999
}

// middle sorts v by what of says and returns the element in the middle, and how far
// v is spread; see spread. v is not empty.
func middle[T any](v []T, of func(T) float64) (m T, spread float64) {
	slices.SortFunc(v, func(a, b T) int {
		switch x, y := of(a), of(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	numbers := make([]float64, len(v))
	for i := range v {
		numbers[i] = of(v[i])
	}
	return v[len(v)/2], spreadOf(numbers)
}

// spreadOf is the distance between the quartiles of sorted numbers as a share of their
// median: half of them lie that close together. It is the distance of the ends if
// they are fewer than four.
func spreadOf(sorted []float64) float64 {
	n := len(sorted)
	spread := (sorted[n-1-n/4] - sorted[n/4]) / medianOf(sorted)
	if math.IsNaN(spread) || math.IsInf(spread, 0) {
		return 0
	}
	return spread
}

// medianOf is the median of sorted numbers.
func medianOf(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// confidence is how sure we want to be that a median lies in its interval.
const confidence = 0.99

// intervalOf returns an interval of sorted numbers in which the true median lies with
// confidence, however they are distributed: a number is below it as often as a coin
// falls on one side. Fewer than eight numbers can't tell that much; then it is all of
// them.
func intervalOf(sorted []float64) (low, high float64) {
	n := len(sorted)
	// below is how probable it is that at most k of n are below the median.
	below, log, k := 0.0, -float64(n)*math.Ln2, 0 // the logarithm: of many it is of a number too small to write
	for ; k < n/2; k++ {
		if below += math.Exp(log); below > (1-confidence)/2 {
			break
		}
		log += math.Log(float64(n-k) / float64(k+1))
	}
	k = max(k-1, 0)
	return sorted[k], sorted[n-1-k]
}
