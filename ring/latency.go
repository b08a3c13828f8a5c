package ring

import (
	"math"
	"math/bits"

	"github.com/ringway/ringway/internal/mem"
)

// A ring whose geometry says so measures how long messages take. For that it has
// something behind its data:
//
//	offset   what                      written by
//	┌──────────────────────────────────────────────────────────────────────┐
//	│ 0x0000  stamps: 512 × u64          senders, before they commit       │
//	├──────────────────────────────────────────────────────────────────────┤
//	│ 0x1000  for each participant,      that participant alone            │
//	│         2 KiB: two histograms                                        │
//	│   +0    from being sent to being handed out                          │
//	│   +1024 from being woken to being awake                              │
//	└──────────────────────────────────────────────────────────────────────┘
//
// Both sides know by a message's position whether it is one of those that are
// timed: a hash of it says so, so that one of SampleEvery is, whatever rhythm the
// traffic has, and no word has to be passed for the others. A stamp:
//
//	 63        49 48                                                     0
//	┌────────────┬────────────────────────────────────────────────────────┐
//	│ tag        │ time, ns, of a clock that all processes read alike     │
//	└────────────┴────────────────────────────────────────────────────────┘
//
// The tag is the lower bits of the position, in units of the ring. A receiver
// that finds another tag leaves it: more has been stamped since than there is
// room for, or the sender stamps nothing. One that is in the future means nothing
// either. So whatever somebody else writes there, it is at worst a wrong number in
// a histogram.
const (
	stampCount = 512
	stampsSize = stampCount * 8
	tagShift   = 49
	timeMask   = 1<<tagShift - 1

	latenciesSize = 2 * HistogramSize // of a participant
)

// latencySize is what stands behind the data, a multiple of 4096.
func (g Geometry) latencySize() uint64 {
	if g.SampleEvery == 0 {
		return 0
	}
	return stampsSize + (g.Histograms*latenciesSize+4095)&^4095
}

// latencyOffset is where in the body that begins.
func (g Geometry) latencyOffset() uint64 { return g.dataOffset() + g.Capacity }

// Latencies are the histograms of participant number slot. They are valid as
// long as the memory is mapped. It reports false when the ring has none for it.
func Latencies(g Geometry, body []byte, slot int) (oneWay, wakeUp Histogram, ok bool) {
	if g.SampleEvery == 0 || slot < 0 || uint64(slot) >= g.Histograms {
		return Histogram{}, Histogram{}, false
	}
	at := g.latencyOffset() + stampsSize + uint64(slot)*latenciesSize
	r := mem.Of(body)
	return Histogram{r.Slice(at, HistogramSize)}, Histogram{r.Slice(at+HistogramSize, HistogramSize)}, true
}

// Sampling says how an endpoint of a ring with a SampleEvery takes part in
// measuring. One without takes no part.
type Sampling struct {
	// Now reads a clock in nanoseconds that goes on steadily and that all
	// processes which use the ring read alike.
	Now func() uint64

	// OneWay is where a receiver counts.
	OneWay Histogram
}

// sampler is one endpoint's view of the stamps. The zero sampler is off.
type sampler struct {
	Sampling
	on    bool
	words mem.Region
	below uint64 // positions whose hash is not more than that are sampled
	unit  uint   // log2 of what positions are multiples of
}

// newSampler returns a sampler, or one that is off if the ring isn't sampled.
func newSampler(g Geometry, body []byte, s Sampling) sampler {
	if g.SampleEvery == 0 {
		return sampler{}
	}
	unit := uint(0) // of an MPMC ring: cells
	if g.Kind != MPMC {
		unit = 3
	}
	return sampler{
		Sampling: s, on: true, unit: unit,
		words: mem.Of(body).Slice(g.latencyOffset(), stampsSize),
		below: math.MaxUint64 / g.SampleEvery,
	}
}

// place returns the offset of the stamp of a position, and its tag; and false if
// that is not sampled.
func (s *sampler) place(pos uint64) (off, tag uint64, ok bool) {
	pos >>= s.unit
	h := pos * 0x9E3779B97F4A7C15 // 2⁶⁴ by the golden ratio: neighbours come to lie far from each other
	return h >> 16 % stampCount * 8, pos << tagShift, h <= s.below
}

// sent stamps the message at a position, which is about to be committed.
func (s *sampler) sent(pos uint64) {
	if off, tag, ok := s.place(pos); ok {
		// The commit hands it over. It is one piece: of several producers
		// that use the word at the same time one wins.
		s.words.StoreRelease64(off, tag|s.Now()&timeMask)
	}
}

// received counts how long the message at a position took, if that is known.
func (s *sampler) received(pos uint64) {
	off, tag, ok := s.place(pos)
	if !ok {
		return
	}
	w := s.words.Load64(off)
	took := (s.Now() - w) & timeMask
	if w == 0 || w&^timeMask != tag || took > timeMask/2 {
		return // never stamped; another's; in the future
	}
	s.OneWay.Observe(took)
}

// Sample has the producer stamp messages, if the ring is a sampled one. Call it
// before anything is sent.
func (p *SPSCProducer) Sample(g Geometry, body []byte, s Sampling) { p.stamps = newSampler(g, body, s) }

// Sample has the consumer measure, if the ring is a sampled one. Call it before
// anything is received.
func (c *SPSCConsumer) Sample(g Geometry, body []byte, s Sampling) {
	if c.stamps = newSampler(g, body, s); c.stamps.on {
		c.plain = ^Header(0) // none
	}
}

// Sample has the producer stamp messages, the first of each batch, if the ring is
// a sampled one. Call it before anything is sent.
func (p *MPMCProducer) Sample(g Geometry, body []byte, s Sampling) { p.sample(g, body, s) }

// Sample has the consumer measure, if the ring is a sampled one. Call it before
// anything is received. What was given back by somebody else isn't counted.
func (c *MPMCConsumer) Sample(g Geometry, body []byte, s Sampling) { c.sample(g, body, s) }

// sample has due called for each claim, or each frame that is taken.
func (r *mpmc) sample(g Geometry, body []byte, s Sampling) {
	if r.stamps = newSampler(g, body, s); r.stamps.on && r.every != 0 {
		r.every, r.paced = 0, r.every
	}
}

// due stamps the claim at t, and reports whether the hint is to be stored.
func (p *MPMCProducer) due(t uint64) bool {
	if p.stamps.on {
		p.stamps.sent(t)
	}
	return p.pos-p.hinted >= p.paced
}

// due measures the frame that was taken at h, and reports whether the hint is to
// be stored.
func (c *MPMCConsumer) due(h uint64) bool {
	if c.stamps.on {
		c.stamps.received(h)
	}
	return c.head-c.hinted >= c.paced
}

// Sample has the publisher stamp messages, if the ring is a sampled one. Call it
// before anything is sent.
func (p *BroadcastPublisher) Sample(g Geometry, body []byte, s Sampling) {
	p.stamps = newSampler(g, body, s)
}

// Sample has the subscriber measure, if the ring is a sampled one. Call it before
// anything is received.
func (s *BroadcastSubscriber) Sample(g Geometry, body []byte, o Sampling) {
	s.stamps = newSampler(g, body, o)
	s.careful = s.careful || s.stamps.on
	s.turn()
}

// measure measures the message at pos, which is about to be handed out.
func (s *BroadcastSubscriber) measure() {
	if s.stamps.on {
		s.stamps.received(s.pos)
	}
}

// measureBatch measures the messages that stand one behind the other from start.
func (s *BroadcastSubscriber) measureBatch(start uint64, batch []Message) {
	po := uint64(HeaderSize)
	if s.flags&FlagChecksum != 0 {
		po += HeaderSize
	}
	for _, m := range batch {
		s.stamps.received(start)
		start += frameSize(po, uint64(len(m.Payload)))
	}
}

// Buckets of a histogram. Bucket 0 counts what took less than 64 ns, the last one
// what took 2³⁷ ns (two minutes) or more, and in between there are four to each
// power of two.
const (
	HistogramBuckets = 126

	firstPower = 6
	lastPower  = 37
)

// HistogramSize is what a histogram takes, in bytes. It is words of 64 bits: the
// sum in nanoseconds, the buckets, and one that is zero.
const HistogramSize = 1024

// Histogram counts durations. Its participant uses it from one goroutine at a
// time, and counts on where its predecessor stopped; others only load.
type Histogram struct{ words mem.Region }

// HistogramOf makes a histogram of HistogramSize bytes that start at a multiple
// of 8.
func HistogramOf(b []byte) Histogram { return Histogram{mem.Of(b).Slice(0, HistogramSize)} }

// bucketOf returns the bucket of a duration in nanoseconds.
func bucketOf(ns uint64) uint64 {
	power := uint64(bits.Len64(ns|1)) - 1
	switch {
	case power < firstPower:
		return 0
	case power >= lastPower:
		return HistogramBuckets - 1
	}
	return 1 + (power-firstPower)*4 + ns>>(power-2)&3
}

// BucketEnd returns the duration in nanoseconds that what is in bucket i was
// shorter than; of the last one it is the largest there is.
func BucketEnd(i int) uint64 {
	if i >= HistogramBuckets-1 {
		return math.MaxUint64
	}
	return (4 + uint64(i)%4) << (uint64(i)/4 + firstPower - 2)
}

// Observe counts a duration in nanoseconds. It neither allocates nor enters the
// kernel.
func (h Histogram) Observe(ns uint64) {
	// As in Counters.Add.
	h.add(0, ns)
	h.add(8*(1+bucketOf(ns)), 1)
}

func (h Histogram) add(off, n uint64) { h.words.StoreRelease64(off, h.words.Load64(off)+n) }

// Durations are what histograms have counted, at one moment.
type Durations struct {
	Sum     uint64 // nanoseconds
	Buckets [HistogramBuckets]uint64
}

// AddTo adds what the histogram has counted to d. Any process may ask.
func (h Histogram) AddTo(d *Durations) {
	d.Sum += h.words.Load64(0)
	for i := range d.Buckets {
		d.Buckets[i] += h.words.Load64(8 * (1 + uint64(i)))
	}
}

// Add adds what others have counted.
func (d *Durations) Add(o *Durations) {
	d.Sum += o.Sum
	for i, n := range o.Buckets {
		d.Buckets[i] += n
	}
}

// Count returns how many durations there are.
func (d *Durations) Count() (n uint64) {
	for _, b := range d.Buckets {
		n += b
	}
	return n
}

// Since returns what was counted since an earlier moment. Counts that have become
// smaller, which honest ones don't, count from 0.
func (d *Durations) Since(before *Durations) (since Durations) {
	less := func(a, b uint64) uint64 {
		if a < b {
			return a
		}
		return a - b
	}
	since.Sum = less(d.Sum, before.Sum)
	for i := range d.Buckets {
		since.Buckets[i] = less(d.Buckets[i], before.Buckets[i])
	}
	return since
}

// Quantile returns a duration in nanoseconds that the share q of all, from 0 to 1,
// did not exceed: the end of the bucket in which that is. It is 0 if there are
// none, and the largest number if it is in the last bucket.
func (d *Durations) Quantile(q float64) uint64 {
	n := d.Count()
	if n == 0 {
		return 0
	}
	rank := uint64(math.Ceil(q * float64(n)))
	seen := uint64(0)
	for i, b := range d.Buckets {
		if seen += b; seen >= max(rank, 1) {
			return BucketEnd(i)
		}
	}
	return math.MaxUint64
}
