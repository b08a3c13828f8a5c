package ring

import (
	"math"
	"math/rand/v2"
	"testing"
)

func newHistogram() Histogram { return HistogramOf(make([]byte, HistogramSize)) }

func TestABucketHoldsWhatIsShorterThanItsEndAndNotThanTheOneBefore(t *testing.T) {
	check := func(ns uint64) {
		t.Helper()
		i := int(bucketOf(ns))
		if i < 0 || i >= HistogramBuckets || ns >= BucketEnd(i) && ns != math.MaxUint64 || i > 0 && ns < BucketEnd(i-1) {
			t.Fatalf("%d ns is in bucket %d, which ends at %d", ns, i, BucketEnd(i))
		}
	}
	for ns := range uint64(1 << 16) {
		check(ns)
	}
	for i := range HistogramBuckets {
		check(BucketEnd(i) - 1)
		check(BucketEnd(i))
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		check(rnd.Uint64() >> rnd.IntN(64))
	}
	if BucketEnd(0) != 64 || BucketEnd(4) != 128 || BucketEnd(HistogramBuckets-2) != 1<<37 || BucketEnd(HistogramBuckets-1) != math.MaxUint64 {
		t.Error("the ends are not where they are said to be")
	}
}

func TestBucketsAreAtMostAQuarterWide(t *testing.T) {
	for i := 1; i < HistogramBuckets-1; i++ {
		if from, to := BucketEnd(i-1), BucketEnd(i); to <= from || to-from > from/4 {
			t.Errorf("bucket %d goes from %d to %d", i, from, to)
		}
	}
}

func TestAQuantileIsTheEndOfItsBucket(t *testing.T) {
	h := newHistogram()
	var none Durations
	if none.Quantile(0.5) != 0 {
		t.Error("of nothing")
	}
	for ns := range uint64(1000) {
		h.Observe(1000 * ns)
	}
	var d Durations
	h.AddTo(&d)
	for q, exact := range map[float64]uint64{0.5: 500_000, 0.99: 990_000, 1: 999_000, 0.001: 0} {
		if got := d.Quantile(q); got < exact || got > exact+exact/4+64 {
			t.Errorf("%v of all took up to %d, want %d", q, got, exact)
		}
	}
	h.Observe(1 << 60)
	h.AddTo(&d)
	if d.Quantile(1) != math.MaxUint64 {
		t.Error("what is longer than all buckets has an end")
	}
}

func TestWhatWasCountedSinceIsTheDifferenceUnlessSomebodyForgedIt(t *testing.T) {
	h := newHistogram()
	var before, after, odd Durations
	h.Observe(100)
	h.AddTo(&before)
	h.Observe(100)
	h.Observe(5000)
	h.AddTo(&after)
	d := after.Since(&before)
	if d.Count() != 2 || d.Sum != 5100 || d.Buckets[bucketOf(100)] != 1 {
		t.Errorf("%+v", d)
	}
	odd.Buckets[bucketOf(100)], odd.Sum = 1000, 1<<62
	if d := after.Since(&odd); d.Count() != 3 || d.Sum != after.Sum {
		t.Errorf("%+v", d)
	}
}

func TestHistogramsOfParticipantsStandApart(t *testing.T) {
	g := Geometry{Kind: SPSC, Capacity: 4096, SampleEvery: 10, Histograms: 2}
	body := make([]byte, g.BodySize())
	for slot := range 2 {
		oneWay, wakeUp, ok := Latencies(g, body, slot)
		if !ok {
			t.Fatal(slot)
		}
		for range HistogramBuckets {
			oneWay.Observe(math.MaxUint64)
			wakeUp.Observe(1)
		}
	}
	for slot := range 2 {
		var one, wake Durations
		oneWay, wakeUp, _ := Latencies(g, body, slot)
		oneWay.AddTo(&one)
		wakeUp.AddTo(&wake)
		if one.Buckets[HistogramBuckets-1] != HistogramBuckets || wake.Buckets[0] != HistogramBuckets || one.Count() != wake.Count() || wake.Sum != HistogramBuckets {
			t.Errorf("slot %d: %v, %v", slot, one, wake)
		}
	}
	for _, slot := range []int{-1, 2, math.MaxInt} {
		if _, _, ok := Latencies(g, body, slot); ok {
			t.Errorf("there is room for participant %d", slot)
		}
	}
	if _, _, ok := Latencies(Geometry{Kind: SPSC, Capacity: 4096}, body, 0); ok {
		t.Error("a ring that isn't sampled has histograms")
	}
}

func TestAGeometryThatIsSampledIsReadBackAndOnlyIfItCanBeTrue(t *testing.T) {
	for _, g := range []Geometry{{Kind: SPSC, Capacity: 4096}, cells16, lossy(), lossless()} {
		plain := g.BodySize()
		g.SampleEvery, g.Histograms = 1000, 100
		if g.BodySize() != plain+4096+100*2048 {
			t.Errorf("%v: %d bytes", g.Kind, g.BodySize())
		}
		if got, err := GeometryOf(g.Kind, g.Params(), g.BodySize()); err != nil || got != g {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := GeometryOf(g.Kind, g.Params(), g.BodySize()-1); err == nil {
			t.Error("a body that is too small was accepted")
		}
		for _, bad := range [][2]uint64{{0, 1}, {1, 0}, {1 << 32, 1}, {1, 4096}, {math.MaxUint64, math.MaxUint64}} {
			g.SampleEvery, g.Histograms = bad[0], bad[1]
			if _, err := GeometryOf(g.Kind, g.Params(), math.MaxUint64); err == nil {
				t.Errorf("%v: one of %d for %d was accepted", g.Kind, bad[0], bad[1])
			}
		}
	}
}
