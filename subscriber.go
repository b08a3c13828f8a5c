package ringway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/sync"
)

// Lapped is the error with which a subscriber learns what it missed: how many
// messages of how many bytes were overwritten before it read them, and the number
// of the one that it goes on with. It matches ErrLapped.
type Lapped = ring.Lapped

// Subscriber receives the messages of a broadcast ring, all of them as long as it
// is fast enough. It belongs to one goroutine at a time, except for Close.
type Subscriber struct {
	endpoint
	cast *ring.BroadcastSubscriber
	poll sync.Poll // of cast

	nap    sync.Nap // of the adaptive strategy
	burst  uint64   // messages since the ring was empty
	dry    uint64   // the ring's position when it was
	span   uint64   // a burst of so many bytes is a large part of the ring
	missed uint64

	listing *listing // of one that has no place
}

// SubscribeOption says how a Subscriber reads.
type SubscribeOption func(*ring.BroadcastOptions)

// FromOldest begins with the oldest message that is known to be there. Without
// any of these options it is the newest one, if there is one.
func FromOldest() SubscribeOption {
	return func(o *ring.BroadcastOptions) { o.Start = ring.Oldest }
}

// FromSequence begins with the message of that number; if that was overwritten
// the first thing that the subscriber receives is an error that says by how much
// it is too late. With the number behind the last one that a predecessor received
// it goes on where that stopped.
func FromSequence(n uint64) SubscribeOption {
	return func(o *ring.BroadcastOptions) { o.Start, o.Sequence = ring.AtSequence, n }
}

// ResumeNewest has a subscriber that was lapped go on with the newest message.
// Without it that is the oldest one that is known to be there.
func ResumeNewest() SubscribeOption {
	return func(o *ring.BroadcastOptions) { o.Resume = ring.Newest }
}

// Subscribe attaches a subscriber to the broadcast ring. In a lossless ring the
// publisher waits for it, unless the ring was opened read-only. It returns an
// error matching ErrBusy when it has to be waited for and all places for
// participants are taken; ErrBadArgument when the ring is of another kind, or the
// message asked for was not sent yet; and ErrCorrupt or ErrFault.
func (r *Ring) Subscribe(opts ...SubscribeOption) (*Subscriber, error) {
	if err := r.mustBe(true, "subscribe"); err != nil {
		return nil, err
	}
	s := &Subscriber{}
	err := s.attach(r, roleConsumer)
	if err != nil {
		return nil, err
	}
	o := ring.BroadcastOptions{Resume: ring.Oldest}
	for i, f := range opts {
		if f == nil {
			_ = s.leave(false)
			return nil, &errs.Error{Op: "subscribe", Name: r.name, Err: ErrBadArgument, Detail: fmt.Sprintf("option number %d is nil", i)}
		}
		f(&o)
	}
	if s.place != nil && r.geometry.Gates > 0 {
		o.Gated, o.Gate, o.Incarnation = true, s.place.Slot()-1, s.place.Incarnation()
	}
	for range 1000 {
		// ErrEmpty: the publisher was too fast for us.
		if s.cast, err = ring.NewBroadcastSubscriber(r.geometry, r.body, o); err != ErrEmpty {
			break
		}
	}
	if err == nil && s.guard.Faulted() {
		err = s.errFault("subscribe")
	}
	if err != nil {
		_ = s.leave(false)
		return nil, named(err, r.name)
	}
	s.poll = s.cast.Poll
	if s.mine != nil {
		s.mine.Rests(nil) // no subscriber has another one's messages
	}
	s.counters.SetPlace(s.cast.Sequence())
	if oneWay := s.startSampling(r, s.cast); s.place == nil {
		s.listing = r.unlisted.add(s.counters, oneWay)
	}
	s.dry, s.span = s.cast.Position(), r.geometry.Capacity/4
	return s, nil
}

// Recv returns the next message, waiting for it until ctx ends. The payload is a
// copy, as it was sent and never torn, in memory of the subscriber's own; it is
// valid until the next call on s.
//
// Recv returns an error of type *Lapped, matching ErrLapped, when messages were
// overwritten before they were read: then call it again to go on. What it copied
// of a batch before that is handed out first. It returns
// io.EOF when the ring's end was declared and everything received, the error of
// ctx, ErrPeerDead, once, when the publisher has died (call again to wait for its
// successor), ErrCorrupt, ErrFault or ErrClosed.
func (s *Subscriber) Recv(ctx context.Context) (Message, error) {
	return s.recv(ctx, true, false)
}

// TryRecv is Recv without waiting: it returns ErrEmpty when no message is there.
func (s *Subscriber) TryRecv() (Message, error) {
	return s.recv(context.Background(), false, false)
}

// Lease is Recv without the copy, for those who know what they do: the payload is
// the ring's own memory, and the publisher may overwrite it while it is read.
// What was made of it counts only if Valid reports true afterwards. The lease ends
// with the next call on s other than Valid. In a lossless ring the publisher keeps
// away from it, unless the subscriber is evicted.
func (s *Subscriber) Lease(ctx context.Context) (Message, error) {
	return s.recv(ctx, true, true)
}

// Valid reports whether the message of the last Lease was intact all the time
// until now. If not, it counts as missed, and the next call says so.
func (s *Subscriber) Valid() bool {
	if !s.gate.Enter() {
		return false
	}
	ok := s.cast.Valid() && !s.guard.Faulted()
	s.gate.Exit()
	return ok
}

func (s *Subscriber) recv(ctx context.Context, wait, lease bool) (m Message, err error) {
	if !s.gate.Enter() {
		return m, s.shutOut("receive")
	}
	if lease {
		m, err = s.cast.Lease()
	} else {
		m, err = s.cast.Next()
	}
	if err == ErrEmpty && wait && !lease && s.wait == sync.BusySpin {
		m, err = s.spin()
	}
	if err == ErrEmpty && wait {
		m, err = s.await(ctx, lease)
	}
	if err == nil && !s.guard.Faulted() {
		s.burst++
		if s.cast.Due() {
			s.publish()
		}
		s.counters.Received(1, uint64(len(m.Payload)))
	} else {
		m, err = Message{}, s.unreceived(err)
	}
	s.gate.Exit()
	return m, err
}

// RecvBatch fills into with the next messages, as many as are there, waiting for
// the first until ctx ends. They follow each other without a gap, and Sequence
// is one more than the number of the last. Their payloads are copies, as they
// were sent and never torn, in memory of the subscriber's own, and valid until
// the next call on s; whether they were overwritten is asked once for all. It
// returns how many there are; errors are those of Recv, and come without
// messages. It allocates at its first call, and as Recv does.
func (s *Subscriber) RecvBatch(ctx context.Context, into []Message) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	n, err := s.nextBatch(into)
	if n > 0 || err != nil {
		return n, err
	}
	// There is none yet, or it is not one for batches.
	if into[0], err = s.Recv(ctx); err != nil {
		return 0, err
	}
	// What is wrong here is still wrong at the next call.
	n, _ = s.nextBatch(into[1:])
	return 1 + n, nil
}

// nextBatch receives what can be received in a batch.
func (s *Subscriber) nextBatch(into []Message) (int, error) {
	if !s.gate.Enter() {
		return 0, s.shutOut("receive")
	}
	n, size := s.cast.NextBatch(into)
	if s.guard.Faulted() {
		n = 0 // which Recv will say
	}
	if n > 0 {
		s.burst += uint64(n)
		if s.cast.Due() {
			s.publish()
		}
		s.counters.Received(uint64(n), size)
	}
	s.gate.Exit()
	return n, nil
}

// spin looks for the next message for some 10 µs, in as few steps as there can be
// between the moment it comes and its being handed out. The caller is inside the
// gate.
func (s *Subscriber) spin() (Message, error) {
	for range 8 {
		if s.gate.Closing() {
			break
		}
		if s.cast.Poll(64, 1) {
			return s.cast.Next()
		}
	}
	return Message{}, ErrEmpty
}

// await waits for a message. The caller is inside the gate.
func (s *Subscriber) await(ctx context.Context, lease bool) (m Message, err error) {
	s.publish()
	if s.wait == sync.Adaptive {
		at := s.cast.Position()
		s.nap.Take(s.burst, at-s.dry > s.span)
		s.burst, s.dry = 0, at
	}
	w := waiter{e: &s.endpoint, ctx: ctx, op: "receive", poll: s.poll}
	err = ErrEmpty
	for err == ErrEmpty {
		if err = w.pause(); err != nil {
			break
		}
		if lease {
			m, err = s.cast.Lease()
		} else {
			m, err = s.cast.Next()
		}
	}
	w.done()
	return m, err
}

// unreceived completes the error with which no message came.
func (s *Subscriber) unreceived(err error) error {
	// The publisher may be waiting for what was read since the last time.
	s.publish()
	if s.guard.Faulted() {
		return s.errFault("receive")
	}
	if err == ErrEmpty || err == io.EOF {
		return err
	}
	if lap, ok := err.(*Lapped); ok {
		s.missed += lap.Messages
		s.counters.Add(ring.MissedMessages, lap.Messages)
		s.counters.SetPlace(s.cast.Sequence())
		return err
	}
	s.counters.SetPlace(s.cast.Sequence())
	return s.failed("receive", err)
}

// publish announces to the publisher of a lossless ring what was read.
func (s *Subscriber) publish() {
	if s.cast.Publish() {
		s.theirs.Ring()
	}
}

// Sequence returns the number of the next message. After Recv it is one more than
// that of the message received. The first one of a ring is number 1.
func (s *Subscriber) Sequence() uint64 { return s.cast.Sequence() }

// Missed returns how many messages the errors so far said were missed.
func (s *Subscriber) Missed() uint64 { return s.missed }

// RecvAppend receives the next message as Recv does and appends its payload to
// dst. It allocates only when dst is too small.
func (s *Subscriber) RecvAppend(ctx context.Context, dst []byte) ([]byte, error) {
	m, err := s.Recv(ctx)
	if err != nil {
		return dst, err
	}
	return append(dst, m.Payload...), nil
}

// Last appends the payload of the newest message to dst, and returns it with the
// message's number and type, without receiving it: for those who want to know now
// and then how things stand. It returns ErrEmpty when there is none.
func (s *Subscriber) Last(dst []byte) (_ []byte, sequence uint64, typ uint16, err error) {
	if !s.gate.Enter() {
		return dst, 0, 0, s.shutOut("look at the last message")
	}
	b, sequence, typ, err := s.cast.Last(dst)
	switch {
	case s.guard.Faulted():
		b, err = dst, s.errFault("look at the last message")
	case err != nil && err != ErrEmpty:
		err = s.failed("look at the last message", err)
	}
	s.gate.Exit()
	return b, sequence, typ, err
}

// Messages returns an iterator over the messages to come:
//
//	for m, err := range s.Messages(ctx) { … }
//
// It waits for each as Recv does; a message is valid until the loop's next step.
// The loop ends by itself when the ring's end was declared and everything
// received; every other error is yielded. After one that matches ErrLapped or
// ErrPeerDead the loop goes on, unless its body leaves it; other errors end it.
func (s *Subscriber) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			m, err := s.Recv(ctx)
			if err == io.EOF {
				return
			}
			if !yield(m, err) || err != nil && !isPeerDead(err) && !errors.Is(err, ErrLapped) {
				return
			}
		}
	}
}

// Close ends the subscription; the publisher of a lossless ring waits for it no
// more. A call that waits in another goroutine ends with ErrClosed. For another
// goroutine that is reading a leased message in this moment the memory stays
// mapped as long as s is reachable and not called again. A second Close returns
// ErrClosed.
func (s *Subscriber) Close() error {
	if err := s.shut(); err != nil {
		return err
	}
	if s.cast.Leave() {
		s.theirs.Ring()
	}
	s.listing.end()
	return s.leave(s.cast.Leased())
}

// isBusy reports whether a place is held by somebody.
func isBusy(err error) bool { return errors.Is(err, errs.Busy) }
