package sync

import (
	"sync/atomic"
	"time"

	"github.com/ringway/ringway/internal/clock"
)

// caretaker is the safety net of those who sleep on doorbells for as long as
// [LongNet]: each that long it looks after them, and wakes those who sleep by a
// knock. So thousands who sleep need no timer each, and no stack that is deep enough
// to set one or to look who has died. One goroutine does it for the process, while
// there are doorbells to look after.
type caretaker struct {
	mu   Mutex
	list []*kept
	quit chan struct{} // tells the goroutine that nothing is left; nil: there is none
}

// kept is a doorbell that the caretaker looks after.
type kept struct {
	fd     int
	look   func() // called before each knock
	at     int    // in the list
	due    uint64 // by package clock
	asleep atomic.Bool
}

var theCaretaker caretaker

const (
	// leastPause keeps the caretaker from looking too often where very many sleep.
	leastPause = 10 * time.Millisecond

	// So many it wakes at a time, and then leaves the processors for shortly to
	// others, who may have been woken by a message.
	atOnce  = 64
	shortly = time.Millisecond
)

// keep has the caretaker look after a doorbell that is open, until leave.
func (c *caretaker) keep(fd int, look func()) *kept {
	k := &kept{fd: fd, look: look, due: clock.Now() + uint64(LongNet)}
	c.mu.Lock()
	defer c.mu.Unlock()
	k.at = len(c.list)
	c.list = append(c.list, k)
	if c.quit == nil {
		c.quit = make(chan struct{})
		go c.run(c.quit)
	}
	return k
}

// leave ends that: when it returns the descriptor isn't touched any more. k may be
// nil.
func (c *caretaker) leave(k *kept) {
	if k == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.list) - 1
	c.list[k.at] = c.list[last]
	c.list[k.at].at = k.at
	c.list[last] = nil
	if c.list = c.list[:last]; last == 0 {
		c.list = nil
		close(c.quit)
		c.quit = nil
	}
}

func (c *caretaker) run(quit chan struct{}) {
	t := time.NewTimer(LongNet)
	defer t.Stop()
	for {
		select {
		case <-quit:
			return
		case <-t.C:
			t.Reset(c.visit(clock.Now()))
		}
	}
}

// visit looks after those for whom it's time, and returns how long it is until the
// next one. Who comes meanwhile isn't due earlier than that.
func (c *caretaker) visit(now uint64) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	next, woken := LongNet, 0
	for _, k := range c.list {
		left := time.Duration(k.due - now)
		if left <= 0 {
			if woken == atOnce {
				return shortly
			}
			k.look()
			if k.asleep.Load() {
				knockAt(k.fd)
				woken++
			}
			k.due, left = now+uint64(LongNet), LongNet
		}
		next = min(next, left)
	}
	return max(next, leastPause)
}
