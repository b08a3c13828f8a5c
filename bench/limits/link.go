package limits

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// A flag word is either a round's number, or a control word:
//
//	63  62-61  60     59-50  49-40          39-0
//	1   kind   pause  hold   payload words  number
//
// Numbers rise by one with every round and every control word, over all calls
// on the same memory, so no word is ever taken for an older one. The ponger
// answers a number with itself, a control word with itself, or with its
// kind replaced by refuse.
const (
	control    = 1 << 63
	kindShift  = 61
	hello      = 0 // a series of rounds follows; the next number is this one + 1
	end        = 1 // the ponger may go home
	refuse     = 2 // the ponger expects another payload size
	pauseBit   = 1 << 60
	wordsShift = 40
	wordsMask  = 1<<10 - 1
	holdShift  = 50
	holdMask   = 1<<10 - 1
	numberMask = 1<<40 - 1
)

// Bounds of one call of a loop, for about 50 µs in all.
const (
	roundsPerCall = 256   // at 100–200 ns
	spinsPerCall  = 32768 // at 1–2 ns a poll
	pausesPerCall = 1024  // at 25–50 ns a PAUSE
)

// napAfter is the silence after which a waiting side stops spinning and naps
// between polls: long enough never to happen between two live processes that
// have a core each, short enough to get by with one core.
const (
	napAfter = time.Millisecond
	nap      = 50 * time.Microsecond
)

// link is one side's end of the shared memory.
type link struct {
	near    *uint64 // flag this side writes
	far     *uint64 // flag the other side writes
	words   uint64  // payload words
	timeout time.Duration
	raw     engine
}

// pace is how both sides of a series wait for the other.
type pace struct {
	pause bool // PAUSE between two polls
	hold  int  // cycles between sending and the first poll, 0..holdMask
}

// patience is how a side waits without progress: it spins, then naps, and
// then gives up. The zero value is ready.
type patience struct{ since int64 }

// progress forgets the silence so far.
func (p *patience) progress() { p.since = 0 }

// lost notes that another spell of polling was in vain and returns ErrPeerGone
// when the silence has lasted for timeout.
func (p *patience) lost(timeout time.Duration) error {
	now := Now()
	if p.since == 0 {
		p.since = now
	}
	silence := time.Duration(now - p.since)
	switch {
	case silence >= timeout:
		return fmt.Errorf("%w for %v", ErrPeerGone, timeout)
	case silence >= napAfter:
		time.Sleep(nap)
	default:
		runtime.Gosched()
	}
	return nil
}

// ask sends a control word and waits for the echo.
func (l *link) ask(kind uint64, p pace) (number uint64, err error) {
	number = max(atomic.LoadUint64(l.near)&numberMask, atomic.LoadUint64(l.far)&numberMask) + 1
	word := control | kind<<kindShift | uint64(p.hold)<<holdShift | l.words<<wordsShift | number
	if p.pause {
		word |= pauseBit
	}
	atomic.StoreUint64(l.near, word)
	var wait patience
	for {
		for range spinsPerCall {
			switch answer := atomic.LoadUint64(l.far); answer {
			case word:
				return number, nil
			case word | refuse<<kindShift:
				return 0, fmt.Errorf("%w: this one says %d bytes", ErrMismatch, l.words*8)
			}
		}
		if err := wait.lost(l.timeout); err != nil {
			return 0, err
		}
	}
}

// end sends the ponger home.
func (l *link) end() error {
	_, err := l.ask(end, pace{})
	return err
}

// ping makes a series of rounds and returns the time of each, in ticks of the
// clock. One more round goes before them, because a round is timed from send
// to send.
func (l *link) ping(rounds int, p pace) ([]uint32, error) {
	ticks := make([]uint32, rounds+1)
	for i := 0; i < len(ticks); i += 1024 {
		ticks[i] = 1 // have the page before the clock runs
	}
	number, err := l.ask(hello, p)
	if err != nil {
		return nil, err
	}
	s := l.state(p)
	s.seq, s.samples = number+1, &ticks[0]
	var wait patience
	for left := uint64(len(ticks)); left > 0; {
		done, err := l.call(l.raw.ping, s, min(left, roundsPerCall))
		if err != nil {
			return nil, err
		}
		if left -= done; done > 0 {
			wait.progress()
		} else if err := wait.lost(l.timeout); err != nil {
			return nil, err
		}
	}
	return ticks[1:], nil
}

// pong answers series after series until the pinger ends it.
func (l *link) pong() (rounds int, err error) {
	var wait patience
	var s *rawState // nil until the first hello
	for {
		if s != nil {
			done, err := l.call(l.raw.pong, s, roundsPerCall)
			if err != nil {
				return rounds, err
			}
			if rounds += int(done); done > 0 {
				wait.progress()
				continue
			}
		}
		word := atomic.LoadUint64(l.far)
		if word&control == 0 || word == atomic.LoadUint64(l.near) {
			if err := wait.lost(l.timeout); err != nil {
				return rounds, err
			}
			continue
		}
		wait.progress()
		if theirs := word >> wordsShift & wordsMask; theirs != l.words {
			atomic.StoreUint64(l.near, word|refuse<<kindShift)
			return rounds, fmt.Errorf("%w: the pinger says %d bytes, this one %d", ErrMismatch, theirs*8, l.words*8)
		}
		if word>>kindShift&3 == end {
			atomic.StoreUint64(l.near, word)
			return rounds, nil
		}
		s = l.state(pace{word&pauseBit != 0, int(word >> holdShift & holdMask)})
		s.seq = word&numberMask + 1
		atomic.StoreUint64(l.near, word)
	}
}

// state is what the loops need to know about l.
func (l *link) state(p pace) *rawState {
	s := &rawState{out: l.near, in: l.far, words: l.words, hold: uint64(p.hold)}
	if p.pause {
		s.pause = 1
	}
	return s
}

// call runs a loop once for at most rounds rounds and checks that what it
// received in the rounds it has done adds up.
func (l *link) call(loop func(*rawState), s *rawState, rounds uint64) (done uint64, err error) {
	first := s.seq
	s.rounds, s.sum, s.polls = rounds, 0, spinsPerCall
	if s.pause != 0 {
		s.polls = pausesPerCall
	}
	loop(s)
	done = s.seq - first
	if done > 0 && s.sum != l.words*sumOf(first, done) {
		return done, fmt.Errorf("%w: rounds %d to %d", ErrCorrupt, first, s.seq-1)
	}
	return done, nil
}

// sumOf is first + (first+1) + … of n numbers, modulo 2⁶⁴.
func sumOf(first, n uint64) uint64 {
	a, b := n, 2*first+n-1 // one of them is even
	if a%2 == 0 {
		return a / 2 * b
	}
	return a * (b / 2)
}
