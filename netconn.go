package ringway

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/ringway/ringway/internal/errs"
)

// NetConn returns the connection as a net.Conn: a stream of bytes, on which
// gRPC, net/rpc and HTTP run unchanged. It takes the connection over: nothing
// else of it may be used any more, except Transport, PeerIdentity and Close. Its
// methods may be called by any goroutine at any time. A Write is sent as one
// message, or several if it is longer than MaxMessage; message types mean
// nothing, and what the other side sends to it should come from a NetConn as
// well. It has CloseWrite, as TCP connections have.
//
// It can't be had over UDP, which loses messages, nor with Reconnect, as a stream
// can't begin anew in its midst: then NetConn panics.
func (c *Conn) NetConn() net.Conn {
	if c.transport == UDP || c.re != nil {
		panic("ringway: NetConn over UDP, or of a connection that reconnects")
	}
	n := &netConn{c: c}
	n.read.init()
	n.write.init()
	return n
}

type netConn struct {
	c *Conn

	reading sync.Mutex
	rest    []byte // of the message received last
	read    deadline

	writing sync.Mutex
	write   deadline
}

// netAddr is an end of a connection.
type netAddr struct{ transport, name string }

func (a netAddr) Network() string { return a.transport }
func (a netAddr) String() string  { return a.name }

func (n *netConn) Read(b []byte) (int, error) {
	n.reading.Lock()
	defer n.reading.Unlock()
	ctx := n.read.context()
	if err := ctx.Err(); err != nil {
		return 0, n.fail("read", context.Cause(ctx))
	}
	if len(b) == 0 {
		return 0, nil
	}
	for len(n.rest) == 0 {
		m, err := n.c.Recv(ctx)
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return 0, n.fail("read", err)
		}
		n.rest = m.Payload
	}
	k := copy(b, n.rest)
	if n.rest = n.rest[k:]; len(n.rest) == 0 {
		n.c.release()
	}
	return k, nil
}

// release gives a message that was copied out back at once: a ring may be just
// large enough for the next one.
func (c *Conn) release() {
	if c.in != nil {
		_ = c.in.releaseLazily()
	}
}

// releaseLazily releases what is out. The producer is told with the next batch,
// or when the consumer waits.
func (c *Consumer) releaseLazily() error {
	if !c.gate.Enter() {
		return c.shutOut("release")
	}
	if c.spsc.Release() {
		c.publish()
	}
	c.gate.Exit()
	return nil
}

func (n *netConn) Write(b []byte) (sent int, err error) {
	n.writing.Lock()
	defer n.writing.Unlock()
	ctx := n.write.context()
	if err := ctx.Err(); err != nil {
		return 0, n.fail("write", context.Cause(ctx))
	}
	for {
		piece := b[:min(len(b), n.c.max)]
		if len(piece) > 0 || sent == 0 && n.c.closed.Load() {
			if err := n.c.SendTyped(ctx, 0, piece); err != nil {
				if ctx.Err() != nil {
					err = context.Cause(ctx)
				}
				return sent, n.fail("write", err)
			}
		}
		sent += len(piece)
		if b = b[len(piece):]; len(b) == 0 {
			return sent, nil
		}
	}
}

// fail makes of an error what users of net.Conn know.
func (n *netConn) fail(op string, err error) error {
	switch {
	case err == io.EOF, err == nil:
		return err
	case errors.Is(err, ErrClosed):
		err = net.ErrClosed
		if !n.c.closed.Load() {
			err = io.ErrClosedPipe // the end was said
		}
	case errors.Is(err, ErrPeerDead) && op == "write":
		err = &wrapped{syscall.EPIPE, err}
	case errors.Is(err, ErrPeerDead):
		err = &wrapped{syscall.ECONNRESET, err}
	}
	return &net.OpError{Op: op, Net: n.c.transport.String(), Source: n.LocalAddr(), Addr: n.RemoteAddr(), Err: err}
}

// wrapped is an error that matches what programs look for, too.
type wrapped struct{ is, err error }

func (w *wrapped) Error() string   { return w.err.Error() }
func (w *wrapped) Unwrap() []error { return []error{w.is, w.err} }

// CloseWrite says that nothing will follow.
func (n *netConn) CloseWrite() error {
	n.writing.Lock()
	defer n.writing.Unlock()
	return n.fail("close", n.c.CloseSend())
}

func (n *netConn) Close() error {
	err := n.c.Close()
	n.read.end()
	n.write.end()
	if err != nil {
		return n.fail("close", err)
	}
	return nil
}

func (n *netConn) LocalAddr() net.Addr { return netAddr{n.c.transport.String(), n.c.name} }
func (n *netConn) RemoteAddr() net.Addr {
	return netAddr{n.c.transport.String(), n.c.name + " (" + n.c.peer.String() + ")"}
}

func (n *netConn) SetDeadline(t time.Time) error {
	return errors.Join(n.SetReadDeadline(t), n.SetWriteDeadline(t))
}
func (n *netConn) SetReadDeadline(t time.Time) error  { return n.setDeadline(&n.read, t) }
func (n *netConn) SetWriteDeadline(t time.Time) error { return n.setDeadline(&n.write, t) }

func (n *netConn) setDeadline(d *deadline, t time.Time) error {
	if n.c.closed.Load() {
		return n.fail("set", &errs.Error{Op: "set deadline", Name: n.c.name, Err: ErrClosed})
	}
	d.set(t)
	return nil
}

// deadline is a context that ends when it is over, and a new one whenever it was
// and is set again.
type deadline struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func (d *deadline) init() { d.ctx, d.cancel = context.WithCancelCause(context.Background()) }

func (d *deadline) context() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ctx
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		if !d.timer.Stop() {
			<-d.ctx.Done() // it fired: its function ends the old one, at the latest now
		}
		d.timer = nil
	}
	if d.ctx.Err() != nil {
		d.init()
	}
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.cancel(os.ErrDeadlineExceeded)
		return
	}
	cancel := d.cancel
	d.timer = time.AfterFunc(left, func() { cancel(os.ErrDeadlineExceeded) })
}

// end gives the timer back.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

// NetListener returns the listener as a net.Listener, whose connections are
// those of NetConn.
func (l *Listener) NetListener() net.Listener { return netListener{l} }

type netListener struct{ l *Listener }

func (n netListener) Accept() (net.Conn, error) {
	c, err := n.l.Accept(context.Background())
	if err != nil {
		if errors.Is(err, ErrClosed) {
			err = net.ErrClosed
		}
		return nil, &net.OpError{Op: "accept", Net: "ringway", Addr: n.Addr(), Err: err}
	}
	return c.NetConn(), nil
}

func (n netListener) Close() error   { return n.l.Close() }
func (n netListener) Addr() net.Addr { return netAddr{"ringway", n.l.Addr()} }
