package ring

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// timedRing is a ring of some kind in which messages are timed, by a clock that
// the test turns.
type timedRing struct {
	g       Geometry
	body    []byte
	now     uint64
	send    func(msgs ...[]byte) error // several as a batch
	receive func() error               // and release
	attach  func(samples bool)         // new handles, or the first
}

func (r *timedRing) sampling(slot int) Sampling {
	oneWay, _, _ := Latencies(r.g, r.body, slot)
	return Sampling{Now: func() uint64 { return r.now }, OneWay: oneWay}
}

// counted returns what the receiver has counted.
func (r *timedRing) counted() (d Durations) {
	oneWay, _, _ := Latencies(r.g, r.body, 1)
	oneWay.AddTo(&d)
	return d
}

// eachTimed runs test for a ring of each kind, in which one of n messages is
// timed.
func eachTimed(t *testing.T, n uint64, test func(t *testing.T, r *timedRing)) {
	for _, g := range []Geometry{{Kind: SPSC, Capacity: 4096}, {Kind: SPSC, Capacity: 4096, Checksum: true},
		{Kind: MPMC, Capacity: 4096, CellSize: 16}, {Kind: MPMC, Capacity: 4096, CellSize: 64, Checksum: true}, lossy(), lossless()} {
		g.SampleEvery, g.Histograms = n, 3
		t.Run(g.Kind.String(), func(t *testing.T) { test(t, newTimed(t, g)) })
	}
}

func newTimed(t *testing.T, g Geometry) *timedRing {
	r := &timedRing{g: g, now: 1<<tagShift - 1e6} // a stamp's time is about to wrap
	switch g.Kind {
	case SPSC:
		s := newRing(t, g, StartPosition)
		s.hostile = true // its checker knows nothing of what is behind the data
		r.body = s.body
		r.attach = func(samples bool) {
			if s.attach(); samples {
				s.p.Sample(g, s.body, r.sampling(0))
				s.c.Sample(g, s.body, r.sampling(1))
			}
		}
		r.send = func(msgs ...[]byte) error { return sendWith(s.p, msgs) }
		r.receive = func() error {
			_, err := s.c.Next()
			if s.c.Release() || err == ErrEmpty {
				s.c.Publish()
			}
			return err
		}
	case MPMC:
		s := newMPMCRing(t, g, StartCell, 3, MPMCOptions{})
		r.body = s.body
		r.attach = func(samples bool) {
			s.handles(0)
			if s.handles(1); samples {
				s.p[0].Sample(g, s.body, r.sampling(0))
				s.c[1].Sample(g, s.body, r.sampling(1))
			}
		}
		r.send = func(msgs ...[]byte) error { return sendWith(s.p[0], msgs) }
		r.receive = func() error {
			_, err := s.c[1].Next()
			s.c[1].Release()
			return err
		}
	case Broadcast:
		s := newCast(t, g, StartPosition, StartSequence)
		var sub *BroadcastSubscriber
		r.body = s.body
		r.attach = func(samples bool) {
			s.restart()
			o := BroadcastOptions{Start: AtSequence, Sequence: s.p.Sequence()}
			if g.Gates > 0 {
				o.Gated, o.Incarnation = true, 1
			}
			var err error
			if sub, err = NewBroadcastSubscriber(g, s.body, o); err != nil {
				t.Fatal(err)
			}
			if samples {
				s.p.Sample(g, s.body, r.sampling(0))
				sub.Sample(g, s.body, r.sampling(1))
			}
		}
		r.send = func(msgs ...[]byte) error { return sendWith(s.p, msgs) }
		r.receive = func() error {
			_, err := sub.Next()
			if sub.Due() || err == ErrEmpty {
				sub.Publish()
			}
			return err
		}
	}
	r.attach(true)
	return r
}

func sendWith(p interface {
	TrySend(typ uint16, b []byte) error
	TrySendBatch(typ uint16, msgs [][]byte) (int, error)
}, msgs [][]byte) error {
	if len(msgs) == 1 {
		return p.TrySend(7, msgs[0])
	}
	n, err := p.TrySendBatch(7, msgs)
	if n > 0 && n < len(msgs) {
		return errors.New("only a part of the batch was sent")
	}
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEachMessageIsTimedFromBeingSentToBeingHandedOut(t *testing.T) {
	eachTimed(t, 1, func(t *testing.T, r *timedRing) {
		var want Durations
		for i := range uint64(1000) {
			must(t, r.send(payload(0, int(i*7%90))))
			took := i * i * 1000
			want.Sum += took
			want.Buckets[bucketOf(took)]++
			r.now += took
			must(t, r.receive())
			r.now += 12345
		}
		if got := r.counted(); got != want {
			t.Errorf("counted %v, want %v", got, want)
		}
		if d := r.counted(); d.Count() != 1000 {
			t.Errorf("%d durations", d.Count())
		}
	})
}

func TestMessagesThatWaitInTheRingAreTimedEachFromItsOwnSending(t *testing.T) {
	eachTimed(t, 1, func(t *testing.T, r *timedRing) {
		for range 50 {
			sent := uint64(0)
			for range 20 {
				must(t, r.send(payload(0, 20)))
				r.now += 1 << 20
				sent++
			}
			for range sent {
				must(t, r.receive())
			}
		}
		d := r.counted()
		if sum := uint64(50 * (1 + 20) * 20 / 2 << 20); d.Sum != sum || d.Count() != 1000 {
			t.Errorf("%d took %d ns together, want 1000 and %d", d.Count(), d.Sum, sum)
		}
	})
}

func TestOfABatchAtLeastTheFirstMessageIsTimed(t *testing.T) {
	eachTimed(t, 1, func(t *testing.T, r *timedRing) {
		for range 300 {
			must(t, r.send(payload(0, 8), payload(0, 30), payload(0, 8)))
			r.now += 100
			for range 3 {
				must(t, r.receive())
			}
		}
		// Where the ring ends a batch may begin with padding.
		if d := r.counted(); d.Count() < 270 || d.Count() > 900 || d.Sum != 100*d.Count() {
			t.Errorf("%d took %d ns together", d.Count(), d.Sum)
		}
	})
}

func TestAboutOneOfSoManyMessagesIsTimedWhateverTheirSize(t *testing.T) {
	for _, size := range []int{0, 8, 24, 56, 100, 1000} {
		eachTimed(t, 50, func(t *testing.T, r *timedRing) {
			n := some(50_000)
			for range n {
				must(t, r.send(payload(0, size)))
				must(t, r.receive())
			}
			if d := r.counted(); d.Count() < uint64(n/50/2) || d.Count() > uint64(n/50*2) {
				t.Errorf("%d of %d messages of %d bytes", d.Count(), n, size)
			}
		})
	}
}

func TestWithoutSamplingNothingIsStampedOrCounted(t *testing.T) {
	eachTimed(t, 1, func(t *testing.T, r *timedRing) {
		r.attach(false)
		for range 1000 {
			must(t, r.send(payload(0, 40)))
			must(t, r.receive())
		}
		for i, b := range r.body[r.g.latencyOffset():] {
			if b != 0 {
				t.Fatalf("byte %d behind the data is %#x", i, b)
			}
		}
	})
}

func TestTheSuccessorOfAReceiverCountsOn(t *testing.T) {
	eachTimed(t, 1, func(t *testing.T, r *timedRing) {
		for range 3 {
			for range 10 {
				must(t, r.send(payload(0, 40)))
				r.now += 1000
				must(t, r.receive())
			}
			_ = r.receive() // announces what was received
			r.attach(true)
		}
		if d := r.counted(); d.Count() != 30 || d.Sum != 30_000 {
			t.Errorf("%d took %d ns together", d.Count(), d.Sum)
		}
	})
}

func TestStampsThatCantBeTrueAreNotCounted(t *testing.T) {
	eachTimed(t, 1, func(t *testing.T, r *timedRing) {
		stamps := mem.Of(r.body).Slice(r.g.latencyOffset(), stampsSize)
		for name, forge := range map[string]func(w uint64) uint64{
			"none":               func(uint64) uint64 { return 0 },
			"of the future":      func(w uint64) uint64 { return w&^timeMask | (r.now+1)&timeMask },
			"of the far future":  func(w uint64) uint64 { return w&^timeMask | (r.now+timeMask/2)&timeMask },
			"of another message": func(w uint64) uint64 { return w ^ 1<<tagShift },
		} {
			r.now = 1e9
			for range 200 { // past a position whose tag is zero
				must(t, r.send(payload(0, 40)))
				for off := uint64(0); off < stampsSize; off += 8 {
					stamps.StoreRelease64(off, forge(stamps.Load64(off)))
				}
				must(t, r.receive())
			}
			if d := r.counted(); d != (Durations{}) {
				t.Errorf("stamps %s: %d counted", name, d.Count())
			}
		}
	})
}

func TestNonsenseInStampsAndHistogramsHarmsNoMessage(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	eachTimed(t, 1, func(t *testing.T, r *timedRing) {
		for range 1000 {
			must(t, r.send(payload(0, 40)))
			for range 100 {
				r.body[r.g.latencyOffset()+rnd.Uint64N(r.g.latencySize())] = byte(rnd.Uint32())
			}
			must(t, r.receive())
		}
		d := r.counted()
		for _, q := range []float64{-1, 0, 0.5, 1, 2, math.NaN()} {
			d.Quantile(q)
		}
		d.Since(&Durations{Sum: 1 << 63})
	})
}

func TestTimingAllocatesNothing(t *testing.T) {
	if mem.Hooked {
		t.Skip("a hook's description of the access is on the heap")
	}
	eachTimed(t, 1, func(t *testing.T, r *timedRing) {
		msgs := [][]byte{payload(0, 40)}
		if n := testing.AllocsPerRun(1000, func() {
			if r.send(msgs...) != nil || r.receive() != nil {
				t.Fatal("not sent or not received")
			}
		}); n != 0 {
			t.Errorf("%v allocations a message", n)
		}
	})
}

func TestMessagesReceivedInABatchAreTimedEachFromItsOwnSending(t *testing.T) {
	for _, sum := range []bool{false, true} {
		g := lossy()
		g.SampleEvery, g.Histograms, g.Checksum = 1, 3, sum
		s := newCast(t, g, StartPosition, StartSequence)
		r := &timedRing{g: g, body: s.body, now: 1e9}
		sub := s.subscribe(BroadcastOptions{})
		s.p.Sample(g, s.body, r.sampling(0))
		sub.Sample(g, s.body, r.sampling(1))
		into := make([]Message, 5)
		for range 100 {
			for i := range into {
				must(t, s.p.TrySend(0, payload(0, 10*i)))
				r.now += 1000
			}
			for got := 0; got < len(into); {
				if n, _ := sub.NextBatch(into[got:]); n > 0 {
					got += n
				} else if _, err := sub.Next(); err == nil { // over the ring's end
					got++
				} else {
					t.Fatal(err)
				}
			}
		}
		if d := r.counted(); d.Count() != 500 || d.Sum != 100*15_000 {
			t.Errorf("checksums %t: %d took %d ns together", sum, d.Count(), d.Sum)
		}
	}
}

func TestWhatWasGivenBackIsNotTimedAgain(t *testing.T) {
	g := cells16
	g.SampleEvery, g.Histograms = 1, 3
	r := newMPMCRing(t, g, StartCell, 3, MPMCOptions{})
	now := uint64(1e9)
	for i := range r.c {
		oneWay, _, _ := Latencies(g, r.body, i)
		o := Sampling{Now: func() uint64 { return now }, OneWay: oneWay}
		r.p[i].Sample(g, r.body, o)
		r.c[i].Sample(g, r.body, o)
	}
	must(t, r.p[0].TrySend(0, payload(0, 40)))
	_, err := r.c[1].Next()
	must(t, err)
	r.die(1)
	r.sweep(1)
	if m, err := r.c[2].Next(); err != nil || !m.Redelivered {
		t.Fatal(m, err)
	}
	for slot, want := range []uint64{0, 1, 0} {
		oneWay, _, _ := Latencies(g, r.body, slot)
		var d Durations
		if oneWay.AddTo(&d); d.Count() != want {
			t.Errorf("participant %d counted %d, want %d", slot, d.Count(), want)
		}
	}
}

func TestHintsOfASampledRingAreStoredNowAndThenAsInOthers(t *testing.T) {
	for _, every := range []uint64{0, 1} {
		g := Geometry{Kind: MPMC, Capacity: 4096, CellSize: 16, SampleEvery: every, Histograms: every}
		r := newMPMCRing(t, g, StartCell, 2, MPMCOptions{})
		o := Sampling{Now: func() uint64 { return 1 }, OneWay: newHistogram()}
		r.p[0].Sample(g, r.body, o)
		r.c[1].Sample(g, r.body, o)
		var tails, heads []uint64
		for range 100 {
			must(t, r.p[0].TrySend(0, payload(0, 8)))
			_, err := r.c[1].Next()
			must(t, err)
			r.c[1].Release()
			tails, heads = append(tails, r.word(offTail)), append(heads, r.word(offHead))
		}
		for what, hints := range map[string][]uint64{"T": tails, "H": heads} {
			if n := len(slices.Compact(hints)); n != 4 { // one in an eighth of 256 cells, and where it began
				t.Errorf("sampled %d: %s had %d values", every, what, n)
			}
		}
	}
}

func TestMessagesBehindAStalledClaimAreTimed(t *testing.T) {
	g := cells16
	g.SampleEvery, g.Histograms = 1, 3
	r := newMPMCRing(t, g, StartCell, 3, MPMCOptions{SkipStalled: true})
	oneWay, _, _ := Latencies(g, r.body, 2)
	now := uint64(1e9)
	o := Sampling{Now: func() uint64 { return now }, OneWay: oneWay}
	r.p[1].Sample(g, r.body, o)
	r.c[2].Sample(g, r.body, o)
	_, err := r.p[0].Claim(10)
	must(t, err)
	must(t, r.p[1].TrySend(0, payload(0, 40)))
	now += 700
	_, err = r.c[2].Next()
	must(t, err)
	var d Durations
	if oneWay.AddTo(&d); d.Count() != 1 || d.Sum != 700 {
		t.Errorf("%d counted, %d ns", d.Count(), d.Sum)
	}
}
