//go:build shmtest

package sync

import (
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

func TestASleeperPassesABarrierUnlessItsOwnWishToGoWithoutStillStands(t *testing.T) {
	if !haveBarrier() {
		t.Skip("there are no barriers to go without")
	}
	barriers := 0
	mem.Hook = func(a *mem.Access) {
		if a.Op == mem.OpBarrier && !a.After {
			barriers++
		}
	}
	defer func() { mem.Hook = nil }()
	for _, c := range []struct {
		name   string
		shared bool
		before uint32 // the state
		spared bool   // whether this handle has said so
		want   int
	}{
		{"its first sleep", false, 0, false, 1},
		{"its wish stands", false, spares, true, 0},
		{"the ringer took its wish back", false, 0, true, 1},
		{"the wish of one before it", false, spares, false, 1},
		{"fences for one before it", false, needFence, false, 1},
		{"several that sleep", true, spares, false, 1},
	} {
		r := shared(1)
		b := newBell(t, r, "b")
		r.Store32(offState, c.before)
		b.shared, b.spared, barriers = c.shared, c.spared, 0
		b.Announce()
		if barriers != c.want {
			t.Errorf("%s: %d barriers, want %d", c.name, barriers, c.want)
		}
		if got := r.Load32(offState); !c.shared && got != asleep|spares {
			t.Errorf("%s: state %d when announced", c.name, got)
		}
		if b.Retract(); !c.shared && r.Load32(offState) != spares {
			t.Errorf("%s: state %d after Retract", c.name, r.Load32(offState))
		}
	}
}
