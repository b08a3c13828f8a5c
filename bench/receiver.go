package bench

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/sync"
)

// receiverOrders tell a receiver what to receive from.
type receiverOrders struct {
	Ring     string
	Wait     string
	ReadOnly bool // broadcast
}

// received is what a receiver reports in the end.
type received struct {
	Messages int64
	Hash     string // xxhash64 of the payloads, one after another
	Sum      uint64 // of each message's own hash
	Allocs   uint64
	Missed   []gap // broadcast
}

// add adds what another receiver has received.
func (r *received) add(o received) {
	r.Messages += o.Messages
	r.Sum += o.Sum
	r.Allocs += o.Allocs
	r.Hash = o.Hash
}

// receiver is the child that receives a replay and hashes it.
func receiver(ctx context.Context, p *pipe) error {
	var o receiverOrders
	if err := p.take(&o); err != nil {
		return err
	}
	wait, err := sync.ParseStrategy(o.Wait)
	if err != nil {
		return err
	}
	opts := []ringway.Option{ringway.Wait(wait), ringway.Prefault()}
	if o.ReadOnly {
		opts = append(opts, ringway.ReadOnly())
	}
	r, err := ringway.OpenRing(o.Ring, opts...)
	if err != nil {
		return err
	}
	defer r.Close()
	if r.Kind() == ringway.Broadcast {
		s, err := r.Subscribe(ringway.FromOldest())
		if err != nil {
			return err
		}
		defer s.Close()
		if err := p.tell(struct{}{}); err != nil {
			return err
		}
		got, err := receiveCast(ctx, s)
		if err != nil {
			return err
		}
		return p.tell(got)
	}
	c, err := r.Consumer()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := p.tell(struct{}{}); err != nil {
		return err
	}
	var d digest
	d.payload.Reset()
	allocs := countAllocs()
	var next uint64 // the least number that the next record may have
	for m, err := range c.Messages(ctx) {
		if err != nil {
			return err
		}
		record, number := m.Payload, next
		if r.Kind() == ringway.MPMC {
			if len(record) < numberSize {
				return fmt.Errorf("a message of %d bytes", len(record))
			}
			number, record = binary.LittleEndian.Uint64(record), record[numberSize:]
		}
		if number < next {
			return fmt.Errorf("record number %d came behind number %d", number, next-1)
		}
		next = number + 1
		d.add(record, number)
	}
	return p.tell(received{
		Messages: d.messages,
		Hash:     hex64(d.payload.Sum64()),
		Sum:      d.sum,
		Allocs:   allocs.count(),
	})
}
