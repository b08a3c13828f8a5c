package metrics

import (
	"math"

	dto "github.com/prometheus/client_model/go"

	"github.com/ringway/ringway/ring"
)

// histogramOf makes a histogram whose buckets end at the powers of two from 64 ns
// to 137 s: of those in the section, four make one.
func histogramOf(d *ring.Durations) *dto.Histogram {
	h := &dto.Histogram{SampleSum: new(float64), SampleCount: new(uint64)}
	*h.SampleSum = float64(d.Sum) / 1e9
	n := uint64(0)
	for i, count := range d.Buckets {
		n += count
		if end := ring.BucketEnd(i); end&(end-1) == 0 {
			h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: &ends[i], CumulativeCount: new(uint64)})
			*h.Bucket[len(h.Bucket)-1].CumulativeCount = n
		}
	}
	*h.SampleCount = n
	return h
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
