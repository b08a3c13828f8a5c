package sync

import (
	"fmt"
	"runtime"

	"github.com/ringway/ringway/internal/errs"
)

// Strategy is how a side waits for the other one.
type Strategy uint8

// The wait strategies.
const (
	// Adaptive spins for about as long as a wake-up costs, then sleeps until
	// it is woken. It is the default.
	Adaptive Strategy = iota
	// BusySpin never sleeps and never gives its processor away: the lowest
	// latency, for those who own a core.
	BusySpin
	// Yield never sleeps, but lets other goroutines run between two looks.
	Yield
	// Park sleeps at once.
	Park
)

var strategyNames = [...]string{Adaptive: "adaptive", BusySpin: "busy-spin", Yield: "yield", Park: "park"}

// String returns the strategy's name.
func (s Strategy) String() string {
	if int(s) < len(strategyNames) {
		return strategyNames[s]
	}
	return fmt.Sprintf("strategy %d", uint8(s))
}

// ParseStrategy returns the strategy of that name. The error matches
// errs.BadArgument and names those that there are.
func ParseStrategy(name string) (Strategy, error) {
	for s, n := range strategyNames {
		if n == name {
			return Strategy(s), nil
		}
	}
	return 0, &errs.Error{Op: "wait strategy", Name: name, Err: errs.BadArgument,
		Detail: fmt.Sprintf("there are %q", strategyNames)}
}

// spins is how often Adaptive looks before it sleeps: with the pauses of Spin
// some 20 µs on current processors, about what a wake-up costs.
const spins = 200

// Spin lets a moment pass before look number i (from 0) and reports whether
// the caller should look again; if not it is time to sleep. It does not
// allocate, and enters the kernel only through the Go scheduler (Yield).
func (s Strategy) Spin(i int) bool {
	switch s {
	case BusySpin:
		pause(1)
	case Yield:
		runtime.Gosched()
	case Adaptive:
		if i >= spins {
			return false
		}
		// Looking all the time would fight with the other side for the very
		// line that it is about to write; so look less and less often.
		pause(uint32(1 + i/16))
	default:
		return false
	}
	return true
}
