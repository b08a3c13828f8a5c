package bench

import (
	"context"

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
	Messages    int64
	Hash        string // xxhash64 of the payloads, one after another
	Lengths     string // xxhash64 of their lengths as 64-bit words
	AllocsPerOp float64
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
	d.reset()
	allocs := countAllocs()
	for m, err := range c.Messages(ctx) {
		if err != nil {
			return err
		}
		d.add(m.Payload)
	}
	return p.tell(received{
		Messages:    d.messages,
		Hash:        hex64(d.payload.Sum64()),
		Lengths:     d.lengthsSum(),
		AllocsPerOp: allocs.per(d.messages),
	})
}
