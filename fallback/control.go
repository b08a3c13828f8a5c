package fallback

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
)

// Control is what remains of the handshake beside two rings: a stream that
// tells when the other side is gone.
type Control struct {
	s      stream
	in     frames
	closed sync.Once
	err    error
}

func newControl(c *control) *Control { return &Control{s: c.s, in: c.in} }

// Watch waits, in a goroutine of its own, until the other side is gone, and
// calls gone then: with io.EOF if it said goodbye, with an error matching
// ErrPeerDead if it died, ErrCorrupt if it talks nonsense, and ErrClosed after
// Close.
func (c *Control) Watch(gone func(error)) {
	go func() { gone(c.wait()) }()
}

func (c *Control) wait() error {
	f, err := c.in.next(c.s, wire{})
	switch {
	case err == nil && f.control() && f.h.Type() == ctlClose:
		return io.EOF
	case err == nil:
		return failf(ErrCorrupt, "frame header %#016x beside the rings", uint64(f.h))
	case errors.Is(err, ErrCorrupt):
		return err
	case errors.Is(err, os.ErrClosed), errors.Is(err, net.ErrClosed):
		return ErrClosed
	case err == io.EOF:
		return failf(ErrPeerDead, "its end of the connection is closed")
	}
	return failf(ErrPeerDead, "%v", err)
}

// Close says goodbye and closes the stream. Any goroutine may call it, any
// number of times.
func (c *Control) Close() error {
	c.closed.Do(func() {
		// There is always room for it: nothing else was sent.
		_, _ = c.s.Write(controlFrame(ctlClose, nil))
		c.err = c.s.Close()
	})
	return c.err
}
