package ringway

import (
	"context"

	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/sync"
)

// Producer sends messages into a ring. It belongs to one goroutine at a time,
// except for Close.
type Producer struct {
	endpoint
	ring *ring.SPSCProducer

	poll sync.Poll // of ring
}

// Producer makes this process the ring's producer. It continues behind the
// last message that was committed, whoever sent it. It returns an error
// matching ErrBusy when a living producer has the role, in this process or
// another one, and ErrClosed when the ring's end was declared.
func (r *Ring) Producer() (*Producer, error) {
	p := &Producer{}
	if err := p.attach(r, roleProducer); err != nil {
		return nil, err
	}
	var err error
	if p.ring, err = ring.NewSPSCProducer(r.geometry, r.memory.section.Body()); err != nil {
		_ = p.leave(false)
		return nil, named(err, r.name)
	}
	p.poll = p.ring.Poll
	return p, nil
}

// Send copies b into the ring as one message of type 0, waiting for room until
// ctx ends. When it returns nil the message is committed: it will be received
// even if this process dies at once. It returns the error of ctx, ErrTooLarge,
// ErrPeerDead (the consumer died while the ring was full), ErrCorrupt, ErrFault
// or ErrClosed; then nothing was sent. An open claim is given back.
func (p *Producer) Send(ctx context.Context, b []byte) error { return p.send(ctx, 0, b) }

// SendTyped is Send with a message type, which means what the application
// wants it to mean.
func (p *Producer) SendTyped(ctx context.Context, typ uint16, b []byte) error {
	return p.send(ctx, typ, b)
}

// send sends, and waits for room if ctx is not nil. It and recv are written for
// few calls on their straight way: those are what a small message costs.
func (p *Producer) send(ctx context.Context, typ uint16, b []byte) error {
	if !p.gate.Enter() {
		return p.shutOut("send")
	}
	err := p.ring.TrySend(typ, b)
	if err == nil && !p.guard.Faulted() {
		p.theirs.Ring()
		p.gate.Exit()
		return nil
	}
	p.gate.Exit()
	if err == ErrFull && ctx != nil {
		return p.sendWaiting(ctx, typ, b)
	}
	return p.failed("send", err)
}

// sendWaiting is SendTyped when the ring was full.
func (p *Producer) sendWaiting(ctx context.Context, typ uint16, b []byte) error {
	if !p.gate.Enter() {
		return p.shutOut("send")
	}
	defer p.gate.Exit()
	err := ErrFull
	w := p.waiter(ctx, "send")
	for err == ErrFull {
		if err = w.pause(); err == nil {
			err = p.ring.TrySend(typ, b)
		}
	}
	w.done()
	if err != nil || p.guard.Faulted() {
		return p.failed("send", err)
	}
	p.theirs.Ring()
	return nil
}

func (p *Producer) waiter(ctx context.Context, op string) waiter {
	return waiter{e: &p.endpoint, ctx: ctx, op: op, poll: p.poll}
}

// TrySend is Send without waiting: it returns ErrFull when there is no room.
// It makes no system call unless the consumer sleeps.
func (p *Producer) TrySend(b []byte) error { return p.send(nil, 0, b) }

// TrySendTyped is TrySend with a message type.
func (p *Producer) TrySendTyped(typ uint16, b []byte) error { return p.send(nil, typ, b) }

// SendBatch copies the messages into the ring, in order, as messages of type
// 0, waiting for room until ctx ends. Those that fit at the same time become
// visible at the same time, and cost one hand-over. It returns how many were
// sent; with fewer than all, the error says why, as for Send.
func (p *Producer) SendBatch(ctx context.Context, msgs [][]byte) (sent int, err error) {
	if !p.gate.Enter() {
		return 0, p.shutOut("send")
	}
	defer p.gate.Exit()
	w := p.waiter(ctx, "send")
	for {
		n, err := p.ring.TrySendBatch(0, msgs[sent:])
		if sent += n; n > 0 {
			p.theirs.Ring()
		}
		if err == ErrFull {
			err = w.pause()
		} else if err == nil && !p.guard.Faulted() {
			w.done()
			return sent, nil
		} else {
			err = p.failed("send", err)
		}
		if err != nil {
			w.done()
			return sent, err
		}
	}
}

// Claim reserves room for a message of n bytes, waiting for it until ctx ends,
// and returns the ring's own memory, holding whatever was there, to be filled
// before Commit. The slice is valid until the next call on p. A claim that is
// not committed, because it is given back or the process dies, was never seen
// by the consumer. Errors are those of Send. It panics if n is negative.
func (p *Producer) Claim(ctx context.Context, n int) ([]byte, error) {
	b, err := p.TryClaim(n)
	if err != ErrFull {
		return b, err
	}
	if !p.gate.Enter() {
		return nil, p.shutOut("claim")
	}
	defer p.gate.Exit()
	w := p.waiter(ctx, "claim")
	for err == ErrFull {
		if err = w.pause(); err == nil {
			b, err = p.ring.Claim(n)
		}
	}
	w.done()
	if err != nil || p.guard.Faulted() {
		return nil, p.failed("claim", err)
	}
	return b, nil
}

// TryClaim is Claim without waiting: it returns ErrFull when there is no room.
func (p *Producer) TryClaim(n int) ([]byte, error) {
	if !p.gate.Enter() {
		return nil, p.shutOut("claim")
	}
	b, err := p.ring.Claim(n)
	if err != nil || p.guard.Faulted() {
		b, err = nil, p.failed("claim", err)
	}
	p.gate.Exit()
	return b, err
}

// Commit sends the whole open claim as a message of type 0. It returns
// ErrClosed or ErrFault; then nothing was sent. It panics when no claim is
// open.
func (p *Producer) Commit() error { return p.CommitTyped(0, p.ring.Claimed()) }

// CommitTyped sends the first n bytes of the open claim as a message of the
// given type. It panics when no claim of that size is open.
func (p *Producer) CommitTyped(typ uint16, n int) error {
	if !p.gate.Enter() {
		return p.shutOut("commit")
	}
	p.ring.Commit(typ, n)
	p.theirs.Ring()
	var err error
	if p.guard.Faulted() {
		err = p.errFault("commit")
	}
	p.gate.Exit()
	return err
}

// Abort gives the open claim back. Without one it does nothing.
func (p *Producer) Abort() {
	if !p.gate.Enter() {
		_ = p.shutOut("abort")
		return
	}
	p.ring.Abort()
	p.gate.Exit()
}

// End declares that no message will follow, from this producer or any other.
// The consumer gets io.EOF once it has received everything. A later attempt to
// attach a producer returns ErrClosed.
func (p *Producer) End() error {
	if !p.gate.Enter() {
		return p.shutOut("end")
	}
	p.ring.End()
	p.theirs.Ring()
	p.gate.Exit()
	return nil
}

// Close gives the role back, so that another producer can attach and go on.
// What was sent stays to be received; an open claim is given back. A call that
// waits in another goroutine ends with ErrClosed. A second Close returns
// ErrClosed.
func (p *Producer) Close() error {
	if err := p.shut(); err != nil {
		return err
	}
	return p.leave(p.ring.Claimed() >= 0)
}
