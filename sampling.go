package ringway

import (
	"time"

	"github.com/ringway/ringway/internal/clock"
	"github.com/ringway/ringway/ring"
)

// sampled is a handle of package ring that can take part in timing messages.
type sampled interface {
	Sample(g ring.Geometry, body []byte, s ring.Sampling)
}

// startSampling has the endpoint take part in timing messages, if the ring is one
// in which some are timed. It returns where it counts them.
func (e *endpoint) startSampling(r *Ring, handle sampled) (oneWay ring.Histogram) {
	if r.geometry.SampleEvery == 0 {
		return oneWay
	}
	var wakeUp ring.Histogram
	ok := false
	if e.place != nil {
		oneWay, wakeUp, ok = ring.Latencies(r.geometry, r.body, e.place.Slot())
	}
	if !ok { // as in startCounting
		oneWay, wakeUp = ring.HistogramOf(make([]byte, ring.HistogramSize)), ring.HistogramOf(make([]byte, ring.HistogramSize))
	}
	if e.role == roleConsumer && e.mine != nil {
		e.mine.OnAwake(func(took time.Duration) { wakeUp.Observe(uint64(took)) })
	}
	handle.Sample(r.geometry, r.body, ring.Sampling{Now: clock.Now, OneWay: oneWay})
	return oneWay
}
