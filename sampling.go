package ringway

import (
	"sync/atomic"
	"time"

	"github.com/ringway/ringway/inspect"
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
	if e.pairing != nil {
		oneWay, wakeUp, ok = e.pairing.timed.oneWay, e.pairing.timed.wakeUp, true
	} else if e.place != nil {
		oneWay, wakeUp, ok = ring.Latencies(r.geometry, r.body, e.place.Slot())
	}
	if !ok { // as in startCounting
		t := newTimings()
		oneWay, wakeUp = t.oneWay, t.wakeUp
	}
	if e.role == roleConsumer && e.mine != nil {
		e.mine.OnAwake(func(took time.Duration) { wakeUp.Observe(uint64(took)) })
	}
	handle.Sample(r.geometry, r.body, ring.Sampling{Now: clock.Now, OneWay: oneWay})
	return oneWay
}

// timings are histograms in memory of this process.
type timings struct {
	oneWay, wakeUp ring.Histogram
	on             atomic.Bool // there is something to measure
}

func newTimings() *timings {
	return &timings{oneWay: ring.HistogramOf(make([]byte, ring.HistogramSize)), wakeUp: ring.HistogramOf(make([]byte, ring.HistogramSize))}
}

// Latencies returns how long messages took that this side has received, from
// being sent to being handed out, and how long this side took to be awake when it
// was woken: of those that were timed. Both are nil unless the listener has the
// option SampleLatency and the connection goes over shared memory of this system.
// It may be called at any time, also after Close, and allocates.
func (c *Conn) Latencies() (oneWay, wakeUp *inspect.Latency) {
	if c.timed == nil || !c.timed.on.Load() {
		return nil, nil
	}
	oneWay, wakeUp = new(inspect.Latency), new(inspect.Latency)
	c.timed.oneWay.AddTo((*ring.Durations)(oneWay))
	c.timed.wakeUp.AddTo((*ring.Durations)(wakeUp))
	return oneWay, wakeUp
}
