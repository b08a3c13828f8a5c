package ringway

import (
	"context"
	"io"
	"iter"

	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/sync"
)

// Message is one received message. Its payload is the ring's own memory: see
// Recv for how long it is valid. It must not be written.
type Message = ring.Message

// Consumer receives messages from a ring. It belongs to one goroutine at a
// time, except for Close.
type Consumer struct {
	endpoint

	// One of them is not nil.
	spsc *ring.SPSCConsumer
	mpmc *ring.MPMCConsumer

	poll   sync.Poll // of ring
	nap    sync.Nap  // of the adaptive strategy
	dry    uint64    // the ring's position when it was empty,
	before uint64    // and how many messages had come then
	span   uint64    // a burst of so many bytes is a large part of the ring

	// Of an MPMC ring:
	freed bool   // something was released that producers were not told of
	told  uint64 // the position when they were told last
	worth uint64 // so many cells are worth telling: an eighth of the ring
}

// Consumer makes this process the ring's consumer, or in an MPMC ring one of
// them. In an SPSC ring it begins with the first message that the consumer
// before it did not release. It returns an error matching ErrBusy when a living
// consumer has the role, in this process or another one, or, in an MPMC ring,
// when all places for participants are taken.
func (r *Ring) Consumer() (*Consumer, error) {
	if err := r.mustBe(false, "attach consumer"); err != nil {
		return nil, err
	}
	c := &Consumer{}
	err := c.attach(r, roleConsumer)
	if err != nil {
		return nil, err
	}
	body := r.body
	if c.kind == MPMC {
		o := ring.MPMCOptions{SkipStalled: r.options.skipStalled}
		c.mpmc, err = ring.NewMPMCConsumer(r.geometry, body, c.crew.table, c.place.Slot(), o)
		c.poll = c.mpmc.Poll
		if err == nil {
			c.mine.Rests(c.mpmc.Rests)
			c.told, c.worth = c.mpmc.Position(), max(r.geometry.Capacity/r.geometry.CellSize/8, 1)
		}
	} else {
		c.spsc, err = ring.NewSPSCConsumer(r.geometry, body)
		c.poll = c.spsc.Poll
	}
	if err != nil {
		_ = c.leave(false)
		return nil, named(err, r.name)
	}
	if c.kind == MPMC {
		c.startSampling(r, c.mpmc)
	} else {
		c.startSampling(r, c.spsc)
	}
	c.dry, c.before, c.span = c.position(), c.counters.Load(ring.ReceivedMessages), r.geometry.Capacity/4
	return c, nil
}

// Recv releases the message before, if one is out, and returns the next one,
// waiting for it until ctx ends. The payload is not a copy: it is valid until
// the next call on c, and is not handed to the producer for reuse before. A
// message counts as received when it is released: if this process dies before,
// the next consumer gets it again.
//
// Recv returns io.EOF when the ring's end was declared and everything received,
// the error of ctx, ErrPeerDead (the producer died, and everything that it had
// sent was received), ErrCorrupt, ErrFault or ErrClosed.
func (c *Consumer) Recv(ctx context.Context) (Message, error) {
	// A small message in an SPSC ring comes without any call.
	if s := c.spsc; s != nil && c.gate.EnterPlain() {
		if s.Straight() {
			m := s.Pass()
			c.counters.Received(1, uint64(len(m.Payload)))
			c.gate.Exit()
			return m, nil
		}
		c.gate.Exit()
	}
	if c.mpmc == nil {
		return c.recvAny(ctx) // at once: who polls sleeps on a stack that just holds this
	}
	return c.recvAnother(ctx)
}

// recvAnother is Recv for what doesn't come the straight way of an SPSC ring.
func (c *Consumer) recvAnother(ctx context.Context) (Message, error) {
	// A small message in an MPMC ring, as in sendAnother.
	m := c.mpmc
	if m == nil || !c.gate.EnterPlain() {
		return c.recvAny(ctx)
	}
	if m.Position()-c.told >= c.worth || !m.Straight() {
		c.gate.Exit()
		return c.recvAny(ctx)
	}
	if !m.Win() {
		return c.recvLater(ctx)
	}
	m.Pass()
	c.freed = true
	if !m.Alike() {
		return c.recvOdd(ctx)
	}
	msg := m.Plain()
	c.counters.Received(1, uint64(len(msg.Payload)))
	c.gate.Exit()
	return msg, nil
}

// recvLater is recvAny for who is inside the gate and lost a race.
func (c *Consumer) recvLater(ctx context.Context) (Message, error) {
	c.mpmc.GiveWay()
	c.gate.Exit()
	return c.recvAny(ctx)
}

// recvOdd is recvAny for who is inside the gate and took something else than
// another message like the one before.
func (c *Consumer) recvOdd(ctx context.Context) (Message, error) {
	c.mpmc.Odd()
	c.gate.Exit()
	return c.recvAny(ctx)
}

// recvAny is Recv for what doesn't come a straight way.
func (c *Consumer) recvAny(ctx context.Context) (Message, error) {
	if m, ok := c.take(); ok {
		return m, nil
	}
	return c.recv(ctx, true)
}

// TryRecv is Recv without waiting: it returns ErrEmpty when no message is
// there. It makes no system call unless the producer sleeps.
func (c *Consumer) TryRecv() (Message, error) { return c.recv(context.Background(), false) }

// take receives a message if that is all there is to do.
func (c *Consumer) take() (m Message, ok bool) {
	if !c.gate.Enter() {
		return m, false
	}
	if c.spsc != nil {
		m, ok = c.spsc.Take()
	} else {
		c.release()
		m, ok = c.mpmc.Take()
	}
	if ok {
		c.counters.Received(1, uint64(len(m.Payload)))
	}
	c.gate.Exit()
	return m, ok
}

// recv receives, and waits for a message if it is to wait.
func (c *Consumer) recv(ctx context.Context, wait bool) (Message, error) {
	if !c.gate.Enter() {
		return Message{}, c.shutOut("receive")
	}
	c.release()
	m, err := c.next()
	if err == nil {
		c.counters.Received(1, uint64(len(m.Payload)))
		c.gate.Exit()
		return m, nil
	}
	err = c.missed(err)
	c.gate.Exit()
	if err == ErrEmpty && wait {
		if c.spsc != nil && c.wait == sync.BusySpin {
			if m, ok := c.spin(); ok {
				return m, nil
			}
		}
		return c.recvWaiting(ctx)
	}
	return Message{}, err
}

// spin looks for the next message of an SPSC ring for some 10 µs, in as few
// steps as there can be between the moment it comes and its being handed out.
func (c *Consumer) spin() (Message, bool) {
	for range 8 {
		if !c.gate.Enter() {
			break
		}
		found := c.spsc.Poll(64, 1)
		c.gate.Exit()
		if found {
			return c.take()
		}
	}
	return Message{}, false
}

// recvWaiting is Recv when the ring was empty.
func (c *Consumer) recvWaiting(ctx context.Context) (m Message, err error) {
	if !c.gate.Enter() {
		return m, c.shutOut("receive")
	}
	defer c.gate.Exit()
	if c.pairing != nil {
		// Who is gone rings no more.
		if err := c.pairing.gone("receive"); err != nil {
			return m, err
		}
	}
	if c.wait == sync.Adaptive {
		at := c.position()
		n := c.counters.Load(ring.ReceivedMessages)
		c.nap.Take(n-c.before, at-c.dry > c.span)
		c.before, c.dry = n, at
	}
	w := waiter{e: &c.endpoint, ctx: ctx, op: "receive", poll: c.poll}
	err = ErrEmpty
	for err == ErrEmpty {
		if err = w.pause(); err == nil {
			if m, err = c.next(); err != nil {
				err = c.missed(err)
			}
		}
	}
	w.done()
	if err == nil {
		c.counters.Received(1, uint64(len(m.Payload)))
	}
	return m, err
}

func (c *Consumer) next() (Message, error) {
	if c.spsc != nil {
		return c.spsc.Next()
	}
	return c.mpmc.Next()
}

// nextBatch is next for several messages, if that is all there is to do.
func (c *Consumer) nextBatch(into []Message) (n int, size uint64) {
	if c.spsc != nil {
		return c.spsc.NextBatch(into)
	}
	return c.mpmc.NextBatch(into)
}

// position returns the bytes that have gone past this consumer.
func (c *Consumer) position() uint64 {
	if c.spsc != nil {
		return c.spsc.Position()
	}
	return c.mpmc.Position() * c.crew.geometry.CellSize
}

// lent reports whether messages are out that were not released.
func (c *Consumer) lent() bool {
	if c.spsc != nil {
		return c.spsc.Leased()
	}
	return c.mpmc.Leased() > 0
}

// missed completes the error with which no message came.
func (c *Consumer) missed(err error) error {
	// The producer may be waiting for what was released since the last batch.
	c.publish()
	if err != ErrEmpty && err != io.EOF || c.guard.Faulted() {
		err = c.failed("receive", err)
	}
	return err
}

// RecvBatch releases all messages that are out and fills into with the next
// ones, as many as are there, waiting for the first until ctx ends. Their
// payloads are valid until the next call on c. It returns how many there are;
// errors are those of Recv, and come without messages.
func (c *Consumer) RecvBatch(ctx context.Context, into []Message) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	m, err := c.Recv(ctx)
	if err != nil {
		return 0, err
	}
	into[0] = m
	if !c.gate.Enter() {
		return 0, c.shutOut("receive")
	}
	n, size := 1, uint64(0)
	for n < len(into) {
		k, bytes := c.nextBatch(into[n:])
		if n, size = n+k, size+bytes; k > 0 {
			continue
		}
		// What is wrong here is still wrong at the next call.
		if into[n], err = c.next(); err != nil {
			break
		}
		size += uint64(len(into[n].Payload))
		n++
	}
	c.counters.Received(uint64(n-1), size)
	c.gate.Exit()
	return n, nil
}

// Packed is messages of equal size, one right behind the other in the ring's own
// memory, as SendPacked or SendBatch sent them. It must not be written.
type Packed = ring.Packed

// RecvPacked is Recv for the next message together with those of the same size
// that were sent with it and stand right behind it: all of SendPacked's messages
// that got room at the same time, up to a sixteenth of an SPSC ring. What was sent
// alone comes alone. All are released by the next call on c.
func (c *Consumer) RecvPacked(ctx context.Context) (Packed, error) {
	if s := c.spsc; s != nil && c.gate.EnterPlain() {
		if b, size, n, typ := s.TakePacked(); n > 0 {
			c.counters.Received(uint64(n), uint64(len(b)))
			c.gate.Exit()
			return Packed{Payload: b, Size: size, Type: typ}, nil
		}
		c.gate.Exit()
	}
	m, err := c.Recv(ctx)
	if err != nil {
		return Packed{}, err
	}
	p := Packed{Payload: m.Payload, Size: len(m.Payload), Type: m.Type, Redelivered: m.Redelivered}
	if !c.gate.Enter() {
		return Packed{}, c.shutOut("receive")
	}
	if c.spsc != nil {
		p.Payload = c.spsc.Packed(m)
	} else {
		p.Payload = c.mpmc.Packed(m)
	}
	c.counters.Received(uint64(p.Count()-1), uint64(len(p.Payload)-p.Size))
	c.gate.Exit()
	return p, nil
}

// RecvAppend receives the next message as Recv does, appends its payload to
// dst and releases it: the copying form, with nothing to keep in mind. It
// allocates only when dst is too small.
func (c *Consumer) RecvAppend(ctx context.Context, dst []byte) ([]byte, error) {
	m, err := c.Recv(ctx)
	if err != nil {
		return dst, err
	}
	dst = append(dst, m.Payload...)
	return dst, c.Release()
}

// Messages returns an iterator over the messages to come:
//
//	for m, err := range c.Messages(ctx) { … }
//
// It waits for each as Recv does, and a message is valid until the loop's next
// step, which releases it. The loop ends by itself when the ring's end was
// declared and everything received; every other error is yielded. After
// ErrPeerDead the loop goes on and waits for the next producer, unless its body
// leaves it; other errors end it. A message whose step leaves the loop is not
// released by that: call Release, or receive on.
func (c *Consumer) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			m, err := c.Recv(ctx)
			if err == io.EOF {
				return
			}
			if !yield(m, err) || (err != nil && !isPeerDead(err)) {
				return
			}
		}
	}
}

// Release gives all messages that are out back to the ring and announces that
// to the producer at once. Without it they are released by the next receiving
// call, and the producer learns of it when an eighth of the ring is free or
// everything was received; what it has not learned when this process dies is
// delivered again to the next consumer.
func (c *Consumer) Release() error {
	if !c.gate.Enter() {
		return c.shutOut("release")
	}
	c.release()
	c.publish()
	c.gate.Exit()
	return nil
}

// release gives back what is out. Producers that sleep are told when a part of
// the ring is free that is worth waking up for.
func (c *Consumer) release() {
	if c.spsc != nil {
		if c.spsc.Release() {
			c.publish()
		}
	} else if c.mpmc.Release() {
		c.freed = true
		if c.mpmc.Position()-c.told >= c.worth {
			c.publish()
		}
	}
}

// publish announces to producers what was released.
func (c *Consumer) publish() {
	if c.spsc != nil {
		if c.spsc.Publish() {
			c.theirs.Ring()
		}
	} else if c.freed {
		c.freed, c.told = false, c.mpmc.Position()
		c.theirs.Ring()
	}
}

// Close gives the role back, so that another consumer can attach and go on.
// Messages that are out count as not received: the next consumer gets them too.
// For another goroutine that is reading one in this moment, the memory stays
// mapped as long as c is reachable and not called again. A call that waits in
// another goroutine ends with ErrClosed. A second Close returns ErrClosed.
func (c *Consumer) Close() error {
	if err := c.shut(); err != nil {
		return err
	}
	c.publish()
	lent := c.lent()
	var err error
	if lent && c.kind == MPMC {
		err = c.giveBack()
	}
	return firstError(err, c.leave(lent))
}
