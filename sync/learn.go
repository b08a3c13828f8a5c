package sync

import (
	"sync"
	"time"

	"github.com/ringway/ringway/internal/mem"
)

// Learner decides for one waiting side how long Adaptive spins before it
// sleeps. Two things are to be known for that, and it learns both:
//
//   - What a wake-up costs. Who spins for as long as that before it sleeps takes
//     at most twice of what it would have taken, had it known when the message
//     comes. It differs by a factor of ten between machines, and with what they
//     do. Now and then a sleeper asks the ringer, through the bell's state, to
//     write down when it rang, and compares that with when it is awake.
//   - Whether spinning pays. When messages come seldom it never does; then the
//     processor is left to others, and a sleep that turns out short brings it
//     back.
//
// The zero Learner is ready. It belongs to its side's goroutine.
type Learner struct {
	cost   time.Duration // of a wake-up, smoothed; 0: not learned yet
	score  int8          // at least 0: spinning pays
	sleeps uint8
	asked  bool // for the time of the ring
}

const (
	defaultCost  = 20 * time.Microsecond
	leastCost    = 2 * time.Microsecond
	greatestCost = 60 * time.Microsecond
	// absurd is how long no wake-up takes: the clock was set, or the ringer
	// writes nonsense.
	absurd = time.Millisecond

	bestScore  = 8
	worstScore = -8
	hit        = 2 // a wait that was short enough to be spun through

	askEvery = 16 // sleeps

	// aLongTime counts for many misses.
	aLongTime = 50 * time.Millisecond
)

// Cost returns what the learner believes that a wake-up costs.
func (l *Learner) Cost() time.Duration {
	if l.cost == 0 {
		return defaultCost
	}
	return l.cost
}

// perPause is how long one pause of the processor takes, measured once.
var perPause = sync.OnceValue(func() time.Duration {
	const n = 256
	best := time.Duration(1 << 62)
	for range 5 {
		start := time.Now()
		mem.Pause(n)
		best = min(best, time.Since(start))
	}
	return max(best, n) / n
})

// spinRounds is how many rounds of a spin become longer.
const spinRounds = 8

// Spin is Strategy.Spin of Adaptive, for as long as pays.
func (l *Learner) Spin(i int, poll Poll) Verdict {
	// Looking all the time would fight with the other side for the very line
	// that it is about to write; so look less and less often.
	looks, pauses := uint32(1), uint32(64)
	if i < spinRounds-1 {
		looks, pauses = uint32(spinRounds-i), 1<<i
	}
	if i > 0 && (l.score < 0 || spent(i) >= l.Cost()) {
		return Sleep
	}
	if poll(looks, pauses) {
		if l.score < bestScore-hit {
			l.score += hit
		}
		return Found
	}
	return Again
}

// spent is about how long the rounds before number i took.
func spent(i int) time.Duration {
	pauses := 64 * max(i-(spinRounds-1), 0)
	for k := range min(i, spinRounds-1) {
		pauses += (spinRounds - k) << k
	}
	return time.Duration(pauses) * perPause()
}

// seldom reports whether messages have been too seldom for spinning for a
// while.
func (l *Learner) seldom() bool { return l.score == worstScore }

// asks reports whether the sleep to come is one whose ring is timed.
func (l *Learner) asks() bool {
	l.sleeps++
	l.asked = l.cost == 0 || l.sleeps%askEvery == 0
	return l.asked
}

// slept learns from a sleep that lasted so long, and was ended, if rung isn't
// zero, by a ring at that time, as the ringer says. Times are those of package
// clock.
func (l *Learner) slept(began, now, rung uint64) {
	switch lasted := time.Duration(now - began); {
	case lasted <= l.Cost():
		l.score = min(l.score+hit, bestScore)
	case lasted > aLongTime:
		l.score = max(l.score-bestScore, worstScore)
	case l.score > worstScore:
		l.score--
	}
	if took := time.Duration(now - rung); l.asked && rung != 0 && took > 0 && took < absurd {
		took = min(max(took, leastCost), greatestCost)
		if l.cost == 0 {
			l.cost = took
		}
		l.cost += (took - l.cost) / 8
	}
	l.asked = false
}
