package metrics

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/ringway/ringway/ring"
)

// latency is a histogram of a ring. Its buckets end at the powers of two from 64 ns
// to 137 s: of those in the section, four make one.
type latency struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	d      *ring.Durations
}

// Desc implements prometheus.Metric.
func (l *latency) Desc() *prometheus.Desc { return l.desc }

// Write implements prometheus.Metric.
func (l *latency) Write(m *dto.Metric) error {
	m.Label = l.labels
	h := &dto.Histogram{SampleSum: new(float64), SampleCount: new(uint64)}
	*h.SampleSum = float64(l.d.Sum) / 1e9
	n := uint64(0)
	for i, count := range l.d.Buckets {
		n += count
		if end := ring.BucketEnd(i); end&(end-1) == 0 {
			h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: &ends[i], CumulativeCount: new(uint64)})
			*h.Bucket[len(h.Bucket)-1].CumulativeCount = n
		}
	}
	*h.SampleCount = n
	m.Histogram = h
	return nil
}

// ends are the ends of the buckets in seconds.
var ends = func() (s [ring.HistogramBuckets]float64) {
	for i := range s {
		if s[i] = math.Inf(1); i < len(s)-1 {
			s[i] = float64(ring.BucketEnd(i)) / 1e9
		}
	}
	return s
}()
