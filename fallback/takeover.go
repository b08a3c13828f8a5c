package fallback

import (
	"context"
	"errors"
	"time"
)

// askToLeave asks the listener on the other side to leave its name to us, and
// waits until it has understood.
func (c *control) askToLeave(ctx context.Context, o Options) error {
	defer c.limit(ctx, o)()
	if err := c.send(ctlTakeover, nil); err != nil {
		return err
	}
	typ, payload, err := c.receive()
	switch {
	case errors.Is(err, ErrPeerDead):
		return nil // it has died: that will do
	case err != nil:
		return err
	case typ == ctlReject:
		r, err := decodeRefusal(payload)
		return errors.Join(err, r.err(nil))
	case typ != ctlReady:
		return failf(ErrCorrupt, "control frame of type %d in answer to a takeover", typ)
	}
	return nil
}

// soon repeats what is busy until the time of a handshake is over.
func soon[T any](ctx context.Context, o Options, f func() (T, error)) (T, error) {
	for end := time.Now().Add(o.Timeout); ; {
		v, err := f()
		if !errors.Is(err, ErrBusy) || ctx.Err() != nil || time.Now().After(end) {
			return v, err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// leave gives the listener's name to the one on the other side of c, who has put
// himself there already.
func (l *Listener) leave(c *control) error {
	b, ok := l.base.(interface{ leave() error })
	if !ok {
		return c.reject(failf(ErrUnsupported, "only names can be taken over"))
	}
	err := failf(ErrClosed, "another listener is taking over")
	l.leaving.Do(func() {
		close(l.left)
		err = b.leave()
	})
	if err != nil {
		return c.reject(err)
	}
	if err := c.send(ctlReady, nil); err != nil {
		return err
	}
	return failf(ErrClosed, "it takes the name over")
}

// hasLeft reports whether another listener has taken over.
func (l *Listener) hasLeft() bool {
	select {
	case <-l.left:
		return true
	default:
		return false
	}
}
