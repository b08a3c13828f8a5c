package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/feed"
)

// Over a broadcast ring every receiver gets every record, or is told how many it
// missed. The number of a record is that of the message in the ring, from 0. What a
// receiver has missed it reports as ranges of numbers, so that what it should have
// received is known exactly, and so is its hash.

// gap is a range of records that a receiver missed.
type gap struct{ From, To uint64 } // To is the first behind it

// Heard is one receiver's part in a replay over a broadcast ring.
type Heard struct {
	Received int64 `json:"received"`
	Missed   int64 `json:"missed"`
	// Hash is the xxhash64 of the payloads of what was received, one after
	// another. The sender's is the same if nothing was missed.
	Hash string `json:"received_xxhash64"`
}

// receiveCast receives a replay from a broadcast ring and hashes it.
func receiveCast(ctx context.Context, s *ringway.Subscriber) (got received, err error) {
	var d digest
	d.payload.Reset()
	allocs := countAllocs()
	var lap *ringway.Lapped
	for m, err := range s.Messages(ctx) {
		if errors.As(err, &lap) {
			got.Missed = append(got.Missed, gap{lap.Next - lap.Messages - 1, lap.Next - 1})
			continue
		}
		if err != nil {
			return got, err
		}
		d.add(m.Payload, s.Sequence()-2)
	}
	got.Messages, got.Sum, got.Hash, got.Allocs = d.messages, d.sum, hex64(d.payload.Sum64()), allocs.count()
	return got, nil
}

// sendCast sends the feed through a broadcast ring and declares its end.
func (d *digest) sendCast(ctx context.Context, r *ringway.Ring, f *feed.Feed, o ReplayOptions, all int64) error {
	d.payload.Reset()
	p, err := r.Publisher()
	if err != nil {
		return err
	}
	defer p.Close()
	if err := d.sendAll(ctx, f, o, all, func(_ uint64, record []byte) error { return p.Send(ctx, record) }); err != nil {
		return err
	}
	return p.End()
}

// compare says whether a receiver got what was sent except for what it says that it
// missed, which takes another look at the feed.
func (r *received) compare(f *feed.Feed, o ReplayOptions, sent *digest) (Heard, error) {
	h := Heard{Received: r.Messages, Hash: r.Hash}
	for _, s := range r.Missed {
		h.Missed += int64(s.To - s.From)
	}
	if h.Received+h.Missed != sent.messages {
		return h, fmt.Errorf("%w: %d messages sent, %d received and %d missed", ErrMismatch, sent.messages, h.Received, h.Missed)
	}
	want := digest{}
	want.payload.Reset()
	missed := slices.Clone(r.Missed)
	number := uint64(0)
	for range o.Repeat {
		for record, err := range f.Records() {
			if err != nil {
				return h, err
			}
			for len(missed) > 0 && number >= missed[0].To {
				missed = missed[1:]
			}
			if len(missed) == 0 || number < missed[0].From {
				want.add(record, number)
			}
			number++
		}
	}
	if want.sum != r.Sum || hex64(want.payload.Sum64()) != r.Hash {
		return h, fmt.Errorf("%w: of %d messages received, some are other than they should be", ErrMismatch, h.Received)
	}
	return h, nil
}
