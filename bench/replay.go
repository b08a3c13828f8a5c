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
	Topology string  // spsc
	Repeat   int     // how often the whole file is sent
	Rate     float64 // messages per second; 0 is as fast as it goes
	Capacity int     // bytes of the ring; 0 is 1 MiB, or more if a record needs it
	Wait     ringway.WaitStrategy

	// Progress, if not nil, is called now and then with how many messages of
	// how many were sent.
	Progress func(sent, all int64)
}

// ErrMismatch is returned when the receiver's messages differ from those sent.
var ErrMismatch = errors.New("the receiver got something else than was sent")

// Replay sends every record of the feed as a message through a ring to a second
// process, which hashes what it receives. The hashes are xxhash64 over the
// records one after another; message boundaries are compared by a second hash.
// A torn or malformed record is an error before anything is sent. When the two
// sides differ the result comes with an error that matches ErrMismatch.
func Replay(ctx context.Context, f *feed.Feed, o ReplayOptions) (Result, error) {
	if o.Topology != "spsc" {
		return Result{}, fmt.Errorf("topology %q: there is only spsc so far", o.Topology)
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
		capacity = max(ringway.DefaultCapacity, 1<<bits.Len(uint(2*largest+32)))
	}
	name := uniqueName("replay")
	r, err := ringway.CreateRing(name, ringway.SPSC, ringway.Capacity(capacity), ringway.Wait(o.Wait), ringway.Prefault())
	if err != nil {
		return Result{}, err
	}
	defer r.Close()
	// Two spinning processes need two processors.
	wait := o.Wait
	c, err := start(ctx, "receiver", receiverOrders{Ring: name, Wait: wait.String()})
	if err == nil {
		err = c.hear(&struct{}{})
	}
	// The receiver has it open: from here on nothing is left behind by
	// whoever dies.
	if rmErr := ringway.RemoveRing(name); err == nil && !errors.Is(rmErr, os.ErrNotExist) {
		err = rmErr
	}
	if err != nil {
		if c != nil {
			c.kill()
		}
		return Result{}, err
	}
	var d digest
	sent := make(chan error, 1)
	sendCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := limits.Now()
	go func() { sent <- d.send(sendCtx, r, f, o, int64(records)*int64(o.Repeat)) }()
	var got received
	heard := c.hear(&got)
	seconds := float64(limits.Now()-began) / 1e9
	if heard != nil {
		cancel() // nobody receives any more
	}
	if err := <-sent; err != nil && heard == nil {
		heard = fmt.Errorf("sending: %w", err)
	}
	if heard == nil {
		heard = c.wait()
	} else {
		c.kill()
	}
	if heard != nil {
		return Result{}, heard
	}
	messages, total := int64(records)*int64(o.Repeat), size*int64(o.Repeat)
	res := Result{
		Topology: "spsc", Transport: "shm", Mode: "replay", Wait: wait.String(),
		Producers: 1, Consumers: 1, Batch: 1, Capacity: capacity,
		Messages: messages, Bytes: total, Seconds: seconds,
		MsgsPerSec: float64(messages) / seconds, BytesPerSec: float64(total) / seconds,
		AllocsPerOp: got.AllocsPerOp,
		File:        f.Name(), Format: string(f.Format()),
		Sent: hex64(d.payload.Sum64()), Received: got.Hash,
	}
	if messages > 0 {
		res.MessageBytes = int(total / messages)
	}
	if res.Sent != res.Received || d.messages != got.Messages || d.lengthsSum() != got.Lengths {
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
	lengths  xxhash.Digest // of their lengths: where one ends and the next begins
	messages int64
}

func (d *digest) reset() {
	d.payload.Reset()
	d.lengths.Reset()
	d.messages = 0
}

func (d *digest) add(b []byte) {
	_, _ = d.payload.Write(b)
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(b)))
	_, _ = d.lengths.Write(n[:])
	d.messages++
}

func (d *digest) lengthsSum() string { return hex64(d.lengths.Sum64()) }

// send sends the feed through the ring and declares its end.
func (d *digest) send(ctx context.Context, r *ringway.Ring, f *feed.Feed, o ReplayOptions, all int64) error {
	d.reset()
	p, err := r.Producer()
	if err != nil {
		return err
	}
	defer p.Close()
	pace := newPace(o.Rate)
	for range o.Repeat {
		for record, err := range f.Records() {
			if err != nil {
				return err
			}
			if err := pace.wait(ctx); err != nil {
				return err
			}
			if err := p.Send(ctx, record); err != nil {
				return err
			}
			d.add(record)
			if o.Progress != nil && d.messages%4096 == 0 {
				o.Progress(d.messages, all)
			}
		}
	}
	if o.Progress != nil {
		o.Progress(d.messages, all)
	}
	return p.End(ctx)
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
