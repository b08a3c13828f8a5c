package limits

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestTheMedianOfASteppingClockIsWithinOneNanosecondOfTheTime(t *testing.T) {
	const step = 10
	r := rand.New(rand.NewPCG(1, 2))
	for want := int64(80); want <= 120; want++ {
		samples := make([]int64, 20000)
		for i := range samples {
			start := r.Float64() * 1000 // any phase
			samples[i] = int64(math.Floor((start+float64(want))/step)-math.Floor(start/step)) * step
		}
		got := summarize(samples, 1, step)
		if d := int64(got.P50) - want; d < -1 || d > 1 {
			t.Errorf("%d ns: median %v", want, got.P50)
		}
	}
}

func TestSummarizeOfAFineClockGivesThePlainPercentiles(t *testing.T) {
	samples := make([]int64, 0, 10000)
	for i := range int64(10000) {
		samples = append(samples, 1000+(i*7919)%10000) // 1000..10999, shuffled
	}
	got := summarize(samples, 1, 8)
	want := Stats{N: 10000, Min: 1000, P50: 6000, P90: 10000, P99: 10900, P999: 10990, P9999: 10999, Max: 10999, Mean: 6000}
	for name, pair := range map[string][2]time.Duration{
		"p50": {got.P50, want.P50}, "p90": {got.P90, want.P90}, "p99": {got.P99, want.P99}, "p99.9": {got.P999, want.P999},
		"p99.99": {got.P9999, want.P9999}, "mean": {got.Mean, want.Mean},
	} {
		if off := math.Abs(float64(pair[0]-pair[1])) / float64(pair[1]); off > 0.0015 { // three digits
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
	if got.N != want.N || got.Min != want.Min || got.Max != want.Max {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestSummarizeTurnsTicksIntoNanoseconds(t *testing.T) {
	got := summarize([]uint32{260, 520, 260}, 2.6, 10)
	if got.Min != 100 || got.Max != 200 || got.Mean != 133 || got.N != 3 {
		t.Errorf("%+v", got)
	}
}

func TestSummarizeOfFewOrEqualTimesIsThatTime(t *testing.T) {
	if got := Summarize(nil); got != (Stats{}) {
		t.Errorf("no times: %+v", got)
	}
	for _, n := range []int{1, 2, 1000} {
		samples := make([]int64, n)
		for i := range samples {
			samples[i] = 90
		}
		got := Summarize(samples)
		if got.Min != 90 || got.Max != 90 || got.Mean != 90 || got.P50 != 90 {
			t.Errorf("%d times 90: %+v", n, got)
		}
	}
}

func TestTheStepOfAClockIsItsMostCommonAdvance(t *testing.T) {
	n, odd := uint64(0), uint64(0)
	step := commonStep(func() uint64 { // 26 every second reading, once in a while something else
		if n++; n%97 == 0 {
			odd++
		}
		return n/2*26 + odd
	})
	if step != 26 {
		t.Errorf("%d", step)
	}
}

func TestTheClockRunsForwardAtTheSpeedOfTheMonotonicClock(t *testing.T) {
	c := Calibrate()
	t.Logf("%+v", c)
	if c.TicksPerNs <= 0 || c.StepNs <= 0 {
		t.Fatalf("%+v", c)
	}
	// look reads the three clocks, all at the same time: if the machine stood still
	// in between, it looks again.
	look := func() (ticks uint64, ns int64, wall time.Time) {
		for {
			before := Now()
			ticks, wall = c.Now(), time.Now()
			if ns = Now(); ns-before < 1e6 {
				return ticks, ns, wall
			}
		}
	}
	t0, ns0, wall0 := look()
	time.Sleep(50 * time.Millisecond)
	t1, ns1, wall1 := look()
	ticks, ns, real := c.Ns(t1-t0), ns1-ns0, int64(wall1.Sub(wall0))
	// Not a measurement: whatever the machine does, these can't be far apart.
	if ns < 40e6 || ticks < ns/2 || ticks > ns*2 || real < ns/2 || real > ns*2 {
		t.Errorf("50 ms are %d ns by the counter, %d by Now and %d by time.Now", ticks, ns, real)
	}
	if got := (Clock{TicksPerNs: 2.6}).Ns(260); got != 100 {
		t.Errorf("260 ticks are %d ns", got)
	}
}

func TestAHistogramIsTheSameAfterAJourneyThroughJSON(t *testing.T) {
	h := NewHistogram(10)
	for i := range 100_000 {
		h.Record(float64(50 + i%977))
	}
	h.RecordN(3_000_000, 40)
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var back Histogram
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	a, b := h.Stats(), back.Stats()
	if a.N != b.N || a.P50 != b.P50 || a.P90 != b.P90 || a.P99 != b.P99 || a.P999 != b.P999 {
		t.Errorf("%+v became %+v", a, b)
	}
	for _, bad := range []string{`"HIST"`, `"AAAA"`, `3`, `""`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s is a histogram", bad)
		}
	}
}

func TestRecordingATimeManyTimesIsRecordingItOftenAtOnce(t *testing.T) {
	one, many := NewHistogram(10), NewHistogram(10)
	for range 1000 {
		one.Record(94)
	}
	many.RecordN(94, 1000)
	if a, b := one.Stats(), many.Stats(); a != b {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestTheCurveOfPercentilesRisesToTheSlowest(t *testing.T) {
	h := NewHistogram(0)
	for i := range 10_000 {
		h.Record(float64(i))
	}
	curve := h.Curve()
	if len(curve) < 20 || curve[len(curve)-1].Quantile != 1 || curve[len(curve)-1].Ns != 9999 {
		t.Fatalf("%v", curve)
	}
	for i, p := range curve[1:] {
		if p.Quantile < curve[i].Quantile || p.Ns < curve[i].Ns {
			t.Errorf("%v after %v", p, curve[i])
		}
	}
	if NewHistogram(0).Curve() != nil {
		t.Error("the curve of nothing")
	}
}

func TestTimesOutsideTheHistogramCountAsItsBounds(t *testing.T) {
	h := NewHistogram(10)
	h.Record(-5)
	h.Record(1e15)
	if s := h.Stats(); s.N != 2 || s.Min != 0 || s.Max != 100*time.Second {
		t.Errorf("%+v", s)
	}
}
