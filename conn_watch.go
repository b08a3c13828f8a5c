package ringway

import (
	"context"

	"github.com/ringway/ringway/internal/errs"
)

var _ Source = (*Conn)(nil)

// Watch has wake called when there may be a message: see Source. It belongs to
// the goroutine that receives, and allocates and enters the kernel the first
// time. Over shared memory it waits as Consumer.Watch does, and takes a thread
// only where neither side polls or adapts; over all other roads a goroutine of
// the connection's own receives one message ahead from then on, and what was
// received before is valid only until Watch is called. With Reconnect the error
// matches ErrUnsupported: reconnecting takes a call that waits.
func (c *Conn) Watch(wake func()) (ready bool, err error) {
	switch {
	case c.in != nil:
		return c.in.Watch(wake)
	case c.re != nil:
		return false, c.mustWait("watch")
	case c.closed.Load() || c.link == nil:
		return false, &errs.Error{Op: "watch", Name: c.name, Err: ErrClosed}
	}
	return c.receiveAhead().watch(wake), nil
}

// Unwatch ends what Watch began, if anything: when it returns wake is not
// called any more.
func (c *Conn) Unwatch() {
	if c.in != nil {
		c.in.Unwatch()
	} else if a := c.ahead.Load(); a != nil {
		a.unwatch()
	}
}

// TryRecv is Recv without waiting: it returns ErrEmpty when no message is there.
// Where there is no ring that means that none has been received yet by the
// goroutine that does that from the first call on, and that has been asked for
// one now; Watch tells when it has it. The payload is valid until the next call
// of Recv, TryRecv or Watch. With Reconnect the error matches ErrUnsupported.
func (c *Conn) TryRecv() (m Message, err error) {
	if c.re != nil {
		return m, c.mustWait("receive")
	}
	if c.in == nil {
		if c.closed.Load() || c.link == nil {
			return m, &errs.Error{Op: "receive", Name: c.name, Err: ErrClosed}
		}
		return c.receiveAhead().take()
	}
	if m, err = c.in.recv(context.Background(), false); err != nil {
		return c.recvFailed(m, err)
	}
	return m, nil
}

// mustWait is the error of what can't be had with Reconnect.
func (c *Conn) mustWait(op string) error {
	return c.errOf(op, ErrUnsupported, "a connection that reconnects is received from by calls that wait")
}
