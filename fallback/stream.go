package fallback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
)

// stream is what a stream transport gives: bytes in order, both ways. Close
// ends calls that wait.
type stream interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// copyUpTo is the size in bytes up to which a message is copied behind its
// header, to be written at once; a longer one is gathered by the system where
// that can be done.
const copyUpTo = 16 << 10

// ahead is how many bytes of a gathered frame are copied behind its header: with
// a header alone in front, a payload that begins with a page would lie 8 bytes
// behind one in the kernel. What lead says of reading goes for that copy, too.
const ahead = 4 << 10

// streamLink sends frames over a stream.
type streamLink struct {
	transport Transport
	peer      Identity
	wire      wire
	s         stream

	// The receiving side. receiving is held by who reads.
	receiving sync.Mutex
	in        frames
	reading   canceller
	ended     error // what Recv returns from now on

	// The sending side. sending is held by who writes: Send, CloseSend and
	// what finishes a message; Close tries to get it.
	sending sync.Mutex
	writing canceller
	out     []byte
	gather  net.Buffers
	parts   [3][]byte
	said    bool  // the end frame was sent
	broken  error // what Send returns from now on

	acks *acknowledger // what was received is acknowledged
	log  *sentLog      // what was sent is

	closed  atomic.Bool
	cut     atomic.Bool // nothing more is to be sent
	endSaid atomic.Bool // by the other side
	left    atomic.Bool // the other side has closed the connection, or is dead
}

func newStreamLink(t Transport, s stream, peer Identity, w wire, rest frames) *streamLink {
	l := &streamLink{transport: t, peer: peer, wire: w, s: s, in: rest}
	l.reading.set, l.writing.set = s.SetReadDeadline, s.SetWriteDeadline
	return l
}

// track has what who dialled sends be acknowledged.
func (l *streamLink) track(dialed bool) {
	if dialed {
		l.log = &sentLog{}
		return
	}
	l.acks = &acknowledger{timer: time.AfterFunc(time.Hour, l.acknowledge)}
	l.acks.timer.Stop()
}

func (l *streamLink) Transport() Transport { return l.transport }
func (l *streamLink) Peer() Identity       { return l.peer }
func (l *streamLink) MaxMessage() int      { return int(l.wire.max) }

func (l *streamLink) Send(ctx context.Context, typ uint16, payload []byte) error {
	return l.send(ctx, ring.MakeHeader(uint32(len(payload)), typ, l.wire.flags()), 0, payload)
}

func (l *streamLink) SendCorrelated(ctx context.Context, typ uint16, id uint64, payload []byte) error {
	return l.send(ctx, ring.MakeHeader(uint32(len(payload)), typ, l.wire.flags()|ring.FlagCorrelation), id, payload)
}

func (l *streamLink) CloseSend() error {
	return l.send(context.Background(), ring.MakeHeader(0, ctlEnd, ring.FlagControl), 0, nil)
}

func (l *streamLink) send(ctx context.Context, h ring.Header, id uint64, payload []byte) error {
	if h.Flags()&ring.FlagControl == 0 && uint64(len(payload)) > l.wire.max {
		return l.fail("send", failf(ErrTooLarge, "message of %d bytes, the connection takes at most %d", len(payload), l.wire.max))
	}
	if err := l.enterSend(ctx); err != nil {
		return err
	}
	if err := l.writing.watch(ctx); err != nil {
		l.sending.Unlock()
		return err
	}
	end := h.Flags()&ring.FlagControl != 0
	l.said = l.said || end
	look := l.log.push(h, id, payload)
	err := l.write(ctx, h, id, payload)
	if look {
		l.collectAcks()
	}
	return err
}

// write writes a frame, in one system call, and gives the right to write back.
func (l *streamLink) write(ctx context.Context, h ring.Header, id uint64, payload []byte) error {
	var acked uint64
	l.out, acked = l.acks.append(l.out[:0])
	l.out = appendHeader(l.out, h, payload, 0, id)
	var rest [3][]byte
	var n int
	var err error
	if len(payload) <= copyUpTo {
		l.out = append(append(l.out, payload...), padding(h)...)
		n, err = l.s.Write(l.out)
		rest[0] = l.out[n:]
	} else {
		front := payload[:ahead-len(l.out)]
		l.out = append(l.out, front...)
		l.parts = [3][]byte{l.out, payload[len(front):], padding(h)}
		l.gather = l.parts[:]
		var all int64
		all, err = l.gather.WriteTo(l.s)
		n = int(all)
		copy(rest[:], l.gather)
		l.parts = [3][]byte{}
	}
	if n > 0 {
		l.acks.done(acked)
	}
	if err == nil {
		l.sending.Unlock()
		return nil
	}
	return l.unsent(ctx, h, err, n, rest)
}

// enterSend gets the right to write, or says why not.
func (l *streamLink) enterSend(ctx context.Context) error {
	if !l.sending.TryLock() {
		// What an ended Send has left is still being written.
		if err := lockContext(ctx, &l.sending); err != nil {
			return err
		}
	}
	err := l.broken
	switch {
	case l.closed.Load():
		err = l.fail("send", ErrClosed)
	case err == nil && l.said:
		err = l.fail("send", failf(ErrClosed, "the end was said"))
	}
	if err != nil {
		l.sending.Unlock()
	}
	return err
}

// lockContext locks mu, unless ctx ends first.
func lockContext(ctx context.Context, mu *sync.Mutex) error {
	got := make(chan struct{})
	go func() {
		mu.Lock()
		close(got)
	}()
	select {
	case <-got:
		return nil
	case <-ctx.Done():
		go func() {
			<-got
			mu.Unlock()
		}()
		return ctx.Err()
	}
}

// unsent ends a send that failed: n bytes were written, then err stopped it with
// the given parts left. It gives the right to write back, or has a goroutine do
// so.
func (l *streamLink) unsent(ctx context.Context, h ring.Header, err error, n int, rest [3][]byte) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && !l.closed.Load() && !l.cut.Load() {
		l.writing.unwatch()
		if n == 0 {
			l.log.undo(h)
			l.sending.Unlock()
			return ctx.Err()
		}
		// The message has begun, so it must be finished, or nothing could
		// follow it.
		var left []byte
		for _, r := range rest {
			left = append(left, r...)
		}
		go func() {
			defer l.sending.Unlock()
			if _, err := l.s.Write(left); err != nil {
				l.broken = l.gone("send", err)
			}
		}()
		return nil
	}
	l.log.undo(h)
	l.broken = l.gone("send", err)
	err = l.broken
	l.sending.Unlock()
	return err
}

func (l *streamLink) Recv(ctx context.Context) (ring.Message, error) {
	l.receiving.Lock()
	defer l.receiving.Unlock()
	l.acks.release()
	if l.ended != nil {
		return ring.Message{}, l.ended
	}
	if err := l.reading.watch(ctx); err != nil {
		return ring.Message{}, err
	}
	f, err := l.in.next(l.s, l.wire)
	for err == nil && f.control() && f.h.Type() == ctlAck {
		if err = l.takeAck(f); err == nil {
			f, err = l.in.next(l.s, l.wire)
		}
	}
	switch {
	case l.closed.Load():
		l.ended = l.fail("receive", ErrClosed)
	case err != nil && errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
		l.reading.unwatch()
		return ring.Message{}, ctx.Err()
	case err != nil:
		l.ended = l.gone("receive", err)
	case !f.control():
		m, err := f.message()
		if err != nil {
			l.ended = l.fail("receive", err)
		}
		l.acks.handed(len(m.Payload))
		return m, l.ended
	case f.h.Type() == ctlEnd:
		l.endSaid.Store(true)
		l.ended = io.EOF
	case f.h.Type() == ctlClose:
		l.left.Store(true)
		l.ended = io.EOF
	default:
		l.ended = l.fail("receive", failf(ErrCorrupt, "control frame of type %d between messages", f.h.Type()))
	}
	return ring.Message{}, l.ended
}

func (l *streamLink) Close() error {
	if l.closed.Swap(true) {
		return l.fail("close", ErrClosed)
	}
	_ = l.s.SetReadDeadline(longAgo)
	l.acks.stop()
	if l.sending.TryLock() {
		// Nobody writes: there is time to say goodbye, if there is room.
		if l.broken == nil {
			l.writing.unwatch()
			_ = l.s.SetWriteDeadline(time.Now().Add(goodbye))
			last, _ := l.acks.append(nil)
			_, _ = l.s.Write(append(last, controlFrame(ctlClose, nil)...))
		}
		l.sending.Unlock()
	} else {
		_ = l.s.SetWriteDeadline(longAgo)
	}
	t, ok := l.s.(*net.TCPConn)
	if !ok || t.CloseWrite() != nil {
		return l.s.Close()
	}
	go l.linger(t)
	return nil
}

// goodbye is how long Close waits for room for the last frame.
const goodbye = 50 * time.Millisecond

// linger closes a TCP connection so that the other side gets what was sent:
// the system throws it away if there is something unread here.
func (l *streamLink) linger(t *net.TCPConn) {
	l.receiving.Lock() // whoever reads is leaving
	defer l.receiving.Unlock()
	_ = t.SetReadDeadline(time.Now().Add(2 * time.Second))
	_, _ = io.Copy(io.Discard, t)
	_ = t.Close()
}

// gone makes an error of what the system says about a stream that broke.
func (l *streamLink) gone(op string, err error) error {
	err = l.why(op, err)
	if errors.Is(err, ErrPeerDead) {
		l.left.Store(true)
	}
	return err
}

func (l *streamLink) why(op string, err error) error {
	var e *errs.Error
	switch {
	case errors.As(err, &e):
		return l.fail(op, e)
	case l.closed.Load(), errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrClosed):
		return l.fail(op, ErrClosed)
	case err == io.EOF:
		return l.fail(op, failf(ErrPeerDead, "%v: the connection ended without a word", l.peer))
	}
	return l.fail(op, failf(ErrPeerDead, "%v: %v", l.peer, err))
}

func (l *streamLink) fail(op string, err error) error {
	return named(op, fmt.Sprint(l.transport), err)
}
