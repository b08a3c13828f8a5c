package sync

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/ringway/ringway/internal/errs"
)

var strategies = map[Strategy]string{Adaptive: "adaptive", BusySpin: "busy-spin", Yield: "yield", Park: "park", PollFD: "poll"}

func TestStrategiesAreKnownByTheirNames(t *testing.T) {
	for s, name := range strategies {
		if s.String() != name {
			t.Errorf("%d is called %q, want %q", s, s, name)
		}
		if got, err := ParseStrategy(name); err != nil || got != s {
			t.Errorf("ParseStrategy(%q) = %v, %v", name, got, err)
		}
	}
	var zero Strategy
	if zero != Adaptive {
		t.Error("the zero strategy is not the default")
	}
	if got := Strategy(77).String(); got != "strategy 77" {
		t.Errorf("an unknown strategy is called %q", got)
	}
}

func TestUnknownStrategyIsAnErrorThatNamesThoseThereAre(t *testing.T) {
	for _, name := range []string{"", "Adaptive", "busyspin", "park ", "\x1b[2J"} {
		_, err := ParseStrategy(name)
		if !errors.Is(err, errs.BadArgument) || !errors.Is(err, os.ErrInvalid) {
			t.Errorf("ParseStrategy(%q): %v", name, err)
			continue
		}
		for _, known := range strategies {
			if !strings.Contains(err.Error(), known) {
				t.Errorf("%v does not name %q", err, known)
			}
		}
		if strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q passes control characters", err)
		}
	}
}

func never(uint32, uint32) bool { return false }
func there(uint32, uint32) bool { return true }

func TestOnlyAdaptiveParkAndPollSleep(t *testing.T) {
	const rounds = 10_000
	for s, name := range strategies {
		sleeps := -1
		for i := range rounds {
			switch v := s.Spin(i, new(Learner), never); v {
			case Again:
			case Sleep:
				sleeps = i
			default:
				t.Fatalf("%s, round %d: verdict %d of a poll that finds nothing", name, i, v)
			}
			if sleeps >= 0 {
				break
			}
		}
		switch s {
		case BusySpin, Yield:
			if sleeps >= 0 {
				t.Errorf("%s sleeps in round %d", name, sleeps)
			}
		case Park, PollFD:
			if sleeps != 0 {
				t.Errorf("%s sleeps in round %d, want at once", name, sleeps)
			}
		case Adaptive:
			if sleeps < 1 || sleeps > 1000 {
				t.Errorf("adaptive sleeps in round %d, want a few rounds later", sleeps)
			}
			// And stays with it.
			if s.Spin(sleeps+1, new(Learner), never) != Sleep || s.Spin(1<<30, new(Learner), there) != Sleep {
				t.Error("adaptive spins again after it was to sleep")
			}
		}
	}
}

func TestWhatThePollFindsEndsTheSpin(t *testing.T) {
	for _, s := range []Strategy{Adaptive, BusySpin, Yield} {
		for _, i := range []int{0, 1, 5} {
			if v := s.Spin(i, new(Learner), there); v != Found {
				t.Errorf("%v, round %d: verdict %d, want Found", s, i, v)
			}
		}
	}
}

func TestSpinPollsWithCountsThatAPollTakes(t *testing.T) {
	// Neither is zero, and their product stays small: a poll can't be
	// preempted.
	for s, name := range strategies {
		for i := range 2000 {
			s.Spin(i, new(Learner), func(looks, pauses uint32) bool {
				if looks == 0 || pauses == 0 || looks*pauses > 128 {
					t.Fatalf("%s, round %d: %d looks of %d pauses", name, i, looks, pauses)
				}
				return false
			})
		}
	}
}

func TestParkAndPollDoNotLook(t *testing.T) {
	for _, s := range []Strategy{Park, PollFD} {
		s.Spin(0, new(Learner), func(uint32, uint32) bool { t.Errorf("%v looks", s); return true })
	}
}

func TestSpinAllocatesNothing(t *testing.T) {
	l := new(Learner)
	for s, name := range strategies {
		if n := testing.AllocsPerRun(100, func() { s.Spin(0, l, never) }); n != 0 {
			t.Errorf("%s makes %v allocations", name, n)
		}
	}
}
