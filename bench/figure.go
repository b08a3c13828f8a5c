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

// middle sorts v by what of says and returns the element in the middle, and the
// distance of the ends as a share of it. v is not empty.
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
	m = v[len(v)/2]
	if spread = (of(v[len(v)-1]) - of(v[0])) / of(m); math.IsNaN(spread) || math.IsInf(spread, 0) {
		spread = 0
	}
	return m, spread
}
