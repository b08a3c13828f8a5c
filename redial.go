package ringway

import (
	"context"
	"errors"
	"time"

	"github.com/ringway/ringway/ring"
)

// Redial connects anew to where c was dialled, with the same options, and waits
// for somebody to listen there until ctx ends: a listener that is being replaced
// (see TakeOver), or was killed and is started again; Reconnect does it by itself.
// c itself stays as it is;
// Unacknowledged says what of it has to be sent again, and then it is to be
// closed. Redial returns the errors of Dial that waiting doesn't mend (ErrInsecure,
// ErrTransport, ErrVersion …), that of ctx, and ErrBadArgument when c was
// accepted, not dialled.
func (c *Conn) Redial(ctx context.Context) (*Conn, error) {
	switch {
	case c.re != nil:
		return nil, c.errOf("redial", ErrBadArgument, "the connection does that by itself")
	case c.redial == nil:
		return nil, c.errOf("redial", ErrBadArgument, "this end was accepted, not dialled")
	}
	return dialAgain(ctx, c.redial)
}

// dialAgain dials until that succeeds, can't, or ctx ends.
func dialAgain(ctx context.Context, dial func(context.Context) (*Conn, error)) (*Conn, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		next, err := dial(ctx)
		if err == nil || hopeless(err) {
			return next, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// hopeless reports whether dialling again won't help.
func hopeless(err error) bool {
	for _, e := range []error{ErrInsecure, ErrTransport, ErrVersion, ErrUnsupported, ErrBadArgument, ErrBadName} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Unacknowledged returns copies of the messages that this side has sent and the
// other one had not released when it left, the oldest first. What it had
// released, and not yet announced, is among them: sent again to a successor these
// messages arrive at least once. It is for a connection that has ended
// (ErrPeerDead, or io.EOF from Recv) and is not closed; it enters the memory that
// both sides shared, and returns ErrCorrupt for what can't be true there, after
// what could.
//
// Only shared memory tells. Over other transports, where what was written may be
// anywhere, it returns ErrUnsupported; see Reconnect for what there is then.
func (c *Conn) Unacknowledged() ([]Message, error) {
	c = c.plain()
	fail := func(err error, detail string) ([]Message, error) {
		return nil, c.errOf("unacknowledged", err, detail)
	}
	switch {
	case c.out == nil:
		return fail(ErrUnsupported, c.transport.String()+" doesn't tell what has arrived")
	case c.left.Load() == nil:
		return fail(ErrBusy, "the other side is still there")
	case !c.memory.hold():
		return fail(ErrClosed, "")
	}
	defer func() { _ = c.memory.release() }()
	geometry := ring.Geometry{Kind: SPSC, Capacity: c.sending.geometry.Capacity, Checksum: c.sending.geometry.Checksum}
	consumer, err := ring.NewSPSCConsumer(geometry, c.sending.body)
	if err != nil {
		return nil, named(err, c.name)
	}
	var all []Message
	// There can't be more frames than fit, whatever is written there now.
	for range geometry.Capacity / ring.HeaderSize {
		m, err := consumer.Next()
		if err != nil {
			if errors.Is(err, ErrCorrupt) {
				return all, named(err, c.name)
			}
			break
		}
		m.Payload = append([]byte(nil), m.Payload...)
		all = append(all, m)
	}
	return all, nil
}
