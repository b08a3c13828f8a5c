package sync

import (
	"fmt"
	"runtime"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
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
	// PollFD sleeps at once, in the runtime's poller, and takes no thread
	// meanwhile: for thousands of receivers in one process.
	PollFD
)

var strategyNames = [...]string{Adaptive: "adaptive", BusySpin: "busy-spin", Yield: "yield", Park: "park", PollFD: "poll"}

// Known reports whether there is such a strategy.
func (s Strategy) Known() bool { return int(s) < len(strategyNames) }

// String returns the strategy's name.
func (s Strategy) String() string {
	if s.Known() {
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

// Poll looks for what is waited for up to looks times, with so many pauses of
// the processor after each look, and reports whether it may be there.
type Poll func(looks, pauses uint32) bool

// Verdict says what a spin came to.
type Verdict uint8

// The verdicts of Spin.
const (
	Found Verdict = iota // what is waited for may be there
	Again                // it isn't yet: spin on
	Sleep                // it isn't, and this is long enough: sleep
)

// Spin polls for a moment, for round number i (from 0) of a wait; l is what
// Adaptive has learned of this side's waits. It does not
// allocate, and enters the kernel only through the Go scheduler (Yield).
func (s Strategy) Spin(i int, l *Learner, poll Poll) Verdict {
	found := false
	switch s {
	case BusySpin:
		found = poll(64, 1)
	case Yield:
		if found = poll(1, 1); !found {
			runtime.Gosched()
		}
	case Adaptive:
		return l.Spin(i, poll)
	default:
		return Sleep
	}
	if found {
		return Found
	}
	return Again
}

// Nap keeps a receiver that is faster than its sender at a distance. One that
// looks at once whether the next message is there fights with the sender for
// the cache line that is being written, and slows both down by factors; one that
// naps first finds many messages, in lines that nobody writes any more. Naps are
// only taken while messages come densely, and last 30 µs at most.
//
// A Nap belongs to one receiver. The zero Nap is ready.
type Nap uint32

const (
	denseBurst = 32   // messages between two naps that count as dense
	firstNap   = 16   // pauses
	longestNap = 1024 // pauses
)

// Take naps, or doesn't, after a burst of so many messages, all that there
// were. With full the burst was a large part of the ring, and the nap too long.
func (n *Nap) Take(burst uint64, full bool) {
	switch {
	case full || burst < denseBurst:
		*n /= 2
	case *n == 0:
		*n = firstNap
	case *n < longestNap:
		*n *= 2
	}
	mem.Pause(uint32(*n))
}
