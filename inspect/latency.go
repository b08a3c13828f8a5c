package inspect

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ringway/ringway/ring"
)

// Latency is how long the messages of a ring took that were timed, or its wake-ups:
// of all participants that ever were. See ringway.SampleLatency.
type Latency ring.Durations

// quantiles are those that people are shown.
var quantiles = []struct {
	name string
	q    float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}

// MarshalJSON writes how many there are, their mean, some quantiles, and the
// buckets that are not empty, each with its end. Times are in nanoseconds; what
// exceeds the longest bucket is -1.
func (l *Latency) MarshalJSON() ([]byte, error) {
	d := (*ring.Durations)(l)
	n := d.Count()
	b := fmt.Appendf(nil, `{"count":%d,"mean_ns":%.0f`, n, l.Mean())
	for _, q := range quantiles {
		b = fmt.Appendf(b, `,"%s_ns":%d`, q.name, finite(d.Quantile(q.q)))
	}
	b = append(b, `,"buckets":[`...)
	comma := ""
	for i, n := range d.Buckets {
		if n != 0 {
			b = fmt.Appendf(b, `%s{"below_ns":%d,"count":%d}`, comma, finite(ring.BucketEnd(i)), n)
			comma = ","
		}
	}
	return append(b, "]}"...), nil
}

// Mean returns the mean in nanoseconds, 0 if there are none.
func (l *Latency) Mean() float64 {
	n := (*ring.Durations)(l).Count()
	if n == 0 {
		return 0
	}
	return float64(l.Sum) / float64(n)
}

// finite is a bucket's end, or -1 if it has none.
func finite(ns uint64) int64 {
	if ns == math.MaxUint64 {
		return -1
	}
	return int64(ns)
}

// String says it in a line.
func (l *Latency) String() string {
	d := (*ring.Durations)(l)
	text := fmt.Sprintf("%d timed", d.Count())
	if d.Count() == 0 {
		return text
	}
	for _, q := range quantiles {
		text += fmt.Sprintf(", %s %s", q.name, ShortDuration(d.Quantile(q.q)))
	}
	return text + ", mean " + ShortDuration(uint64(l.Mean()))
}

// ShortDuration returns nanoseconds as people read them, with three digits.
func ShortDuration(ns uint64) string {
	if ns == math.MaxUint64 {
		return "> 2 min"
	}
	v, unit := float64(ns), "ns"
	for _, u := range []string{"µs", "ms", "s"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1000, u
	}
	decimals := 0
	if v < 10 {
		decimals = 2
	} else if v < 100 {
		decimals = 1
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + " " + unit
}

// latencies adds up what the participants have measured, in a ring where they do.
func (s *Section) latencies(g ring.Geometry, body []byte, slots ring.Table) {
	if g.SampleEvery == 0 {
		s.OneWay, s.WakeUp = nil, nil
		return
	}
	if s.OneWay == nil || s.WakeUp == nil {
		s.OneWay, s.WakeUp = new(Latency), new(Latency)
	}
	s.SampleEvery, *s.OneWay, *s.WakeUp = g.SampleEvery, Latency{}, Latency{}
	for slot := range slots.Len() {
		if slots.Slot(slot) == 0 {
			continue // nobody ever attached
		}
		if oneWay, wakeUp, ok := ring.Latencies(g, body, slot); ok {
			oneWay.AddTo((*ring.Durations)(s.OneWay))
			wakeUp.AddTo((*ring.Durations)(s.WakeUp))
		}
	}
}
