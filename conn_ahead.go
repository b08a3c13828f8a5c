package ringway

import (
	"context"
	"errors"
	"sync"

	"github.com/ringway/ringway/internal/errs"
)

// ahead receives for a connection without a ring, whose receiver doesn't want
// to wait there: a goroutine of its own is always up to one message ahead. It
// begins with the first Watch or TryRecv, and ends with the connection. Its
// methods are for the goroutine that receives, except for end.
type ahead struct {
	link *countedLink
	next chan struct{} // asks for one more message; has room
	came chan struct{} // one has come since it was looked; has room
	over chan struct{} // closed with the connection

	mu    sync.Mutex
	asked bool // for a message that hasn't come yet
	there bool // m, or err in its place, which nobody has taken yet
	m     Message
	err   error
	wake  func() // nil while nobody watches
}

// receiveAhead returns the connection's, and makes it if need be.
func (c *Conn) receiveAhead() *ahead {
	if a := c.ahead.Load(); a != nil {
		return a
	}
	a := &ahead{link: c.link, next: make(chan struct{}, 1), came: make(chan struct{}, 1), over: make(chan struct{})}
	c.ahead.Store(a)
	go a.run()
	if c.closed.Load() {
		a.end() // who closed it may not have seen this one
	}
	return a
}

func (a *ahead) run() {
	for {
		select {
		case <-a.next:
		case <-a.over:
			return
		}
		m, err := a.link.Link.Recv(context.Background())
		a.mu.Lock()
		a.m, a.err, a.there, a.asked = m, err, true, false
		if a.wake != nil {
			a.wake()
		}
		a.mu.Unlock()
		select {
		case a.came <- struct{}{}:
		default:
		}
	}
}

// end ends the goroutine, once the link is closed, and tells who watches.
func (a *ahead) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.over:
	default:
		close(a.over)
	}
	if a.wake != nil {
		a.wake()
	}
}

// take returns what has come, or ErrEmpty, and then has the next message
// received.
func (a *ahead) take() (Message, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.there {
		a.ask()
		return Message{}, ErrEmpty
	}
	m, err := a.m, a.err
	a.m, a.there = Message{}, false
	if err == nil {
		a.link.counters.Received(1, uint64(len(m.Payload)))
	}
	return m, err
}

// ask has one more message received, if none is there. The caller holds mu.
func (a *ahead) ask() {
	if !a.there && !a.asked {
		a.asked = true
		a.next <- struct{}{} // there is room
	}
}

// recv is Conn.Recv.
func (a *ahead) recv(ctx context.Context) (Message, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Message{}, err
		}
		if m, err := a.take(); err != ErrEmpty {
			return m, err
		}
		select {
		case <-a.came:
		case <-ctx.Done():
		case <-a.over:
			return Message{}, &errs.Error{Op: "receive", Err: ErrClosed}
		}
	}
}

// watch is Conn.Watch.
func (a *ahead) watch(wake func()) (ready bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.over:
		return true
	default:
	}
	if a.there {
		return true
	}
	a.wake = wake
	a.ask()
	return false
}

func (a *ahead) unwatch() {
	a.mu.Lock()
	a.wake = nil
	a.mu.Unlock()
}

// recvLink is Recv where there is no ring.
func (c *Conn) recvLink(ctx context.Context) (Message, error) {
	a := c.ahead.Load()
	if a == nil {
		return c.link.Recv(ctx)
	}
	m, err := a.recv(ctx)
	if errors.Is(err, ErrClosed) {
		err = named(err, c.name)
	}
	return m, err
}
