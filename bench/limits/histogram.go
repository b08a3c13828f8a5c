package limits

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// What a Histogram keeps apart: three digits, of times up to 100 s.
const (
	lowest  = 1
	highest = int64(100 * time.Second)
	digits  = 3
)

// Histogram collects times in nanoseconds and answers for their percentiles: an
// HdrHistogram that knows that clocks have steps. Make one with NewHistogram.
//
// A clock that steps (every 10 ns on Zen) shows a time of 94 ns as 90 six
// times in ten and as 100 four times in ten; the plain median of that is 90,
// 4 % too low, and nothing between 90 and 100 is ever reported. So each reading
// is spread evenly over half a step to either side, the median of grouped data:
// it answers 93, and is never off by 1 ns. Min and Max are readings as they are.
//
// In JSON it is a string: HdrHistogram's own compressed format, version 2, in
// base64, which the tools and libraries of that name read.
type Histogram struct {
	h        *hdrhistogram.Histogram
	step     float64
	phase    float64 // of the step, where the next reading is put
	min, max float64
	sum      float64
}

// NewHistogram returns one for times that were read from a clock that advances
// by stepNs; see Clock.StepNs.
func NewHistogram(stepNs float64) *Histogram {
	if stepNs <= 1 {
		stepNs = 0
	}
	return &Histogram{h: hdrhistogram.New(lowest, highest, digits), step: stepNs, min: math.Inf(1), max: math.Inf(-1)}
}

// Record adds a time in nanoseconds. It doesn't allocate. Times below 0 count
// as 0, times above 100 s as that.
func (h *Histogram) Record(ns float64) {
	ns = min(max(ns, 0), float64(highest))
	h.min, h.max, h.sum = min(h.min, ns), max(h.max, ns), h.sum+ns
	v := ns
	if h.step > 0 {
		// The golden ratio's multiples fill a step evenly, however few they are.
		if h.phase += math.Phi - 1; h.phase >= 1 {
			h.phase--
		}
		v += (h.phase - 0.5) * h.step
	}
	h.add(v, 1)
}

// RecordN adds a time n times.
func (h *Histogram) RecordN(ns float64, n int64) {
	const parts = 16
	if n < parts || h.step == 0 {
		for ; n > 0; n-- {
			h.Record(ns)
		}
		return
	}
	ns = min(max(ns, 0), float64(highest))
	h.min, h.max, h.sum = min(h.min, ns), max(h.max, ns), h.sum+ns*float64(n)
	for i := range int64(parts) {
		h.add(ns+((float64(i)+0.5)/parts-0.5)*h.step, n*(i+1)/parts-n*i/parts)
	}
}

// add can't fail: what it is given lies within the bounds.
func (h *Histogram) add(ns float64, n int64) {
	v := min(max(int64(math.Round(ns)), 0), highest)
	if err := h.h.RecordValues(v, n); err != nil {
		panic(err)
	}
}

// Count returns how many times were recorded.
func (h *Histogram) Count() int64 { return h.h.TotalCount() }

// Quantile returns the time in nanoseconds below which the share q of all times
// lies, 0 to 1; 0 when there are none.
func (h *Histogram) Quantile(q float64) float64 {
	if h.Count() == 0 {
		return 0
	}
	v := float64(h.h.ValueAtQuantile(100 * q))
	return min(max(v, h.min), h.max)
}

// Stats sums the times up.
func (h *Histogram) Stats() Stats {
	n := h.Count()
	if n == 0 {
		return Stats{}
	}
	at := func(q float64) time.Duration { return time.Duration(h.Quantile(q) + 0.5) }
	return Stats{
		N: int(n), Min: time.Duration(h.min + 0.5), Max: time.Duration(h.max + 0.5),
		P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), P9999: at(0.9999),
		Mean: time.Duration(h.sum/float64(n) + 0.5),
	}
}

// CurvePoint is a point of the curve of percentiles.
type CurvePoint struct {
	Quantile float64 // 0 to 1
	Ns       float64
}

// Curve returns the curve of percentiles, ever denser towards the slowest: to
// each halving of the rest belong five points.
func (h *Histogram) Curve() []CurvePoint {
	if h.Count() == 0 {
		return nil
	}
	var curve []CurvePoint
	for _, b := range h.h.CumulativeDistributionWithTicks(5) {
		q := b.Quantile / 100
		curve = append(curve, CurvePoint{q, min(max(float64(b.ValueAt), h.min), h.max)})
	}
	return curve
}

// MarshalJSON writes HdrHistogram's compressed format.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	text, err := h.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return nil, fmt.Errorf("limits: histogram: %w", err)
	}
	return json.Marshal(string(text))
}

// UnmarshalJSON reads what MarshalJSON wrote. The least and the greatest time
// are then known to three digits only.
func (h *Histogram) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("limits: histogram: %w", err)
	}
	decoded, err := hdrhistogram.Decode([]byte(s))
	if err != nil {
		return fmt.Errorf("limits: histogram: %w", err)
	}
	*h = *NewHistogram(0)
	h.h = decoded
	h.min, h.max = float64(decoded.Min()), float64(decoded.Max())
	h.sum = decoded.Mean() * float64(decoded.TotalCount())
	return nil
}

// Merge adds the times of another one.
func (h *Histogram) Merge(o *Histogram) {
	h.h.Merge(o.h)
	h.min, h.max, h.sum = min(h.min, o.min), max(h.max, o.max), h.sum+o.sum
}
