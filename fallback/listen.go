package fallback

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// base is where connections come from, one for each address.
type base interface {
	// accept waits for a connection. An error of type *refused is about one
	// connection, others end the listener.
	accept() (*control, error)
	Close() error
	// addr is what somebody can dial.
	addr() string
}

// refused is why one connection came to nothing.
type refused struct {
	who Identity
	err error
}

func (r *refused) Error() string { return r.err.Error() }
func (r *refused) Unwrap() error { return r.err }

// pending is how many handshakes a listener has under way, or done and waiting
// to be accepted.
const pending = 1024

// Listener listens at an address. Its methods may be called by any goroutine.
type Listener struct {
	name    string
	o       Options
	base    base
	ctx     context.Context // of the handshakes
	cancel  context.CancelFunc
	ready   chan *Established
	left    chan struct{} // closed when another listener has taken over
	leaving sync.Once
	running sync.WaitGroup // run
	shaking sync.WaitGroup // handshakes
	open    atomic.Int32   // connections that wait to be accepted
	once    sync.Once
	err     error // of the base; set before ready is closed
}

// address takes an address apart: the scheme, empty for a name, and the rest.
func address(addr string) (scheme, rest string, err error) {
	if !strings.Contains(addr, ":") {
		return "", addr, nil
	}
	u, err := url.Parse(addr)
	if err != nil {
		return "", "", failf(ErrBadArgument, "the address is a name, or begins with tcp://, udp:// or fifo:///: %v", err)
	}
	switch u.Scheme {
	case "tcp", "udp":
		if u.Host != "" && u.Path == "" {
			return u.Scheme, u.Host, nil
		}
	case "fifo":
		if u.Host == "" && u.Path != "" {
			return u.Scheme, u.Path, nil
		}
	}
	return "", "", failf(ErrBadArgument, "the address is a name, or tcp://host:port, udp://host:port or fifo:///path")
}

// Listen listens at an address. The error matches ErrBusy when somebody alive
// does that already, and ErrInsecure when somebody else could have put there
// what is there; see Options.TakeOver for a name that is to change hands.
func Listen(ctx context.Context, addr string, o Options) (*Listener, error) {
	l, err := listen(ctx, addr, o)
	return l, named("listen", addr, err)
}

func listen(ctx context.Context, addr string, o Options) (*Listener, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	scheme, rest, err := address(addr)
	if err != nil {
		return nil, err
	}
	var b base
	name := ""
	switch scheme {
	case "":
		name = rest
		b, err = asBase(listenName(ctx, name, o))
	case "tcp":
		b, err = asBase(listenTCP(ctx, rest, o))
	case "fifo":
		b, err = asBase(listenFIFO(rest, o))
	default:
		return listenUDP(rest, o)
	}
	if err != nil {
		return nil, err
	}
	return newListener(name, o, b), nil
}

// asBase keeps a nil pointer from becoming a base.
func asBase[B base](b B, err error) (base, error) {
	if err != nil {
		return nil, err
	}
	return b, nil
}

func newListener(name string, o Options, b base) *Listener {
	l := &Listener{name: name, o: o, base: b, ready: make(chan *Established), left: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.running.Add(1)
	go l.run()
	return l
}

// run takes connections in and has each of them shake hands in a goroutine of
// its own, so that one that says nothing keeps nobody waiting.
func (l *Listener) run() {
	defer l.running.Done()
	slots := make(chan struct{}, pending)
	var pause time.Duration
	for {
		slots <- struct{}{}
		c, err := l.base.accept()
		if err != nil {
			<-slots
			var one *refused
			switch {
			case errors.As(err, &one):
				l.refuse(one.who, one.err)
				continue
			case l.hasLeft():
				// What has begun is finished, and accepted.
				l.shaking.Wait()
				l.cancel()
				return
			case l.ctx.Err() == nil && temporary(err):
				pause = min(max(2*pause, time.Millisecond), time.Second)
				select {
				case <-time.After(pause):
				case <-l.ctx.Done():
				}
				continue
			}
			if l.ctx.Err() != nil {
				err = ErrClosed // by Close
			}
			l.err = err
			l.cancel()
			return
		}
		pause = 0
		l.shaking.Add(1)
		go func() {
			defer l.shaking.Done()
			defer func() { <-slots }()
			l.shake(c)
		}()
	}
}

// waiting returns how many connections that deliver got wait to be accepted.
func (l *Listener) waiting() int { return int(l.open.Load()) }

// deliver has Accept return a connection that was established otherwise.
func (l *Listener) deliver(e *Established) {
	l.open.Add(1)
	l.shaking.Go(func() {
		defer l.open.Add(-1)
		select {
		case l.ready <- e:
		case <-l.ctx.Done():
			e.Close()
		}
	})
}

// temporary reports whether a failed accept is worth another try: the process
// has run out of descriptors, or the connection is gone already.
func temporary(err error) bool {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) {
		return false
	}
	var n net.Error
	return errors.As(err, &n)
}

// shake goes through the handshake with who has connected.
func (l *Listener) shake(c *control) {
	e, err := l.established(c)
	if err != nil {
		c.s.Close()
		l.refuse(c.peer, err)
		return
	}
	select {
	case l.ready <- e:
	case <-l.ctx.Done():
		e.Close()
	}
}

func (l *Listener) established(c *control) (*Established, error) {
	if c.transport == Unix || c.transport == Pipe {
		if err := l.o.admit(c.peer); err != nil {
			return nil, err
		}
	}
	return c.answer(l.ctx, l, l.o)
}

func (l *Listener) refuse(who Identity, err error) {
	if l.o.Refused != nil && l.ctx.Err() == nil && !l.hasLeft() {
		l.o.Refused(who, named("handshake", l.name, err))
	}
}

// Accept returns the next connection on which the handshake is done. Errors:
// ErrClosed, also when another listener has taken the name over, that of ctx,
// and those of the system.
func (l *Listener) Accept(ctx context.Context) (*Established, error) {
	select {
	case e := <-l.ready:
		return e, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.ctx.Done():
	}
	if l.hasLeft() {
		return nil, named("accept", l.base.addr(), failf(ErrClosed, "another listener has taken the name over"))
	}
	l.running.Wait()
	return nil, named("accept", l.base.addr(), l.err)
}

// Addr returns what can be dialled to get here: for TCP and UDP with the port
// that was chosen.
func (l *Listener) Addr() string { return l.base.addr() }

// Close gives the address back and ends handshakes under way. Connections that
// were accepted stay. A second Close returns ErrClosed.
func (l *Listener) Close() error {
	err := named("close", l.base.addr(), ErrClosed)
	l.once.Do(func() {
		l.cancel()
		err = named("close", l.base.addr(), l.base.Close())
		l.running.Wait()
		l.shaking.Wait()
	})
	return err
}

// Dial connects to who listens at an address and negotiates. Errors: those of
// the system when nobody is there, ErrInsecure when somebody else is,
// ErrTransport when there is nothing to agree on, ErrVersion, ErrCorrupt,
// ErrPeerDead, and the time's running out (os.ErrDeadlineExceeded, or that of
// ctx).
func Dial(ctx context.Context, addr string, o Options) (*Established, error) {
	e, err := dial(ctx, addr, o)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return e, named("dial", addr, err)
}

func dial(ctx context.Context, addr string, o Options) (*Established, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	scheme, rest, err := address(addr)
	if err != nil {
		return nil, err
	}
	var c *control
	name := ""
	switch scheme {
	case "":
		name = rest
		c, err = dialName(ctx, name, o)
	case "tcp":
		c, err = dialTCP(ctx, rest, o)
	case "fifo":
		c, err = dialFIFO(ctx, rest, o)
	default:
		return dialUDP(ctx, rest, o)
	}
	if err != nil {
		return nil, err
	}
	c.handles.expect(c.s)
	e, err := c.dial(ctx, name, o)
	c.handles.drop()
	if err != nil {
		c.s.Close()
		return nil, err
	}
	return e, nil
}
