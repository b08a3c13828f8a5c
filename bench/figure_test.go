package bench

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestTheMediansIntervalIsAsWideAsTheCoinsDemand(t *testing.T) {
	upTo := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = float64(i + 1)
		}
		return v
	}
	for _, c := range []struct {
		n         int
		low, high float64
	}{
		// From tables of the sign test, two-sided 1 %.
		{1, 1, 1}, {2, 1, 2}, {7, 1, 7}, {8, 1, 8}, {10, 1, 10}, {11, 1, 11}, {12, 2, 11}, {20, 4, 17}, {25, 6, 20}, {40, 12, 29}, {100, 37, 64}, {5000, 2409, 2592},
	} {
		if low, high := intervalOf(upTo(c.n)); low != c.low || high != c.high {
			t.Errorf("%d: %g to %g, want %g to %g", c.n, low, high, c.low, c.high)
		}
	}
}

func TestTheSpreadIsTheDistanceOfTheQuartiles(t *testing.T) {
	for _, c := range []struct {
		v    []float64
		want float64
	}{{[]float64{5}, 0}, {[]float64{1, 2, 3}, 1}, {[]float64{1, 9, 10, 11, 1000}, 0.2}, {[]float64{0, 0}, 0}} {
		if got := spreadOf(c.v); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v: %g, want %g", c.v, got, c.want)
		}
	}
}

func TestABusyMachineIsNotedByWhatOthersTookOfIt(t *testing.T) {
	const self = "7 (shm) bench) R 1 7 7 0 -1 4194304 1 2 3 4 %s 20 0 1 0 0"
	at := func(stat, ours string) taken {
		t.Helper()
		got, ok := takenSoFar(stat, strings.Replace(self, "%s", ours, 1))
		if !ok {
			t.Fatalf("%q, %q: nothing", stat, ours)
		}
		return got
	}
	before := at("cpu  1000 10 90 99999 5 6 7 8 0 0\ncpu0 1 1 1 1\n", "10 20 30 40")
	if before != (taken{1100, 100}) {
		t.Fatalf("%+v", before)
	}
	for _, c := range []struct {
		stat, ours string
		noted      bool
	}{
		{"cpu 3000 10 90 0", "10 20 1030 1040", false}, // all of it was ours
		{"cpu 3000 10 90 0", "10 20 1030 740", false},  // 3 of 20 seconds were others'
		{"cpu 2500 510 90 0", "10 20 1030 440", true},  // 6 of them
		{"cpu 1000 10 90 0", "10 20 1030 1040", false}, // counted later than ours
	} {
		if note := busyNote(before, at(c.stat, c.ours), 10*time.Second, 2); (note != "") != c.noted {
			t.Errorf("%q, %q: %q", c.stat, c.ours, note)
		}
	}
	for _, bad := range []string{"", "cpu", "intr 1 2 3 4 5"} {
		if got, ok := takenSoFar(bad, self); ok {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}
