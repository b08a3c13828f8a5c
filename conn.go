package ringway

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"os"
	"sync/atomic"

	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/sync"
)

// Conn is a connection between two processes: messages go both ways, over two
// rings in shared memory where that can be had, or over what both sides allow
// instead. One goroutine at a time may send (Send, Claim, Commit, CloseSend), one
// may receive (Recv, Messages), both at the same time, and any may call the
// other methods at any time. Call, Serve and NetConn say who may do what beside
// them.
type Conn struct {
	name      string
	transport Transport
	peer      PeerIdentity
	trail     []fallback.Step
	max       int

	// Over rings; nil otherwise.
	out       *Producer
	in        *Consumer
	memory    *memory
	control   *fallback.Control
	doorbells *fallback.Doorbells   // nil if nobody polls
	line      *sync.Line            // of those who do; nil without
	left      atomic.Pointer[error] // why the other side is gone
	waking    sync.Mutex            // keeps the consumer from being closed while it is woken

	// Over anything else; nil otherwise.
	link  *countedLink
	claim []byte                // what Claim gave
	open  bool                  // and Commit hasn't taken
	ahead atomic.Pointer[ahead] // receives for who doesn't want to wait; nil at first

	closed atomic.Bool
	calls  caller
	last   atomic.Pointer[ring.Totals] // the counts when it was closed
	timed  *timings                    // nil: no messages are timed

	sending *Ring                                    // over rings: what out sends on
	redial  func(ctx context.Context) (*Conn, error) // of one that was dialled

	re      *reconnecting // with the option Reconnect: it has all the rest
	cut     chan struct{} // over rings: closed when the other side is gone and out closed
	said    bool          // over rings: the other side has declared the end; of who receives
	toldEnd bool          // with re: the application was told
}

// pairing is what the rings of a connection have instead of places in a table:
// the connection knows who uses them, and learns of the other side's death.
type pairing struct {
	name  string                // tells the two rings of a section apart
	slots int                   // the first of the two entries of the table whose counters are the ring's
	gone  func(op string) error // why nobody is there any more; nil while somebody is

	// doorbell finds what those sleep on who poll; nil if that was not agreed on.
	doorbell func(what string, create bool) (*os.File, error)
	line     *sync.Line // takes its place; may be nil
	polls    bool       // all have to

	timed *timings // where this side counts, if messages are timed
}

// newConn makes a connection of what was negotiated.
func newConn(name string, e *fallback.Established, o options) (*Conn, error) {
	c := &Conn{name: name, transport: e.Transport, peer: e.Peer, trail: e.Trail, cut: make(chan struct{})}
	if e.Link != nil {
		c.link = newCountedLink(e.Link)
		c.max = e.Link.MaxMessage()
		c.connected(o.events)
		return c, nil
	}
	c.doorbells = e.Doorbells
	c.memory, c.control, c.max = newMemory(e.Section), e.Control, int(min(e.Geometry.MaxMessage(), 1<<31-1))
	send, receive := e.Rings()
	if f := e.Doorbells.TakeLine(); f != nil {
		var err error
		if c.line, err = sync.NewLine(f); err != nil {
			return nil, errors.Join(err, e.Control.Close(), c.memory.release())
		}
	}
	bells := func(of string) func(string, bool) (*os.File, error) {
		if e.Doorbells == nil || c.line != nil {
			return nil
		}
		return func(what string, _ bool) (*os.File, error) { return e.Doorbells.Take(of + what) }
	}
	// A thread for each end that sleeps would be too much for many connections.
	polls := e.Transport == Bridge || e.Doorbells != nil && o.wait == Adaptive
	mine := &pairing{name: ".a", slots: 0, gone: c.gone, doorbell: bells("a."), line: c.line, polls: polls}
	theirs := &pairing{name: ".b", slots: roles, gone: c.gone, doorbell: bells("b."), line: c.line, polls: polls}
	if !e.Dialed {
		mine, theirs = theirs, mine
	}
	if e.Geometry.SampleEvery != 0 {
		if c.timed = o.timed; c.timed == nil {
			c.timed = newTimings()
		}
		c.timed.on.Store(true)
		mine.timed, theirs.timed = c.timed, c.timed
	}
	sending := &Ring{name: name, geometry: e.Geometry, options: o, memory: c.memory, body: send, pairing: mine}
	receiving := &Ring{name: name, geometry: e.Geometry, options: o, memory: c.memory, body: receive, pairing: theirs}
	c.sending = sending
	var err error
	if c.out, err = sending.Producer(); err == nil {
		if c.in, err = receiving.Consumer(); err != nil {
			_ = c.out.Close()
		}
	}
	if err != nil {
		return nil, errors.Join(err, e.Control.Close(), c.memory.release(), c.line.Close(), c.doorbells.Close())
	}
	c.control.Watch(c.watched)
	c.connected(o.events)
	return c, nil
}

// gone returns why the other side is gone, as the error of a call that waits.
func (c *Conn) gone(op string) error {
	if e := c.left.Load(); e != nil {
		return c.errGone(op, *e)
	}
	return nil
}

func (c *Conn) errGone(op string, why error) error {
	if why == io.EOF {
		why = &errs.Error{Err: ErrPeerDead, Detail: "it has closed the connection"}
	}
	var e *errs.Error
	if errors.As(why, &e) {
		return &errs.Error{Op: op, Name: c.name, Err: e.Err, Detail: c.peer.String() + ": " + e.Detail}
	}
	return &errs.Error{Op: op, Name: c.name, Err: why}
}

// watched is called when the other side is gone: from now on nothing can be
// sent, and what waits learns of it.
func (c *Conn) watched(why error) {
	if errors.Is(why, ErrClosed) {
		return // by us
	}
	c.left.Store(&why)
	_ = c.out.Close()
	close(c.cut)
	c.waking.Lock()
	defer c.waking.Unlock()
	if !c.closed.Load() {
		c.in.mine.Interrupt()
	}
}

// Transport returns the road that was agreed on.
func (c *Conn) Transport() Transport { return c.plain().transport }

// PeerIdentity returns who is on the other side, as the system said when the
// connection was made.
func (c *Conn) PeerIdentity() PeerIdentity { return c.plain().peer }

// Trail returns what was tried until both sides agreed, the last step being what
// they agreed on.
func (c *Conn) Trail() []fallback.Step { return c.plain().trail }

// MaxMessage returns the largest payload in bytes, in both directions.
func (c *Conn) MaxMessage() int { return c.plain().max }

// Send sends b as one message of type 0, waiting for room until ctx ends. It
// copies. When it returns nil the message will be received if the other side
// lives and receives; when it returns an error nothing was sent. Errors: that of
// ctx, ErrTooLarge, ErrPeerDead (the other side is gone: it died or closed the
// connection), ErrClosed, ErrCorrupt. An open claim is given back.
func (c *Conn) Send(ctx context.Context, b []byte) error { return c.SendTyped(ctx, 0, b) }

// SendTyped is Send with a message type, which means what the application wants
// it to mean.
func (c *Conn) SendTyped(ctx context.Context, typ uint16, b []byte) error {
	if c.out == nil {
		return c.sendOtherwise(ctx, typ, b)
	}
	if err := c.out.SendTyped(ctx, typ, b); err != nil {
		return c.sendFailed("send", err)
	}
	return nil
}

// sendOtherwise is SendTyped where there is no ring to put the message into.
func (c *Conn) sendOtherwise(ctx context.Context, typ uint16, b []byte) error {
	if c.re != nil {
		return c.re.send(ctx, func(c *Conn) error { return c.SendTyped(ctx, typ, b) })
	}
	c.open = false
	return c.link.Send(ctx, typ, b)
}

// sendFailed returns why something could not be sent: the producer doesn't know
// why it was closed.
func (c *Conn) sendFailed(op string, err error) error {
	if errors.Is(err, ErrClosed) && !c.closed.Load() {
		if gone := c.gone(op); gone != nil {
			return gone
		}
	}
	return err
}

// sendCorrelated sends a message with a number in front.
func (c *Conn) sendCorrelated(ctx context.Context, typ uint16, id uint64, b []byte) error {
	if c.out == nil {
		return c.link.SendCorrelated(ctx, typ, id, b)
	}
	if c.out.putCorrelated(typ, id, b) {
		return nil
	}
	buf, err := c.out.Claim(ctx, 8+len(b))
	if err != nil {
		return c.sendFailed("send", err)
	}
	return c.commitNumbered(buf, typ, id, b)
}

// commitNumbered commits an open claim with a number in front.
func (c *Conn) commitNumbered(buf []byte, typ uint16, id uint64, b []byte) error {
	binary.LittleEndian.PutUint64(buf, id)
	copy(buf[8:], b)
	if err := c.out.commitCorrelated(typ, len(buf)); err != nil {
		return c.sendFailed("send", err)
	}
	return nil
}

// commitCorrelated commits an open claim of n bytes that begins with a number.
func (p *Producer) commitCorrelated(typ uint16, n int) error {
	if !p.gate.Enter() {
		return p.shutOut("commit")
	}
	p.spsc.CommitCorrelated(typ, n)
	p.counters.Sent(1, uint64(n))
	p.theirs.Ring()
	p.gate.Exit()
	return nil
}

// Claim reserves room for a message of n bytes, waiting for it until ctx ends,
// and returns it to be filled before Commit: the ring's own memory, or a buffer
// of the connection where there is no ring. It is valid until the next call that
// sends. Errors are those of Send. It panics if n is negative.
func (c *Conn) Claim(ctx context.Context, n int) ([]byte, error) {
	if c.out != nil {
		b, err := c.out.Claim(ctx, n)
		if err != nil {
			err = c.sendFailed("claim", err)
		}
		return b, err
	}
	switch {
	case n < 0:
		panic("ringway: Claim of a negative size")
	case c.re != nil:
		return c.re.claimed(ctx, n)
	case c.closed.Load() || c.link == nil:
		return nil, &errs.Error{Op: "claim", Name: c.name, Err: ErrClosed}
	case n > c.max:
		return nil, &errs.Error{Op: "claim", Name: c.name, Err: ErrTooLarge}
	case n > cap(c.claim):
		c.claim = make([]byte, n)
	}
	c.claim, c.open = c.claim[:n], true
	return c.claim, nil
}

// Commit sends the whole open claim as a message of the given type. Over a ring
// it doesn't wait; otherwise until ctx ends, and the claim is gone either way.
// Errors are those of Send. It panics when no claim is open.
func (c *Conn) Commit(ctx context.Context, typ uint16) error {
	if c.out != nil {
		if err := c.out.CommitTyped(typ, c.out.claimed()); err != nil {
			return c.sendFailed("commit", err)
		}
		return nil
	}
	if c.re != nil {
		return c.re.commit(ctx, typ)
	}
	if !c.open {
		panic("ringway: Commit without a claim")
	}
	c.open = false
	return c.link.Send(ctx, typ, c.claim)
}

// Recv returns the next message, waiting for it until ctx ends. The payload is
// not a copy: it is valid until the next Recv. A message that asks (see Call)
// has Correlated set, and is for Serve. Recv returns io.EOF when the other side
// has said that nothing follows, or has closed the connection, and everything
// was received; ErrPeerDead when it died, and everything that it had sent was
// received; ErrLost over UDP; that of ctx, ErrCorrupt, ErrClosed.
func (c *Conn) Recv(ctx context.Context) (Message, error) {
	if c.in == nil {
		return c.recvOtherwise(ctx)
	}
	m, err := c.in.Recv(ctx)
	if err != nil {
		return c.recvFailed(m, err)
	}
	return m, nil
}

// recvOtherwise is Recv where there is no ring to take a message out of.
func (c *Conn) recvOtherwise(ctx context.Context) (Message, error) {
	if c.re != nil {
		return c.re.recv(ctx, false)
	}
	return c.recvLink(ctx)
}

// recvFailed is Recv when nothing came.
func (c *Conn) recvFailed(m Message, err error) (Message, error) {
	c.said = c.said || err == io.EOF
	why := c.left.Load()
	if why == nil || errors.Is(err, ErrClosed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return m, err
	}
	// What the other side sent before it left is there, or never will be.
	if m, err = c.in.TryRecv(); err == nil {
		return m, nil
	}
	if err != ErrEmpty {
		return m, err
	}
	if *why == io.EOF {
		return m, io.EOF
	}
	return m, c.errGone("receive", *why)
}

// Messages returns an iterator over the messages to come:
//
//	for m, err := range c.Messages(ctx) { … }
//
// A message is valid until the loop's next step. The loop ends by itself behind
// the last message; every other error is yielded, and ends it unless it matches
// ErrLost.
func (c *Conn) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			m, err := c.Recv(ctx)
			if err == io.EOF {
				return
			}
			if !yield(m, err) || err != nil && !errors.Is(err, ErrLost) && !errors.Is(err, ErrReconnected) {
				return
			}
		}
	}
}

// CloseSend says that no message will follow: the other side gets io.EOF behind
// the last one. Receiving goes on. It returns ErrClosed the second time.
func (c *Conn) CloseSend() error {
	if c.re != nil {
		return c.re.send(c.re.ctx, (*Conn).CloseSend)
	}
	if c.out == nil {
		return c.link.CloseSend()
	}
	if err := c.out.End(context.Background()); err != nil {
		return c.sendFailed("end", err)
	}
	return nil
}

// Close ends the connection. The other side receives what was sent, and then
// io.EOF. Calls that wait in other goroutines end with ErrClosed. A second Close
// returns ErrClosed.
func (c *Conn) Close() error {
	if c.re != nil {
		return c.re.close()
	}
	if c.closed.Swap(true) || c.link == nil && c.out == nil {
		return &errs.Error{Op: "close", Name: c.name, Err: ErrClosed}
	}
	if c.link != nil {
		err := c.link.Close()
		if a := c.ahead.Load(); a != nil {
			a.end()
		}
		return err
	}
	var failed error
	// The producer is closed already if the other side is gone.
	if err := c.out.Close(); !errors.Is(err, ErrClosed) {
		failed = err
	}
	c.waking.Lock()
	defer c.waking.Unlock()
	failed = errors.Join(failed, c.control.Close(), c.in.Close())
	c.keepCounts()
	return errors.Join(failed, c.memory.release(), c.line.Close(), c.doorbells.Close())
}
