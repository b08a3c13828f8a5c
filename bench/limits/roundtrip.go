package limits

import (
	"fmt"
	"time"
)

// RTT is the raw round trip of a payload, measured by RoundTrip.
type RTT struct {
	Bytes, Lines int   // payload in bytes; cache lines with the flag, one way
	Spin, Pause  Stats // polling without a PAUSE instruction, and with one
}

// Best is the Stats with the lower median, which is the limit.
func (r RTT) Best() Stats {
	if r.BestPauses() {
		return r.Pause
	}
	return r.Spin
}

// BestPauses says whether the lower median came with PAUSE.
func (r RTT) BestPauses() bool { return r.Pause.P50 < r.Spin.P50 }

// String is the medians in one line.
func (r RTT) String() string {
	return fmt.Sprintf("%d B, %d lines: p50 %v spinning, %v with PAUSE", r.Bytes, r.Lines, r.Spin.P50, r.Pause.P50)
}

// ProbeTime is how long Probe measures.
const ProbeTime = 10 * time.Millisecond

// maxSamples bounds the memory of one kind of series in RoundTrip.
const maxSamples = 4 << 20

// RoundTrip measures the raw round trip of a payload of bytes for about d,
// without PAUSE and with PAUSE by turns of a millisecond or two, so that both see
// the same moods of the machine. The other process is in Pong, which ends when
// RoundTrip does. It ends earlier than d after some four million rounds of
// either kind. mem and timeout, errors and panics are those of Ping.
func RoundTrip(mem []byte, bytes int, d, timeout time.Duration) (RTT, error) {
	l := newLink(mem, bytes, false, timeout)
	warm := Now()
	const warmUp = 512
	for _, pause := range []bool{false, true} {
		if _, err := l.ping(warmUp, pause); err != nil {
			return RTT{}, err
		}
	}
	perRound := max(float64(Now()-warm)/(2*warmUp), 1)
	turn := min(max(d/8, 100*time.Microsecond), 2*time.Millisecond)
	rounds := max(int(float64(turn)/perRound), 64)

	var ticks [2][]uint32 // by pause
	for stop := Now() + int64(d); len(ticks[0]) == 0 || Now() < stop && len(ticks[0]) < maxSamples; {
		for i := range ticks {
			t, err := l.ping(rounds, i == 1)
			if err != nil {
				return RTT{}, err
			}
			ticks[i] = append(ticks[i], t...)
		}
	}
	if err := l.end(); err != nil {
		return RTT{}, err
	}
	clock := Calibrate()
	stats := func(t []uint32) Stats { return summarize(t, clock.TicksPerNs, clock.StepNs) }
	return RTT{Bytes: bytes, Lines: Lines(bytes), Spin: stats(ticks[0]), Pause: stats(ticks[1])}, nil
}

// Probe returns the median raw round trip of MinBytes, the better of with and
// without PAUSE, after ProbeTime of measuring: the regime the machine is in. The
// other process is in Pong with MinBytes. Errors and panics are those of Ping.
func Probe(mem []byte, timeout time.Duration) (time.Duration, error) {
	r, err := RoundTrip(mem, MinBytes, ProbeTime, timeout)
	return r.Best().P50, err
}
