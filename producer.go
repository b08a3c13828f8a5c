package ringway

import (
	"context"
	"fmt"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/sync"
)

// Producer sends messages into a ring. It belongs to one goroutine at a time,
// except for Close.
type Producer struct {
	endpoint

	// One of them is not nil.
	spsc *ring.SPSCProducer
	mpmc *ring.MPMCProducer

	poll sync.Poll // of ring
}

// Producer makes this process the ring's producer, or in an MPMC ring one of
// them. In an SPSC ring it continues behind the last message that was committed,
// whoever sent it. It returns an error matching ErrBusy when a living producer
// has the role, in this process or another one, or, in an MPMC ring, when all
// places for participants are taken; and ErrClosed when the ring's end was
// declared.
func (r *Ring) Producer() (*Producer, error) {
	if err := r.mustBe(false, "attach producer"); err != nil {
		return nil, err
	}
	p := &Producer{}
	err := p.attach(r, roleProducer)
	if err != nil {
		return nil, err
	}
	body := r.body
	if p.kind == MPMC {
		p.mpmc, err = ring.NewMPMCProducer(r.geometry, body, p.crew.table, p.place.Slot())
		p.poll = p.mpmc.Poll
	} else {
		p.spsc, err = ring.NewSPSCProducer(r.geometry, body)
		p.poll = p.spsc.Poll
	}
	if err != nil {
		_ = p.leave(false)
		return nil, named(err, r.name)
	}
	if p.kind == MPMC {
		p.startSampling(r, p.mpmc)
	} else {
		p.startSampling(r, p.spsc)
	}
	return p, nil
}

// Send copies b into the ring as one message of type 0, waiting for room until
// ctx ends. When it returns nil the message is committed: it will be received
// even if this process dies at once. It returns the error of ctx, ErrTooLarge,
// ErrPeerDead (the consumer died while the ring was full), ErrCorrupt, ErrFault
// or ErrClosed; then nothing was sent. An open claim is given back.
func (p *Producer) Send(ctx context.Context, b []byte) error { return p.SendTyped(ctx, 0, b) }

// SendTyped is Send with a message type, which means what the application
// wants it to mean.
func (p *Producer) SendTyped(ctx context.Context, typ uint16, b []byte) error {
	// A small message in an SPSC ring goes without any call.
	if s := p.spsc; s != nil && s.Straight(typ, len(b)) && p.gate.EnterPlain() {
		s.Lay(b)
		s.Seal()
		s.Tell()
		if p.guard.Faulted() || p.theirs.Awaited() {
			return p.sent(len(b))
		}
		p.counters.Sent(1, uint64(len(b)))
		p.gate.Exit()
		return nil
	}
	return p.sendAnother(ctx, typ, b)
}

// sendAnother is SendTyped for what doesn't go the straight way of an SPSC ring.
func (p *Producer) sendAnother(ctx context.Context, typ uint16, b []byte) error {
	// A small message in an MPMC ring: all calls are last ones, so that nothing
	// has to be saved for after them.
	m := p.mpmc
	if m == nil || !p.gate.EnterPlain() {
		return p.sendAny(ctx, typ, b)
	}
	if !m.Straight(typ, len(b)) {
		p.gate.Exit()
		return p.sendAny(ctx, typ, b)
	}
	if !m.Win() {
		return p.sendLater(ctx, typ, b)
	}
	m.Lay(b)
	m.Seal()
	if p.guard.Faulted() || p.theirs.Awaited() {
		return p.sent(len(b))
	}
	p.counters.Sent(1, uint64(len(b)))
	p.gate.Exit()
	return nil
}

// sendLater is sendAny for who is inside the gate and lost a race.
func (p *Producer) sendLater(ctx context.Context, typ uint16, b []byte) error {
	p.mpmc.GiveWay()
	p.gate.Exit()
	return p.sendAny(ctx, typ, b)
}

// sent is what is left to do inside the gate after a message of n bytes was put
// into the ring, and leaves it.
func (p *Producer) sent(n int) error {
	if p.guard.Faulted() {
		err := p.failed("send", nil)
		p.gate.Exit()
		return err
	}
	p.theirs.Ring()
	p.counters.Sent(1, uint64(n))
	p.gate.Exit()
	return nil
}

// sendAny is SendTyped for what doesn't go a straight way.
func (p *Producer) sendAny(ctx context.Context, typ uint16, b []byte) error {
	if len(b) >= rouseFrom {
		p.rouse()
	}
	if p.put(typ, b) {
		return nil
	}
	return p.send(ctx, true, typ, b)
}

// rouseFrom is how many bytes take long enough to be copied that the consumer is
// woken before.
const rouseFrom = 8 << 10

// rouse wakes a sleeping consumer for what is about to be sent, so that it wakes up
// while that is copied. It stays awake for a moment, and if it takes longer is rung
// for again.
func (p *Producer) rouse() {
	if p.spsc != nil && p.gate.Enter() {
		p.theirs.Ring()
		p.gate.Exit()
	}
}

// put sends a message if that is all there is to do.
func (p *Producer) put(typ uint16, b []byte) bool {
	if !p.gate.Enter() {
		return false
	}
	var ok bool
	if p.spsc != nil {
		ok = p.spsc.Put(typ, b)
	} else {
		ok = p.mpmc.Put(typ, b)
	}
	if ok {
		if p.guard.Faulted() {
			ok = false // send will tell
		}
		p.theirs.Ring()
		p.counters.Sent(1, uint64(len(b)))
	}
	p.gate.Exit()
	return ok
}

// send sends, and waits for room if it is to wait.
func (p *Producer) send(ctx context.Context, wait bool, typ uint16, b []byte) error {
	if !p.gate.Enter() {
		return p.shutOut("send")
	}
	err := p.try(typ, b)
	if err == nil {
		return p.sent(len(b))
	}
	if err == ErrFull && wait {
		p.gate.Exit()
		return p.sendWaiting(ctx, typ, b)
	}
	err = p.failed("send", err)
	p.gate.Exit()
	return err
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
			err = p.try(typ, b)
		}
	}
	w.done()
	if err != nil || p.guard.Faulted() {
		return p.failed("send", err)
	}
	p.theirs.Ring()
	p.counters.Sent(1, uint64(len(b)))
	return nil
}

func (p *Producer) try(typ uint16, b []byte) error {
	if p.spsc != nil {
		return p.spsc.TrySend(typ, b)
	}
	return p.mpmc.TrySend(typ, b)
}

func (p *Producer) tryBatch(msgs [][]byte) (int, error) {
	if p.spsc != nil {
		return p.spsc.TrySendBatch(0, msgs)
	}
	return p.mpmc.TrySendBatch(0, msgs)
}

func (p *Producer) tryPacked(b []byte, size int) (int, error) {
	if p.spsc != nil {
		return p.spsc.TrySendPacked(0, b, size)
	}
	return p.mpmc.TrySendPacked(0, b, size)
}

func (p *Producer) tryClaim(n int) ([]byte, error) {
	if p.spsc != nil {
		return p.spsc.Claim(n)
	}
	return p.mpmc.Claim(n)
}

func (p *Producer) tryEnd() error {
	if p.spsc != nil {
		return p.spsc.End()
	}
	return p.mpmc.End()
}

// claimed returns the size of the open claim, and -1 when there is none.
func (p *Producer) claimed() int {
	switch {
	case p.spsc != nil:
		return p.spsc.Claimed()
	case p.mpmc != nil:
		return p.mpmc.Claimed()
	}
	return -1
}

func (p *Producer) waiter(ctx context.Context, op string) waiter {
	return waiter{e: &p.endpoint, ctx: ctx, op: op, poll: p.poll}
}

// TrySend is Send without waiting: it returns ErrFull when there is no room.
// It makes no system call unless the consumer sleeps.
func (p *Producer) TrySend(b []byte) error { return p.send(context.Background(), false, 0, b) }

// TrySendTyped is TrySend with a message type.
func (p *Producer) TrySendTyped(typ uint16, b []byte) error {
	return p.send(context.Background(), false, typ, b)
}

// SendBatch copies the messages into the ring, in order, as messages of type
// 0, waiting for room until ctx ends. Those that fit at the same time become
// visible at the same time, and cost one hand-over. Neighbours of equal size
// share one header, unless the ring has checksums or times its messages: many
// small ones are sent and received several times as fast as one by one. It returns how many were
// sent; with fewer than all, the error says why, as for Send.
func (p *Producer) SendBatch(ctx context.Context, msgs [][]byte) (sent int, err error) {
	return p.sendAll(ctx, func(sent int) (n int, size uint64, err error) {
		n, err = p.tryBatch(msgs[sent:])
		return n, payloadSize(msgs[sent : sent+n]), err
	})
}

// SendPacked is SendBatch for messages of size bytes each that stand one right
// behind the other in b: an array, of ticks or of samples, say. It is the fastest
// way for many small messages; RecvPacked is the other end. It returns how many
// messages were sent, and an error that matches ErrBadArgument when b isn't made
// of whole messages.
func (p *Producer) SendPacked(ctx context.Context, b []byte, size int) (sent int, err error) {
	if size <= 0 || len(b)%size != 0 {
		return 0, &errs.Error{Op: "send", Name: p.name, Err: ErrBadArgument,
			Detail: fmt.Sprintf("%d bytes are not messages of %d each", len(b), size)}
	}
	if n := p.putPacked(b, size); n > 0 {
		return n, nil
	}
	return p.sendAll(ctx, func(sent int) (n int, bytes uint64, err error) {
		n, err = p.tryPacked(b[sent*size:], size)
		return n, uint64(n * size), err
	})
}

// putPacked is put for an array. It returns how many messages were sent.
func (p *Producer) putPacked(b []byte, size int) (n int) {
	s := p.spsc
	if s == nil || !p.gate.Enter() {
		return 0
	}
	if n = s.PutPacked(0, b, size); n > 0 {
		if p.guard.Faulted() {
			n = 0 // sendAll will tell
		}
		p.theirs.Ring()
		p.counters.Sent(uint64(n), uint64(len(b)))
	}
	p.gate.Exit()
	return n
}

// sendAll sends what try sends, which returns how much that was, from the message
// with the given number on, and waits for room until all is sent.
func (p *Producer) sendAll(ctx context.Context, try func(sent int) (n int, size uint64, err error)) (sent int, err error) {
	if !p.gate.Enter() {
		return 0, p.shutOut("send")
	}
	defer p.gate.Exit()
	w := p.waiter(ctx, "send")
	for {
		n, size, err := try(sent)
		if n > 0 {
			p.theirs.Ring()
			p.counters.Sent(uint64(n), size)
			sent += n
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
			b, err = p.tryClaim(n)
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
	if n < 0 {
		panic("ringway: Claim of a negative size")
	}
	if !p.gate.Enter() {
		return nil, p.shutOut("claim")
	}
	b, err := p.tryClaim(n)
	if err != nil || p.guard.Faulted() {
		b, err = nil, p.failed("claim", err)
	}
	p.gate.Exit()
	return b, err
}

// Commit sends the whole open claim as a message of type 0. It returns
// ErrClosed or ErrFault; then nothing was sent. It panics when no claim is
// open.
func (p *Producer) Commit() error { return p.CommitTyped(0, p.claimed()) }

// CommitTyped sends the first n bytes of the open claim as a message of the
// given type. It panics when no claim of that size is open.
func (p *Producer) CommitTyped(typ uint16, n int) error {
	if !p.gate.Enter() {
		return p.shutOut("commit")
	}
	if n < 0 || n > p.claimed() {
		p.gate.Exit() // or a deferred Close would wait for ever
		panic("ringway: Commit without a claim of that size")
	}
	if p.spsc != nil {
		p.spsc.Commit(typ, n)
	} else {
		p.mpmc.Commit(typ, n)
	}
	p.theirs.Ring()
	p.counters.Sent(1, uint64(n))
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
	if p.spsc != nil {
		p.spsc.Abort()
	} else {
		p.mpmc.Abort()
		p.theirs.Ring() // they may be waiting for it to become something
	}
	p.gate.Exit()
}

// End declares that no message will follow, from this producer or any other.
// Consumers get io.EOF once everything has been received, and producers
// ErrClosed. In an MPMC ring the end takes a little room, for which End waits
// until ctx ends; an SPSC ring has it.
func (p *Producer) End(ctx context.Context) error {
	if !p.gate.Enter() {
		return p.shutOut("end")
	}
	defer p.gate.Exit()
	w := p.waiter(ctx, "end")
	err := p.tryEnd()
	for err == ErrFull {
		if err = w.pause(); err == nil {
			err = p.tryEnd()
		}
	}
	w.done()
	if err != nil || p.guard.Faulted() {
		return p.failed("end", err)
	}
	p.theirs.Ring()
	p.mine.Ring() // other producers have to learn of it
	return nil
}

// Close gives the role back, so that another producer can attach and go on.
// What was sent stays to be received. An open claim is given back: who writes
// into it in another goroutine may write into the next producer's message, but
// the memory stays mapped as long as p is reachable. A call that waits in
// another goroutine ends with ErrClosed. A second Close returns ErrClosed. A
// producer that is not closed keeps its role as long as the process lives.
func (p *Producer) Close() error {
	if err := p.shut(); err != nil {
		return err
	}
	open := p.claimed() >= 0
	var err error
	if open && p.kind == MPMC {
		err = p.giveBack()
	}
	return firstError(err, p.leave(open))
}
