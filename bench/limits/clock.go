package limits

import (
	"sync"
	"time"
)

// Clock turns readings of the fastest clock of this machine into nanoseconds.
type Clock struct {
	// TSC says whether readings are the processor's time stamp counter. When
	// false, they are those of Now, in nanoseconds.
	TSC bool

	// TicksPerNs is the speed of the clock, ticks per nanosecond.
	TicksPerNs float64

	// StepNs is the most common advance of the clock from one reading to the
	// next that differs, in nanoseconds: its resolution, or the time a reading
	// takes when that is longer. Zen processors step their counter at 100 MHz,
	// so that differences are multiples of 10 ns however many ticks a second it
	// counts.
	StepNs float64
}

// Calibrate returns the clock of this machine. The first call measures it,
// for about 20 ms; later ones answer at once.
var Calibrate = sync.OnceValue(calibrate)

// Now reads the clock, in ticks. Only differences mean anything.
func (c Clock) Now() uint64 {
	if c.TSC {
		return readTSC()
	}
	return uint64(Now())
}

// Shared reads a clock that all processes of this machine read alike, in ticks
// of TicksPerNs: the time stamp counter, the performance counter of Windows, or
// failing both the time of day, which somebody may set. A difference between two
// processes means something; on a machine whose processors' counters are not
// quite equal it can be a little less than 0.
func (c Clock) Shared() uint64 {
	if c.TSC {
		return readTSC()
	}
	return uint64(sharedNow())
}

// Ns turns ticks into nanoseconds, rounded to the nearest.
func (c Clock) Ns(ticks uint64) int64 { return int64(float64(ticks)/c.TicksPerNs + 0.5) }

// Now is the monotonic clock in nanoseconds since some moment before the
// program's start: QueryPerformanceCounter on Windows, where time.Now can be
// coarse, time.Since elsewhere.
func Now() int64 { return monotonic() }

func calibrate() Clock {
	c := Clock{TicksPerNs: 1}
	if invariantTSC() {
		t0, ns0 := simultaneous()
		time.Sleep(20 * time.Millisecond)
		t1, ns1 := simultaneous()
		if t1 > t0 && ns1 > ns0 {
			c.TSC, c.TicksPerNs = true, float64(t1-t0)/float64(ns1-ns0)
		}
	}
	c.StepNs = float64(commonStep(c.Now)) / c.TicksPerNs
	return c
}

// commonStep is the most common difference between two successive readings
// that differ. It takes a thousand readings, or goes on until the clock has
// moved three times.
func commonStep(read func() uint64) (step uint64) {
	seen := make(map[uint64]int)
	prev := read()
	for i, moved := 0, 0; i < 1000 || moved < 3; i++ {
		now := read()
		if now <= prev { // a clock may go back when a thread changes processors
			prev = now
			continue
		}
		moved++
		d := now - prev
		if seen[d]++; seen[d] > seen[step] || seen[d] == seen[step] && d < step {
			step = d
		}
		prev = read()
	}
	return step
}

// simultaneous reads the counter and the clock as close together as 100 tries
// get.
func simultaneous() (ticks uint64, ns int64) {
	best := ^uint64(0)
	for range 100 {
		before := readTSC()
		now := Now()
		after := readTSC()
		if d := after - before; d < best {
			best, ticks, ns = d, before+d/2, now
		}
	}
	return ticks, ns
}
