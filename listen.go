package ringway

import (
	"context"
	"errors"

	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/internal/errs"
)

// Listener waits for connections at an address. Any goroutine may use it.
type Listener struct {
	addr string
	l    *fallback.Listener
	o    options
}

// Listen listens at an address: a name, for processes of this machine and user,
// or tcp://host:port, udp://host:port, fifo:///path. The error matches ErrBusy
// when somebody alive listens there already (see TakeOver), and ErrInsecure when
// somebody else could have put there what is there.
//
// Of the options, Capacity is that of each of a connection's two rings (256 KiB
// without it), Dir the directory of names, and Transports, MaxMessage,
// Checksums, Prefault, Wait, SampleLatency, HandshakeTimeout, Users, TakeOver and
// Refused count.
func Listen(addr string, opts ...Option) (*Listener, error) {
	o, lo, err := linkOptions(opts)
	if err != nil {
		return nil, err
	}
	l, err := fallback.Listen(context.Background(), addr, lo)
	if err != nil {
		return nil, err
	}
	return &Listener{addr, l, o}, nil
}

// Accept waits for the next connection on which both sides have agreed, until
// ctx ends. Handshakes go on by themselves meanwhile; one that fails is reported
// to Refused. It returns ErrClosed after Close, and when another listener has
// taken over the name.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	if l.l == nil {
		return nil, &errs.Error{Op: "accept", Err: ErrClosed}
	}
	e, err := l.l.Accept(ctx)
	if err != nil {
		return nil, err
	}
	return newConn(l.addr, e, l.o)
}

// Addr returns the address to dial: for TCP and UDP with the port that the
// system has chosen if that was 0.
func (l *Listener) Addr() string {
	if l.l == nil {
		return ""
	}
	return l.l.Addr()
}

// Close gives the address back. Connections that were accepted stay. A second
// Close returns ErrClosed.
func (l *Listener) Close() error {
	if l.l == nil {
		return &errs.Error{Op: "close", Err: ErrClosed}
	}
	return l.l.Close()
}

// Dial connects to who listens at an address, which is as in Listen, and
// negotiates how messages will go: shared memory if both sides can have it, else
// what the Transports of both sides allow. Errors: the system's when nobody
// listens there (os.ErrNotExist, a refused connection), ErrInsecure when somebody
// else does, ErrTransport when there is nothing to agree on, with the reason for
// each transport, ErrVersion, ErrPeerDead when the other side died meanwhile,
// and that of ctx.
func Dial(ctx context.Context, addr string, opts ...Option) (*Conn, error) {
	o, lo, err := linkOptions(opts)
	if err != nil {
		return nil, err
	}
	if o.reconnect {
		o.timed = newTimings() // one connection after the other counts there
	}
	dial := func(ctx context.Context) (*Conn, error) {
		e, err := fallback.Dial(ctx, addr, lo)
		if err != nil {
			return nil, err
		}
		return newConn(addr, e, o)
	}
	c, err := dial(ctx)
	if err == nil && o.reconnect {
		if why := lasting(c.transport); why != "" {
			return nil, errors.Join(c.errOf("dial", ErrUnsupported, why), c.Close())
		}
		re := newReconnecting(c, dial, o.within)
		re.timed = o.timed
		return re, nil
	}
	if err == nil {
		c.redial = func(ctx context.Context) (*Conn, error) { return Dial(ctx, addr, opts...) }
	}
	return c, err
}
