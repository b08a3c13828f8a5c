package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/feed"
	"github.com/ringway/ringway/bench/limits"
)

// ReplayOptions say how a file is replayed.
type ReplayOptions struct {
	Topology  string  // spsc or mpmc
	Consumers int     // receiving processes; 0 is 1, more for mpmc
	Repeat    int     // how often the whole file is sent
	Rate      float64 // messages per second; 0 is as fast as it goes
	Capacity  int     // bytes of the ring; 0 is 1 MiB, or more if a record needs it
	Wait      ringway.WaitStrategy

	Lossless bool // broadcast: the sender waits for the slowest receiver
	ReadOnly bool // broadcast: the receivers map the ring without the right to write

	// Progress, if not nil, is called now and then with how many messages of
	// how many were sent.
	Progress func(sent, all int64)
}

// ErrMismatch is returned when the receiver's messages differ from those sent.
var ErrMismatch = errors.New("the receiver got something else than was sent")

// Replay sends every record of the feed as a message through a ring to a second
// process, which hashes what it receives. The hashes are xxhash64 over the
// records one after another; message boundaries and numbers are compared by a second one.
// A torn or malformed record is an error before anything is sent. When the two
// sides differ the result comes with an error that matches ErrMismatch.
//
// With mpmc each record goes to one of the receivers, with its number in the
// eight bytes before it. Then both hashes are the sum of the xxhash64 of each
// record, seeded with its number, which doesn't depend on who received it; and
// each receiver sees to it that the numbers it gets only grow.
//
// With broadcast each record goes to all receivers. Each has a hash of its own,
// over what it received; what it should have received is all that was sent except
// for the records that it was told it missed, which there are none of in a lossless
// ring.
func Replay(ctx context.Context, f *feed.Feed, o ReplayOptions) (Result, error) {
	kind, err := kindOf(o.Topology)
	if err != nil {
		return Result{}, err
	}
	receivers := max(o.Consumers, 1)
	if (o.Lossless || o.ReadOnly) && kind != ringway.Broadcast || o.Lossless && o.ReadOnly {
		return Result{}, fmt.Errorf("lossless %t, read-only %t: one of these, for broadcast", o.Lossless, o.ReadOnly)
	}
	if receivers > 1 && kind == ringway.SPSC {
		return Result{}, fmt.Errorf("%d consumers: spsc has one", receivers)
	}
	if o.Repeat < 1 || o.Rate < 0 {
		return Result{}, fmt.Errorf("repeat %d, rate %g: repeat is at least 1, rate at least 0", o.Repeat, o.Rate)
	}
	records, size, largest, err := f.Count()
	if err != nil {
		return Result{}, err
	}
	capacity := o.Capacity
	if capacity == 0 {
		capacity = max(ringway.DefaultCapacity, 1<<bits.Len(uint(2*(largest+numberSize)+256)))
	}
	name := uniqueName("replay")
	opts := []ringway.Option{ringway.Capacity(capacity), ringway.Wait(o.Wait), ringway.Prefault()}
	if o.Lossless {
		opts = append(opts, ringway.Lossless(), ringway.Participants(receivers+1))
	}
	r, err := ringway.CreateRing(name, kind, opts...)
	if err != nil {
		return Result{}, err
	}
	defer r.Close()
	var team []*child
	defer func() {
		for _, c := range team {
			c.kill()
		}
	}()
	for range receivers {
		var c *child
		if c, err = start(ctx, "receiver", receiverOrders{Ring: name, Wait: o.Wait.String(), ReadOnly: o.ReadOnly}); err != nil {
			break
		}
		team = append(team, c)
		if err = c.hear(&struct{}{}); err != nil {
			break
		}
	}
	// The receivers have it open: from here on nothing is left behind by
	// whoever dies.
	if rmErr := ringway.RemoveRing(name); err == nil && !errors.Is(rmErr, os.ErrNotExist) {
		err = rmErr
	}
	if err != nil {
		return Result{}, err
	}
	var d digest
	sent := make(chan error, 1)
	sendCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := limits.Now()
	go func() { sent <- d.send(sendCtx, r, f, o, int64(records)*int64(o.Repeat)) }()
	var got received
	var each []received
	var failed error
	for _, c := range team {
		var one received
		if err := c.hear(&one); err != nil && failed == nil {
			failed = err
			cancel() // somebody receives no more: there will be no end
			for _, c := range team {
				c.kill()
			}
		}
		got.add(one)
		each = append(each, one)
	}
	seconds := float64(limits.Now()-began) / 1e9
	if err := <-sent; err != nil && failed == nil {
		failed = fmt.Errorf("sending: %w", err)
	}
	for _, c := range team {
		if failed == nil {
			failed = c.wait()
		}
	}
	if failed != nil {
		return Result{}, cause(ctx, failed)
	}
	messages, total := int64(records)*int64(o.Repeat), size*int64(o.Repeat)
	res := Result{
		Engine: Ringway, Topology: o.Topology, Transport: "shm", Mode: "replay", Wait: o.Wait.String(),
		Producers: 1, Consumers: receivers, Batch: 1, Capacity: capacity,
		Messages: messages, Bytes: total, Seconds: seconds,
		MsgsPerSec: float64(messages) / seconds, BytesPerSec: float64(total) / seconds,
		AllocsPerOp: perMessage(float64(got.Allocs), messages),
		File:        f.Name(), Format: string(f.Format()),
		Sent: hex64(d.payload.Sum64()), Received: got.Hash,
	}
	if kind == ringway.MPMC {
		res.Sent, res.Received = hex64(d.sum), hex64(got.Sum)
	}
	if kind == ringway.Broadcast {
		res.Cast = &Cast{Lossless: o.Lossless, ReadOnly: o.ReadOnly}
		err := error(nil)
		for _, one := range each {
			h, bad := one.compare(f, o, &d)
			if bad != nil && err == nil {
				err = bad
			}
			res.Cast.Received += h.Received
			res.Cast.Missed += h.Missed
			res.Cast.Each = append(res.Cast.Each, h)
		}
		if messages > 0 {
			res.MessageBytes = int(total / messages)
		}
		res.Received = ""
		return res, err
	}
	if messages > 0 {
		res.MessageBytes = int(total / messages)
	}
	if res.Sent != res.Received || d.messages != got.Messages || d.sum != got.Sum {
		return res, fmt.Errorf("%w: %d messages sent, %d received", ErrMismatch, d.messages, got.Messages)
	}
	return res, nil
}

func uniqueName(what string) string {
	return fmt.Sprintf("shmbench-%s-%d-%08x", what, os.Getpid(), rand.Uint32())
}

func hex64(v uint64) string { return fmt.Sprintf("%016x", v) }

// digest sums up a stream of messages.
type digest struct {
	payload  xxhash.Digest // of the payloads, one after another
	sum      uint64        // of each message's own hash, seeded with its number
	messages int64
}

func (d *digest) add(b []byte, number uint64) {
	_, _ = d.payload.Write(b)
	var one xxhash.Digest
	one.ResetWithSeed(number)
	_, _ = one.Write(b)
	d.sum += one.Sum64()
	d.messages++
}

// send sends the feed through the ring and declares its end.
func (d *digest) send(ctx context.Context, r *ringway.Ring, f *feed.Feed, o ReplayOptions, all int64) error {
	if r.Kind() == ringway.Broadcast {
		return d.sendCast(ctx, r, f, o, all)
	}
	d.payload.Reset()
	p, err := r.Producer()
	if err != nil {
		return err
	}
	defer p.Close()
	send := func(_ uint64, record []byte) error { return p.Send(ctx, record) }
	if r.Kind() == ringway.MPMC {
		send = func(number uint64, record []byte) error { return sendNumbered(ctx, p, number, record) }
	}
	if err := d.sendAll(ctx, f, o, all, send); err != nil {
		return err
	}
	return p.End(ctx)
}

// sendAll has the records of the feed sent, with their numbers.
func (d *digest) sendAll(ctx context.Context, f *feed.Feed, o ReplayOptions, all int64, send func(number uint64, record []byte) error) error {
	pace := newPace(o.Rate)
	for range o.Repeat {
		for record, err := range f.Records() {
			if err != nil {
				return err
			}
			if err := pace.wait(ctx); err != nil {
				return err
			}
			number := uint64(d.messages)
			if err := send(number, record); err != nil {
				return err
			}
			d.add(record, number)
			if o.Progress != nil && d.messages%4096 == 0 {
				o.Progress(d.messages, all)
			}
		}
	}
	if o.Progress != nil {
		o.Progress(d.messages, all)
	}
	return nil
}

// numberSize is the size of the number before each record over mpmc.
const numberSize = 8

func sendNumbered(ctx context.Context, p *ringway.Producer, number uint64, record []byte) error {
	b, err := p.Claim(ctx, numberSize+len(record))
	if err != nil {
		return err
	}
	binary.LittleEndian.PutUint64(b, number)
	copy(b[numberSize:], record)
	return p.Commit()
}

// pace spaces messages evenly. It keeps to the schedule, not to the gap: after
// a hold-up the messages that are late go out at once.
type pace struct {
	gap  float64 // ns
	next float64
}

func newPace(rate float64) *pace {
	if rate == 0 {
		return &pace{}
	}
	return &pace{gap: 1e9 / rate, next: float64(limits.Now())}
}

// wait waits for the next message's time: asleep for the most part, and
// spinning for the last bit, since a sleep's end is not that exact.
func (p *pace) wait(ctx context.Context) error {
	if p.gap == 0 {
		return nil
	}
	const spin = 200_000 // ns
	for {
		left := int64(p.next) - limits.Now()
		if left <= 0 {
			p.next += p.gap
			return nil
		}
		if left > spin {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Duration(left - spin)):
			}
		}
	}
}
