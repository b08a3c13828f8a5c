package ringway

import (
	"context"

	"github.com/ringway/ringway/internal/errs"
)

var _ Source = (*Conn)(nil)

// Watch has wake called when there may be a message: see Source. It belongs to
// the goroutine that receives, and works over shared memory, where it takes a
// goroutine and a thread for each connection; over other roads the error matches
// ErrUnsupported, and a goroutine that receives is the way to wait.
func (c *Conn) Watch(wake func()) (ready bool, err error) {
	if c.link != nil {
		return false, c.notByRing("watch")
	}
	return c.in.Watch(wake)
}

// Unwatch ends what Watch began, if anything: when it returns wake is not
// called any more.
func (c *Conn) Unwatch() {
	if c.link == nil {
		c.in.Unwatch()
	}
}

// TryRecv is Recv without waiting, for connections over shared memory: it
// returns ErrEmpty when no message is there, and over other roads an error that
// matches ErrUnsupported.
func (c *Conn) TryRecv() (Message, error) {
	if c.link != nil {
		return Message{}, c.notByRing("receive")
	}
	m, err := c.in.recv(context.Background(), false)
	if err != nil {
		return c.recvFailed(m, err)
	}
	return m, nil
}

func (c *Conn) notByRing(op string) error {
	return &errs.Error{Op: op, Name: c.name, Err: ErrUnsupported, Detail: "the connection goes over " + c.transport.String()}
}
