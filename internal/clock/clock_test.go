package clock_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway/internal/clock"
	"github.com/ringway/ringway/internal/proctest"
)

func TestMain(m *testing.M) {
	proctest.Main(m, proctest.Children{"read": func([]string) {
		fmt.Println("now", clock.Now())
		proctest.Pause()
	}})
}

func TestAnotherProcessReadsTheSameClock(t *testing.T) {
	before := clock.Now()
	child := proctest.Run(t, "read")
	theirs, err := strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(child.Line(), "now ")), 10, 64)
	if after := clock.Now(); err != nil || theirs <= before || theirs >= after {
		t.Errorf("another process read %d between %d and %d, %v", theirs, before, after, err)
	}
}

func TestTheClockCountsNanosecondsAndNeverGoesBack(t *testing.T) {
	const coarse = 20 * time.Millisecond // as time.Now may be
	before, first, after := time.Now(), clock.Now(), time.Now()
	last := first
	for time.Since(after) < 100*time.Millisecond {
		now := clock.Now()
		if now < last {
			t.Fatalf("%d after %d", now, last)
		}
		last = now
	}
	least := time.Since(after)
	took := time.Duration(clock.Now() - first)
	if most := time.Since(before); took < least-coarse || took > most+coarse {
		t.Errorf("%v on this clock, %v to %v on that of package time", took, least, most)
	}
}

func TestReadingTheClockAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(1000, func() { clock.Now() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		clock.Now()
	}
}
