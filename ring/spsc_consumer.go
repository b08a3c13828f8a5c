package ring

import (
	"io"

	"github.com/ringway/ringway/internal/mem"
)

// SPSCConsumer is the receiving side of a single-producer single-consumer
// ring. It belongs to one goroutine at a time, and there must be one for the
// ring among all processes; package shm sees to that. Its memory must stay
// mapped while it is used.
type SPSCConsumer struct {
	data  mem.Region
	mask  uint64 // capacity - 1
	shift uint   // log2 of capacity
	pos   uint64 // the next frame to hand out
	in    uint64 // and where in it the next message begins, if it is a batch and not the first
	max   uint64 // largest payload
	stale uint64 // the word at pos that was no frame when Next looked last

	released  uint64 // everything before was given back by the user
	taken     uint64 // and so was what is before this, if that is further: within the frame there
	published uint64 // everything before is known to the producer to be free
	told      uint64 // and the last taken that was published
	batch     uint64 // bytes to release before the producer is told

	straight spscExpected
	checksum bool
	plain    Header // the upper half of the header of a message that needs no more than to be found
	ctl      mem.Region
	stamps   sampler

	array spscExpectedArray
}

// NewSPSCConsumer attaches to the ring in body. It continues at the first
// message that the consumer before it, dead or gone, did not release. The
// error matches ErrCorrupt when the position there can't be true.
func NewSPSCConsumer(g Geometry, body []byte) (*SPSCConsumer, error) {
	c := &SPSCConsumer{
		data:     g.data(body),
		ctl:      mem.Of(body).Slice(0, controlSize),
		mask:     g.Capacity - 1,
		shift:    g.lapShift(),
		max:      g.MaxMessage(),
		batch:    g.Capacity / 8,
		checksum: g.Checksum,
	}
	// Pairs with the store in Publish of the consumer before us.
	start, err := loadConsumer(c.ctl)
	if err != nil {
		return nil, err
	}
	c.pos, c.released, c.published = start, start, start
	c.resume()
	if c.plain = markWord; c.checksum {
		c.plain = ^Header(0) // none
	}
	return c, nil
}

// Next hands out the next message without copying it. The payload is a lease
// on the ring's memory: it is valid until Release is called after it. Any
// number of messages can be out at once; the producer can't reuse the room of
// any of them. Next returns ErrEmpty when no committed message is there,
// io.EOF when there will be none any more, and ErrCorrupt when what is there
// can't be a frame; then it stays where it is.
func (c *SPSCConsumer) Next() (Message, error) {
	off := c.pos & c.mask
	h := c.header(off)
	n := h.Len()
	size := frameSize(HeaderSize, n)
	if h>>48 != c.plain || n > c.max || off+size > c.mask+1 {
		return c.next(h)
	}
	c.pos += size
	return Message{Payload: c.data.Bytes(off+HeaderSize, n), Type: h.Type()}, nil
}

// Take is Release and Next in one, for a message that is there while nothing
// else is due. If it returns false nothing was done, and Release and Next will
// tell what there is to do.
func (c *SPSCConsumer) Take() (m Message, ok bool) {
	if c.Straight() {
		return c.Pass(), true
	}
	off := c.pos & c.mask
	h := c.header(off)
	n := h.Len()
	size := frameSize(HeaderSize, n)
	if h>>48 != c.plain || n > c.max || off+size > c.mask+1 || c.pos-c.published >= c.batch {
		return m, false
	}
	c.expect(h, size)
	return c.Pass(), true
}

// NextBatch is Next for as many messages as there are and into holds, as long
// as nothing else is due. It returns how many that are, and their payload in
// bytes. If it returns none Next will tell what there is to do.
func (c *SPSCConsumer) NextBatch(into []Message) (n int, size uint64) {
	pos := c.pos
	for n < len(into) {
		off := pos & c.mask
		// As in header.
		h := Header(c.data.Load64(off)) ^ lapTag(pos, c.shift)
		frame := frameSize(HeaderSize, h.Len())
		if h>>48 == batchWord && c.plain == markWord {
			c.pos = pos
			k, err := c.unpack(off, h, into[n:])
			if err != nil {
				break
			}
			size += uint64(k) * uint64(len(into[n].Payload))
			n, pos = n+k, c.pos
			continue
		}
		if h>>48 != c.plain || h.Len() > c.max || off+frame > c.mask+1 {
			break
		}
		into[n] = Message{Payload: c.data.Bytes(off+HeaderSize, h.Len()), Type: h.Type()}
		n++
		size += h.Len()
		pos += frame
	}
	c.pos = pos
	return n, size
}

// header loads the header at pos, whose offset in the data is off.
//
// Pairs with the release store in SPSCProducer.publish: hands over the payload,
// and that what is behind it is a frame or doesn't look like one.
func (c *SPSCConsumer) header(off uint64) Header {
	return Header(c.data.Load64(off)) ^ lapTag(c.pos, c.shift)
}

// next is Next for everything but a plain frame. h is the header at pos.
func (c *SPSCConsumer) next(h Header) (Message, error) {
	pads := uint64(0)
	for {
		off := c.pos & c.mask
		if !h.Committed() {
			// Pairs with the store in End. It comes after all commits, so
			// the header has to be looked at again.
			end := c.ctl.Load64(offEnd)
			c.stale = c.data.Load64(off)
			if h = Header(c.stale) ^ lapTag(c.pos, c.shift); !h.Committed() {
				if end == c.pos|1 {
					return Message{}, io.EOF
				}
				return Message{}, ErrEmpty
			}
		}
		want := Flags(0)
		if c.checksum {
			want = FlagChecksum
		}
		if h>>48 == batchWord && !c.checksum {
			var one [1]Message
			_, err := c.unpack(off, h, one[:])
			return one[0], err
		}
		size := h.FrameSize()
		pad := h.Flags()&FlagPad != 0
		switch {
		case !h.Valid(), off+size > c.mask+1, !pad && (h.Flags()&^FlagCorrelation != want || h.Len() > c.max),
			pad && (h.Flags() != FlagPad || off+size != c.mask+1):
			return Message{}, corrupt("receive", "frame header %#016x at data offset %d of %d", uint64(h), off, c.mask+1)
		case pad:
			// One lap of pads and nothing else can't come from a ring.
			if pads += size; pads > c.mask {
				return Message{}, corrupt("receive", "pad frames all around the ring, the last at data offset %d", off)
			}
			c.pos += size
			h = Header(c.data.Load64(c.pos&c.mask)) ^ lapTag(c.pos, c.shift)
		default:
			payload := c.data.Bytes(off+h.PayloadOffset(), h.Len())
			if c.checksum {
				want, have := c.data.Load64(off+HeaderSize), checksum(h, payload)
				if want != have {
					return Message{}, badChecksum(payload, off, have, want)
				}
			}
			if c.stamps.on {
				c.stamps.received(c.pos)
			}
			c.pos += size
			if h.Flags()&FlagCorrelation != 0 {
				return correlated(c.data, off, h), nil
			}
			return Message{Payload: payload, Type: h.Type()}, nil
		}
	}
}

// Poll, after ErrEmpty, looks for a next message up to looks times, as
// mem.Region.Poll64 does, and reports whether Next may have something new to
// say.
func (c *SPSCConsumer) Poll(looks, pauses uint32) bool {
	return c.data.Poll64(c.pos&c.mask, c.stale, looks, pauses)
}

// Release ends the leases of all messages handed out so far. To spare the
// producer's cache the room is announced in batches of an eighth of the ring;
// Release reports whether that is due, and then the caller calls Publish. What
// is not published when the process dies is delivered again to its successor.
func (c *SPSCConsumer) Release() (due bool) {
	c.released, c.taken = c.pos, c.pos+c.in
	return c.released-c.published >= c.batch
}

// Leased reports whether messages are out that were not released.
func (c *SPSCConsumer) Leased() bool {
	return c.released != c.pos || c.in != 0 && c.taken != c.pos+c.in
}

// Publish announces to the producer all that was released. It reports whether
// that was more than the producer knew.
func (c *SPSCConsumer) Publish() bool {
	room := c.released != c.published
	if room {
		c.published = c.released
		// Hands the memory before this position back to the producer; pairs with
		// the load in makeRoom. Our reads of it can't move behind a release store.
		c.ctl.StoreRelease64(offConsumer, c.released)
	}
	c.publishTaken()
	return room
}

// Position returns the number of the byte that the next frame starts at, or,
// within a batch, the next message.
func (c *SPSCConsumer) Position() uint64 { return c.pos + c.in }
