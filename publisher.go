package ringway

import (
	"context"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
	"github.com/ringway/ringway/sync"
)

// Publisher sends messages to all subscribers of a broadcast ring. It belongs to
// one goroutine at a time, except for Close.
//
// In a lossy ring it never waits, makes no system call unless a subscriber
// sleeps, and reads nothing that a subscriber can write but the bell. In a
// lossless ring it waits for the slowest of the subscribers that live.
type Publisher struct {
	endpoint
	cast *ring.BroadcastPublisher
	poll sync.Poll // of cast

	evictAfter time.Duration
	slow       ring.Gate // that it has been waiting for
	since      time.Time // since when
}

// Publisher makes this process the broadcast ring's publisher. It continues
// behind the last message that was committed, whoever sent it, and so do the
// sequence numbers. It returns an error matching ErrBusy when a living publisher
// has the role, in this process or another one, ErrClosed when the ring's end was
// declared, ErrPermission (os.ErrPermission) when the ring was opened read-only,
// and ErrBadArgument when it is of another kind.
func (r *Ring) Publisher() (*Publisher, error) {
	if err := r.mustBe(true, "attach publisher"); err != nil {
		return nil, err
	}
	p := &Publisher{evictAfter: r.options.evictAfter}
	err := p.attach(r, roleProducer)
	if err != nil {
		return nil, err
	}
	p.watch = p.lookAfter
	if p.cast, err = ring.NewBroadcastPublisher(r.geometry, r.body); err != nil {
		_ = p.leave(false)
		return nil, named(err, r.name)
	}
	p.poll = p.cast.Poll
	p.startSampling(r, p.cast)
	return p, nil
}

// mustBe returns an error when the ring is broadcast and should not be, or the
// other way round.
func (r *Ring) mustBe(broadcast bool, op string) error {
	if broadcast == (r.geometry.Kind == Broadcast) {
		return nil
	}
	return &errs.Error{Op: op, Name: r.name, Err: ErrBadArgument, Detail: "it is a ring of kind " + r.geometry.Kind.String()}
}

// placeAtBroadcast enters the section's table of participants: the publisher has
// the first entry. A subscriber takes any other, and the gate that goes with it
// in a lossless ring; in a lossy one it can do without.
func placeAtBroadcast(r *Ring, role int) (*shm.Participant, error) {
	section := r.memory.section
	if role == roleProducer {
		return section.Attach(0, uint32(role))
	}
	if section.ReadOnly() {
		return nil, nil
	}
	var err error = &errs.Error{Op: "attach subscriber", Err: ErrBusy, Detail: "there are no places for subscribers"}
	for slot := 1; slot < section.Descriptor().Participants; slot++ {
		var place *shm.Participant
		if place, err = section.Attach(slot, uint32(role)); err == nil || !isBusy(err) {
			return place, err
		}
	}
	if r.geometry.Gates == 0 {
		return nil, nil
	}
	return nil, err
}

// Send copies b into the ring as one message of type 0. When it returns nil the
// message is committed: every subscriber that is not lapped will receive it, even
// if this process dies at once. In a lossless ring it waits for room until ctx
// ends. It returns the error of ctx, ErrTooLarge, ErrFault or ErrClosed; then
// nothing was sent. An open claim is given back.
func (p *Publisher) Send(ctx context.Context, b []byte) error { return p.send(ctx, true, 0, b) }

// SendTyped is Send with a message type, which means what the application wants
// it to mean.
func (p *Publisher) SendTyped(ctx context.Context, typ uint16, b []byte) error {
	return p.send(ctx, true, typ, b)
}

// TrySend is Send without waiting: in a lossless ring it returns ErrFull when
// there is no room, after asking the system whether the slowest subscriber still
// lives.
func (p *Publisher) TrySend(b []byte) error { return p.send(context.Background(), false, 0, b) }

func (p *Publisher) send(ctx context.Context, wait bool, typ uint16, b []byte) error {
	if !p.gate.Enter() {
		return p.shutOut("send")
	}
	err := p.cast.TrySend(typ, b)
	if err != nil || p.guard.Faulted() {
		err = p.retry(ctx, "send", wait, err, func() error { return p.cast.TrySend(typ, b) })
	}
	if err == nil {
		p.theirs.Ring()
		p.counters.Sent(1, uint64(len(b)))
	}
	p.gate.Exit()
	return err
}

// retry tries again what has failed with err because there was no room, if it is
// to wait, until there is, or ctx ends. The caller is inside the gate.
func (p *Publisher) retry(ctx context.Context, op string, wait bool, err error, try func() error) error {
	if err == ErrFull && !wait {
		// Somebody who never waits must get past the dead as well.
		if err = p.lookAfter(op); err == nil {
			err = try()
		}
	}
	if err == ErrFull && wait {
		w := waiter{e: &p.endpoint, ctx: ctx, op: op, poll: p.poll}
		for err == ErrFull {
			if err = w.pause(); err == nil {
				err = try()
			}
		}
		w.done()
		p.slow = ring.Gate{}
	}
	if err == ErrFull && !p.guard.Faulted() {
		return err
	}
	if err != nil || p.guard.Faulted() {
		return p.failed(op, err)
	}
	return nil
}

// lookAfter finds out whether the subscriber that keeps the publisher waiting
// still lives, and takes its gate away if it doesn't, or if it is to be evicted.
func (p *Publisher) lookAfter(string) error {
	if p.guard.Faulted() {
		return p.errFault("wait")
	}
	slow := p.cast.Slowest()
	peer, err := p.memory.section.Peer(slow.Number + 1)
	if err != nil {
		return err
	}
	if peer.State != shm.Alive || !slow.Incarnation(peer.Incarnation) {
		p.bury(slow, ring.Recoveries)
		return nil
	}
	if p.evictAfter <= 0 {
		return nil
	}
	now := time.Now()
	if slow != p.slow {
		p.slow, p.since = slow, now
	} else if now.Sub(p.since) >= p.evictAfter {
		p.bury(slow, ring.Evictions)
	}
	return nil
}

// bury takes a gate away, counts that, and sees to it that the publisher doesn't
// go to sleep now.
func (p *Publisher) bury(g ring.Gate, as ring.Counter) {
	if p.cast.Bury(g) {
		p.counters.Add(as, 1)
		p.buried(g, as)
		p.mine.Ring()
	}
}

// SendBatch copies the messages into the ring, in order, as messages of type 0,
// waiting for room, in a lossless ring, until ctx ends. Those that make up to half a
// ring become visible at the same time, and cost one hand-over; neighbours of equal
// size share one header, unless the ring times its messages. It returns how
// many were sent; with fewer than all, the error says why, as for Send.
func (p *Publisher) SendBatch(ctx context.Context, msgs [][]byte) (sent int, err error) {
	if !p.gate.Enter() {
		return 0, p.shutOut("send")
	}
	defer p.gate.Exit()
	for {
		var n int
		n, err = p.cast.TrySendBatch(0, msgs[sent:])
		if err != nil || p.guard.Faulted() {
			err = p.retry(ctx, "send", true, err, func() (err error) {
				n, err = p.cast.TrySendBatch(0, msgs[sent:])
				return err
			})
		}
		if err != nil {
			return sent, err
		}
		p.theirs.Ring()
		p.counters.Sent(uint64(n), payloadSize(msgs[sent:sent+n]))
		if sent += n; sent == len(msgs) {
			return sent, nil
		}
	}
}

// Claim reserves room for a message of n bytes, in a lossless ring waiting for it
// until ctx ends, and returns the ring's own memory, holding whatever was there, to
// be filled before Commit. The slice is valid until the next call on p. A claim that
// is not committed, because it is given back or the process dies, was never seen
// by anybody. Errors are those of Send. It panics if n is negative.
func (p *Publisher) Claim(ctx context.Context, n int) ([]byte, error) { return p.claim(ctx, true, n) }

// TryClaim is Claim without waiting: see TrySend.
func (p *Publisher) TryClaim(n int) ([]byte, error) { return p.claim(context.Background(), false, n) }

func (p *Publisher) claim(ctx context.Context, wait bool, n int) ([]byte, error) {
	if n < 0 {
		panic("ringway: Claim of a negative size")
	}
	if !p.gate.Enter() {
		return nil, p.shutOut("claim")
	}
	b, err := p.cast.Claim(n)
	if err != nil || p.guard.Faulted() {
		err = p.retry(ctx, "claim", wait, err, func() (err error) {
			b, err = p.cast.Claim(n)
			return err
		})
	}
	p.gate.Exit()
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Commit sends the whole open claim as a message of type 0. It returns
// ErrClosed or ErrFault; then nothing was sent. It panics when no claim is open.
func (p *Publisher) Commit() error {
	n := -1
	if p.cast != nil {
		n = p.cast.Claimed()
	}
	return p.CommitTyped(0, n)
}

// CommitTyped sends the first n bytes of the open claim as a message of the
// given type. It panics when no claim of that size is open.
func (p *Publisher) CommitTyped(typ uint16, n int) error {
	if !p.gate.Enter() {
		return p.shutOut("commit")
	}
	if n < 0 || n > p.cast.Claimed() {
		p.gate.Exit() // or a deferred Close would wait for ever
		panic("ringway: Commit without a claim of that size")
	}
	p.cast.Commit(typ, n)
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
func (p *Publisher) Abort() {
	if p.cast != nil {
		p.cast.Abort()
	}
}

// Sequence returns the number of the next message. The first one of a ring is
// number 1, and a successor of a publisher counts on.
func (p *Publisher) Sequence() uint64 {
	if p.cast == nil {
		return 0
	}
	return p.cast.Sequence()
}

// End declares that no message will follow, from this publisher or any other.
// Subscribers get io.EOF once they have received everything. It returns
// ErrClosed when that was declared before.
func (p *Publisher) End() error {
	if !p.gate.Enter() {
		return p.shutOut("end")
	}
	err := p.cast.End()
	if err != nil || p.guard.Faulted() {
		err = p.failed("end", err)
	} else {
		p.theirs.Ring()
	}
	p.gate.Exit()
	return err
}

// Close gives the role back, so that another publisher can attach and go on. An
// open claim is given back: who writes into it in another goroutine may write
// into the next publisher's message, but the memory stays mapped as long as p is
// reachable. A call that waits in another goroutine ends with ErrClosed. A second
// Close returns ErrClosed.
func (p *Publisher) Close() error {
	if err := p.shut(); err != nil {
		return err
	}
	return p.leave(p.cast.Claimed() >= 0)
}
