package limits

import (
	"fmt"
	"time"
)

// RTT is the raw round trip of a payload, measured by RoundTrip.
type RTT struct {
	Bytes, Lines int   // payload in bytes; cache lines with the flag, one way
	Spin         Stats // polling without a PAUSE instruction
	Pause        Stats // polling with a PAUSE between two polls
	Held         Stats // like Pause, but leaving the line alone for HoldCycles first
	HoldCycles   int   // the best of those that were tried, in processor cycles
}

// Best is the Stats with the lowest median, which is the limit.
func (r RTT) Best() Stats {
	best := r.Spin
	for _, s := range []Stats{r.Pause, r.Held} {
		if s.N > 0 && s.P50 < best.P50 {
			best = s
		}
	}
	return best
}

// String is the medians in one line.
func (r RTT) String() string {
	return fmt.Sprintf("%d B, %d lines: p50 %v spinning, %v with PAUSE, %v held for %d cycles",
		r.Bytes, r.Lines, r.Spin.P50, r.Pause.P50, r.Held.P50, r.HoldCycles)
}

// ProbeTime is how long Probe measures.
const ProbeTime = 10 * time.Millisecond

// maxSamples bounds the memory of one kind of series in RoundTrip.
const maxSamples = 2 << 20

// holds are the waits that are tried, in cycles: 10 to 150 ns. The best is
// somewhat less than it takes the peer to get the line and give one back.
var holds = []int{30, 50, 80, 100, 110, 120, 130, 150, 180, 220, 280, 360, 480}

// RoundTrip measures the raw round trip of a payload of bytes for about d,
// polling in three ways by turns of a millisecond or two, so that each sees
// the same moods of the machine. The other process is in Pong, which ends when
// RoundTrip does. It ends earlier than d after some two million rounds of
// each kind. mem and timeout, errors and panics are those of Ping.
func RoundTrip(mem []byte, bytes int, d, timeout time.Duration) (RTT, error) {
	l := newLink(mem, bytes, false, timeout)
	hold, fastest := 0, time.Duration(0)
	for _, h := range holds {
		t, err := l.ping(512, pace{true, h})
		if err != nil {
			return RTT{}, err
		}
		if p50 := stats(t).P50; fastest == 0 || p50 < fastest {
			hold, fastest = h, p50
		}
	}
	s, err := l.series(d, pace{}, pace{pause: true}, pace{true, hold})
	if err != nil {
		return RTT{}, err
	}
	return RTT{bytes, Lines(bytes), s[0], s[1], s[2], hold}, nil
}

// series measures with several paces by turns and ends the ponger's call.
func (l *link) series(d time.Duration, paces ...pace) ([]Stats, error) {
	const warmUp = 512
	start := Now()
	for _, p := range paces {
		if _, err := l.ping(warmUp, p); err != nil {
			return nil, err
		}
	}
	perRound := max(float64(Now()-start)/float64(warmUp*len(paces)), 1)
	turn := min(max(d/time.Duration(4*len(paces)), 100*time.Microsecond), 2*time.Millisecond)
	rounds := max(int(float64(turn)/perRound), 64)

	ticks := make([][]uint32, len(paces))
	for stop := Now() + int64(d); len(ticks[0]) == 0 || Now() < stop && len(ticks[0]) < maxSamples; {
		for i, p := range paces {
			t, err := l.ping(rounds, p)
			if err != nil {
				return nil, err
			}
			ticks[i] = append(ticks[i], t...)
		}
	}
	if err := l.end(); err != nil {
		return nil, err
	}
	all := make([]Stats, len(paces))
	for i, t := range ticks {
		all[i] = stats(t)
	}
	return all, nil
}

// stats sums up ticks of the clock.
func stats(ticks []uint32) Stats {
	clock := Calibrate()
	return summarize(ticks, clock.TicksPerNs, clock.StepNs)
}

// Probe returns the median raw round trip of MinBytes, the better of with and
// without PAUSE, after ProbeTime of measuring: the regime the machine is in. The
// other process is in Pong with MinBytes. Errors and panics are those of Ping.
func Probe(mem []byte, timeout time.Duration) (time.Duration, error) {
	s, err := newLink(mem, MinBytes, false, timeout).series(ProbeTime, pace{}, pace{pause: true})
	if err != nil {
		return 0, err
	}
	return min(s[0].P50, s[1].P50), nil
}
