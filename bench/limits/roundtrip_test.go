package limits

import (
	"errors"
	"testing"
	"time"
)

func TestRoundTripMeasuresBothWaysOfPollingBetweenTwoProcesses(t *testing.T) {
	p := startPonger(t, 32, 0, -1)
	r, err := RoundTrip(p.mem, 32, 5*time.Millisecond, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil {
		t.Fatal(err)
	}
	for _, s := range []Stats{r.Spin, r.Pause, r.Held} {
		if s.N < 64 || s.Min > s.P50 || s.P50 <= 0 || s.P50 > s.P99 || s.P99 > s.P999 || s.P999 > s.P9999 || s.Mean <= 0 {
			t.Errorf("%+v", s)
		}
	}
	if best := r.Best(); best.P50 != min(r.Spin.P50, r.Pause.P50, r.Held.P50) || r.Bytes != 32 || r.Lines != 1 {
		t.Errorf("%+v of %+v", best, r)
	}
	t.Log(r)
}

func TestProbeIsAnsweredByPongOfTheLeastPayload(t *testing.T) {
	p := startPonger(t, MinBytes, 0, -1)
	rtt, err := Probe(p.mem, 0)
	if err != nil || rtt <= 0 {
		t.Fatal(rtt, err)
	}
	if err := p.wait(); err != nil {
		t.Fatal(err)
	}
}

func TestSameRegimeAllowsAFifthEitherWay(t *testing.T) {
	for _, c := range []struct {
		before, after time.Duration
		same          bool
	}{
		{100, 100, true}, {100, 120, true}, {120, 100, true}, {100, 121, false}, {121, 100, false},
		{90, 250, false}, {250, 90, false}, {45, 90, false}, {0, 0, false}, {0, 100, false}, {-100, -100, false},
	} {
		if got := SameRegime(c.before, c.after); got != c.same {
			t.Errorf("%v then %v: %v", c.before, c.after, got)
		}
		if got := (Regime{c.before, c.after}).Same(); got != c.same {
			t.Errorf("Regime %v then %v: %v", c.before, c.after, got)
		}
	}
	if got := (Regime{90, 100}).RTT(); got != 95 {
		t.Errorf("mean %v", got)
	}
}

func TestABracketCountsWhatItKeepsAndWhatItDiscards(t *testing.T) {
	probes := []time.Duration{100, 110, 100, 250, 240, 250}
	failed := errors.New("failed")
	b := Bracket{Probe: func() (time.Duration, error) {
		if len(probes) == 0 {
			return 0, failed
		}
		p := probes[0]
		probes = probes[1:]
		return p, nil
	}}
	ran := 0
	for _, want := range []bool{true, false, true} {
		r, kept, err := b.Run(func() error { ran++; return nil })
		if err != nil || kept != want || r.Same() != want {
			t.Errorf("%+v kept %v, %v", r, kept, err)
		}
	}
	if _, _, err := b.Run(func() error { ran++; return nil }); err != failed {
		t.Errorf("a failed probe gave %v", err)
	}
	probes = []time.Duration{100, 100}
	broken := errors.New("broken")
	if _, _, err := b.Run(func() error { return broken }); err != broken {
		t.Errorf("a failed measurement gave %v", err)
	}
	if ran != 3 || b.Kept != 2 || b.Discarded != 1 {
		t.Errorf("ran %d, kept %d, discarded %d", ran, b.Kept, b.Discarded)
	}
}
