package bench

import (
	"context"
	"fmt"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/sync"
)

// receiverOrders tell a receiver what to receive from.
type receiverOrders struct {
	Ring string
	Wait string
}

// received is what a receiver reports in the end.
type received struct {
	Messages int64
	Hash     string // xxhash64 of the payloads, one after another
	Sum      uint64 // of each message's own hash
	Allocs   uint64
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
	r, err := ringway.OpenRing(o.Ring, ringway.Wait(wait), ringway.Prefault())
	if err != nil {
		return err
	}
	defer r.Close()
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
	var last uint16
	for m, err := range c.Messages(ctx) {
		if err != nil {
			return err
		}
		// Numbers come again after 65536; half of that is never skipped.
		if d.messages > 0 && m.Type-last-1 >= 1<<15 {
			return fmt.Errorf("message number %d (modulo 65536) came behind number %d", m.Type, last)
		}
		last = m.Type
		d.add(m.Payload, m.Type)
	}
	return p.tell(received{
		Messages: d.messages,
		Hash:     hex64(d.payload.Sum64()),
		Sum:      d.sum,
		Allocs:   allocs.count(),
	})
}
