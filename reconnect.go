package ringway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
)

// Reconnect has the connection outlive its listener. When the process at the
// other end dies or closes the connection, as one does that is replaced (see
// TakeOver), the next call that sends or receives dials again, as Dial did, until
// somebody listens there, its ctx ends, or, unless it is 0, the time has passed:
// then it returns an error that matches ErrPeerDead, and the next call tries anew.
//
// Once it is connected again, one call returns an error of type *Reconnected,
// which matches ErrReconnected: the one that noticed. What that call was to send
// was not sent. All others go on as if nothing had happened; so where one
// goroutine sends and another one receives, the one that is told has to tell the
// other. What the old process had sent is received first. Each Call whose answer
// will never come returns that error, too.
//
// Nothing is sent again by itself: the error has copies of the messages that were
// not acknowledged, for the application to decide. Shared memory knows what was
// released. On a stream the two sides agree on acknowledgements, which come a
// little late, and copies of what isn't acknowledged are kept, of up to 8 MiB. In
// either case a message can be among them that the other side had acted on:
// sent again, they arrive at least once.
//
// A listener that closes each connection at once is dialled ten times a second.
// NetConn, Watch and TryRecv can't be had, nor can UDP, where nobody learns of a
// death, and FIFOs, which carry one connection at a time: Dial returns an error
// that matches ErrUnsupported. For Dial.
func Reconnect(within time.Duration) Option {
	return func(o *options) {
		o.reconnect, o.within, o.link.Acknowledge = true, within, true
		if within < 0 && o.bad == nil {
			o.bad = &errs.Error{Op: "options", Err: ErrBadArgument, Detail: fmt.Sprintf("Reconnect within %v", within)}
		}
	}
}

// Reconnected is the error by which a call learns that the connection was lost
// and another one has taken its place. It matches ErrReconnected.
type Reconnected struct {
	Cause error        // why the one before ended: matches ErrPeerDead
	Peer  PeerIdentity // who is there now

	// Unacknowledged are copies of the messages that were sent and that the old
	// process had not released, or not said so, the oldest first. Requests of
	// Calls are not among them: these Calls were told.
	Unacknowledged []Message

	// Forgotten is how many older ones there are of which no copy was kept.
	Forgotten uint64

	// Incomplete is why there may be more of them, or nil: what the old process
	// has left in the shared memory can't be true.
	Incomplete error
}

func (r *Reconnected) Error() string {
	text := fmt.Sprintf("ringway: %v to %v: %d messages were not acknowledged", ErrReconnected, r.Peer, uint64(len(r.Unacknowledged))+r.Forgotten)
	return text + "; before that: " + r.Cause.Error()
}

// Is reports whether target is ErrReconnected.
func (r *Reconnected) Is(target error) bool { return target == ErrReconnected }

// lasting returns why there is no reconnecting over a transport, or nothing.
func lasting(t Transport) string {
	switch t {
	case UDP:
		return "nobody learns of a death over UDP, so nobody reconnects"
	case FIFO:
		return "FIFOs carry one connection at a time, and what was not received of the one before is in the way of the next"
	}
	return ""
}

// leastLife is how long a connection lasts at least before it is replaced.
const leastLife = 100 * time.Millisecond

// reconnecting are the connections of one with the option Reconnect, one after
// the other.
type reconnecting struct {
	within time.Duration
	dial   func(context.Context) (*Conn, error)
	lose   func(*Conn, error) // ends the calls under way on one that is lost
	ctx    context.Context    // ends with Close
	cancel context.CancelFunc
	turn   chan struct{} // held by who reconnects

	claim []byte // of who sends: the open claim

	mu        sync.Mutex
	now       *Conn
	made      time.Time // when now was
	sending   *Conn     // written by who sends, who reads it without mu
	receiving *Conn     // written by who receives, who reads it without mu
	kept      []Message // of those that ended before anything was received from them
	ended     ring.Totals
	closed    bool
}

// newReconnecting makes the connection that stands for first and its successors.
func newReconnecting(first *Conn, dial func(context.Context) (*Conn, error), within time.Duration) *Conn {
	r := &reconnecting{within: within, dial: dial, turn: make(chan struct{}, 1), now: first, made: time.Now(), sending: first, receiving: first}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	c := &Conn{name: first.name, re: r}
	r.lose = c.calls.lose
	return c
}

// plain returns the connection that c stands for at the moment.
func (c *Conn) plain() *Conn {
	if c.re == nil {
		return c
	}
	c.re.mu.Lock()
	defer c.re.mu.Unlock()
	return c.re.now
}

// ended reports whether the other side has said that no message follows, and
// whether it is gone, as far as this side has noticed. It belongs to who receives.
func (c *Conn) ended() (said, gone bool) {
	if l, ok := c.linkEnds(); ok {
		return l.Ended()
	}
	return c.said, c.left.Load() != nil
}

func (c *Conn) linkEnds() (fallback.Resumable, bool) {
	if c.link == nil {
		return nil, false
	}
	l, ok := c.link.Link.(fallback.Resumable)
	return l, ok
}

// send has op send on the connection, or on the one that takes its place.
func (r *reconnecting) send(ctx context.Context, op func(*Conn) error) error {
	for {
		c := r.sending
		err := op(c)
		if !errors.Is(err, ErrPeerDead) {
			return err
		}
		err = r.lost(ctx, c, err)
		if err == nil || errors.Is(err, ErrReconnected) {
			r.move(&r.sending)
		}
		if err != nil {
			return err
		}
	}
}

// claimed is Claim.
func (r *reconnecting) claimed(ctx context.Context, n int) ([]byte, error) {
	err := r.send(ctx, func(c *Conn) (err error) {
		r.claim, err = c.Claim(ctx, n)
		return err
	})
	return r.claim, err
}

// commit sends the open claim. If the connection is lost meanwhile, and another
// call was told, it goes over the next one.
func (r *reconnecting) commit(ctx context.Context, typ uint16) error {
	first := r.sending
	return r.send(ctx, func(c *Conn) error {
		if c != first {
			return c.SendTyped(ctx, typ, r.claim)
		}
		err := c.Commit(ctx, typ)
		if errors.Is(err, ErrPeerDead) {
			r.claim = append([]byte(nil), r.claim...) // the memory goes
		}
		return err
	})
}

// recv receives from the connection, what there still is, or from the one that
// takes its place. With once it returns errMoved instead of that.
func (r *reconnecting) recv(ctx context.Context, once bool) (Message, error) {
	for {
		c := r.receiving
		m, err := c.Recv(ctx)
		if err == nil || err != io.EOF && !errors.Is(err, ErrPeerDead) {
			return m, err
		}
		said, gone := c.ended()
		if err == io.EOF && (!gone || said && !c.toldEnd) {
			c.toldEnd = true
			return m, err
		}
		if m, ok := r.nextKept(); ok {
			return m, nil
		}
		if err == io.EOF {
			err = c.errGone("receive", err)
		}
		err = r.lost(ctx, c, err)
		if err == nil || errors.Is(err, ErrReconnected) {
			r.move(&r.receiving)
		}
		if err == nil && once {
			err = errMoved
		}
		if err != nil {
			return Message{}, err
		}
	}
}

// errMoved is returned to who has to look whether what it waits for can still
// come.
var errMoved = errors.New("ringway: another call has reconnected")

// nextKept returns the next of the messages that were kept.
func (r *reconnecting) nextKept() (m Message, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) == 0 {
		return m, false
	}
	m, r.kept = r.kept[0], r.kept[1:]
	return m, true
}

// move has the side whose connection at points to use the one there is now. The
// one before is closed when nobody uses it any more.
func (r *reconnecting) move(at **Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := *at; old != r.now {
		*at = r.now
		r.giveUp(old)
	}
}

// giveUp closes a connection that has ended, unless it is still in use. The
// caller has r.mu.
func (r *reconnecting) giveUp(c *Conn) {
	if c != r.now && c != r.sending && c != r.receiving && c.Close() == nil {
		t := c.Counts()
		for i := range t {
			r.ended[i] += t[i]
		}
	}
}

// lost replaces a connection that was found lost, for a reason. It returns nil if
// that was done by another call meanwhile, and *Reconnected if it has been done now.
func (r *reconnecting) lost(ctx context.Context, c *Conn, cause error) error {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ctx.Done():
		return c.errOf("reconnect", ErrClosed, "")
	}
	r.mu.Lock()
	old, made, closed := r.now, r.made, r.closed
	r.mu.Unlock()
	if closed {
		return c.errOf("reconnect", ErrClosed, "")
	}
	if old != c {
		return nil
	}
	next, err := r.again(ctx, c, time.Until(made.Add(leastLife)))
	if err != nil {
		return err
	}
	told := &Reconnected{Cause: cause, Peer: next.peer}
	all, forgotten, err := c.takeStock()
	told.Forgotten, told.Incomplete = forgotten, err
	for _, m := range all {
		if !m.Correlated {
			told.Unacknowledged = append(told.Unacknowledged, m)
		}
	}
	if !r.replace(c, next) {
		_ = next.Close()
		return c.errOf("reconnect", ErrClosed, "")
	}
	r.lose(c, told)
	return told
}

// again waits for a moment and dials until somebody listens.
func (r *reconnecting) again(ctx context.Context, c *Conn, pause time.Duration) (*Conn, error) {
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	if r.within > 0 {
		limited, cancel = context.WithTimeout(limited, max(pause, 0)+r.within)
		defer cancel()
	}
	select {
	case <-time.After(pause):
	case <-limited.Done():
	}
	next, err := dialAgain(limited, r.dial)
	switch {
	case err == nil:
		return next, nil
	case r.ctx.Err() != nil:
		err = c.errOf("reconnect", ErrClosed, "")
	case ctx.Err() != nil:
		err = ctx.Err()
	case limited.Err() != nil:
		err = c.errOf("reconnect", ErrPeerDead, fmt.Sprintf("nobody has listened there again for %v", r.within))
	}
	return nil, err
}

// replace puts next in the place of c, and reports whether the connection is open.
func (r *reconnecting) replace(c, next *Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.now, r.made = next, time.Now()
	if c != r.receiving {
		// Nothing was received from it, and it will be asked for nothing.
		r.kept = append(r.kept, c.leftovers()...)
	}
	r.giveUp(c)
	return true
}

// leftovers returns copies of what a connection that is lost has to be received.
func (c *Conn) leftovers() (all []Message) {
	// The other side is gone: there is nothing to wait for.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for {
		m, err := c.Recv(ctx)
		if err != nil {
			return all
		}
		m.Payload = append([]byte(nil), m.Payload...)
		all = append(all, m)
	}
}

// takeStock ends the sending on a connection that is lost, and returns what was
// sent in vain.
func (c *Conn) takeStock() (all []Message, forgotten uint64, err error) {
	if l, ok := c.linkEnds(); ok {
		l.Cut()
		return l.Unacknowledged()
	}
	<-c.cut
	all, err = c.Unacknowledged()
	return all, 0, err
}

// close is Close.
func (r *reconnecting) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return r.now.errOf("close", ErrClosed, "")
	}
	r.closed = true
	r.cancel()
	for _, c := range []*Conn{r.sending, r.receiving} {
		if c != r.now {
			_ = c.Close()
		}
	}
	return r.now.Close()
}

// counts is Counts.
func (r *reconnecting) counts() ring.Totals {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.ended
	seen := make(map[*Conn]bool)
	for _, c := range []*Conn{r.now, r.sending, r.receiving} {
		if !seen[c] {
			seen[c] = true
			more := c.Counts()
			for i := range t {
				t[i] += more[i]
			}
		}
	}
	return t
}

// errOf makes an error of this connection.
func (c *Conn) errOf(op string, err error, detail string) error {
	return &errs.Error{Op: op, Name: c.name, Err: err, Detail: detail}
}
