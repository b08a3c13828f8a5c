package bench

import (
	"math"
	"testing"
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
		{1, 1, 1}, {2, 1, 2}, {7, 1, 7}, {8, 1, 8}, {10, 1, 10}, {11, 1, 11}, {12, 2, 11}, {20, 4, 17}, {25, 6, 20}, {40, 12, 29}, {100, 37, 64},
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

func TestABusyMachineIsNoted(t *testing.T) {
	for _, c := range []struct {
		loadavg string
		cores   int
		noted   bool
	}{{"12.99 13.1 12.9 4/300 12345", 2, true}, {"0.60 3.00 3.00 1/300 1", 2, false}, {"1.40 0 0 1/1 1", 2, false}, {"1.40 0 0 1/1 1", 1, true}, {"", 2, false}, {"x y", 2, false}} {
		if note := busyNote(c.loadavg, c.cores); (note != "") != c.noted {
			t.Errorf("%+v: %q", c, note)
		}
	}
}
