package bench

import (
	"testing"

	"github.com/ringway/ringway/bench/limits"
)

func TestASenderThatKeepsPaceAllocatesNothing(t *testing.T) {
	s := &team{clock: limits.Calibrate()}
	half := uint64(s.clock.TicksPerNs * 5e5) // of a millisecond
	if n := testing.AllocsPerRun(100, func() {
		due := s.clock.Shared() + half
		if err := s.until(t.Context(), due); err != nil {
			t.Fatal(err)
		}
		if now := s.clock.Shared(); now < due {
			t.Fatalf("it waited %d ticks too few", due-now)
		}
	}); n > 0 {
		t.Errorf("%v allocations for each moment it waits for", n)
	}
}
