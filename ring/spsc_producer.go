package ring

import (
	"fmt"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
)

// SPSCProducer is the sending side of a single-producer single-consumer ring.
// It belongs to one goroutine at a time, and there must be one for the ring
// among all processes; package shm sees to that. Its memory must stay mapped
// while it is used.
type SPSCProducer struct {
	data mem.Region
	mask uint64 // capacity - 1
	pos  uint64 // where the next frame goes; its header is zero
	// limit is where the consumer's memory begins, one lap on: a frame and
	// the zero header behind it must end here at the latest.
	limit uint64
	max   uint64 // largest payload
	flags Flags  // of every frame: FlagChecksum or none

	claimed uint64 // payload bytes of the open claim
	open    bool

	ctl mem.Region
}

// NewSPSCProducer attaches to the ring in body. It continues where the
// producer before it stood, dead or gone: it walks over the frames that are
// committed and not released to the first header that is zero. The walk takes
// at most Capacity/8 steps. The error matches ErrCorrupt when what stands there
// is no ring, and ErrClosed after the ring's end was declared.
func NewSPSCProducer(g Geometry, body []byte) (*SPSCProducer, error) {
	p := &SPSCProducer{
		data: g.data(body),
		ctl:  mem.Of(body).Slice(0, controlSize),
		mask: g.Capacity - 1,
		max:  g.MaxMessage(),
	}
	if g.Checksum {
		p.flags = FlagChecksum
	}
	if p.ctl.Load64(offEnd) != 0 {
		return nil, &errs.Error{Op: "attach producer", Detail: "the ring's end was declared", Err: ErrClosed}
	}
	// Pairs with the release store in Publish: the frames from here on are
	// unreleased, and stay so as long as nobody but us produces.
	start, err := loadConsumer(p.ctl)
	if err != nil {
		return nil, err
	}
	p.pos, p.limit = start, start+g.Capacity
	for {
		off := p.pos & p.mask
		// Pairs with the release store in commit, of the producer before us.
		h := Header(p.data.Load64(off))
		if h == 0 {
			break
		}
		size := h.FrameSize()
		if !h.Valid() || off+size > g.Capacity || p.pos+size+HeaderSize > p.limit {
			return nil, corrupt("attach producer", "frame header %#016x at data offset %d", uint64(h), off)
		}
		p.pos += size
	}
	p.ctl.StoreRelease64(offProducer, p.pos)
	return p, nil
}

// loadConsumer loads the consumer's position for one who attaches.
func loadConsumer(ctl mem.Region) (uint64, error) {
	c := ctl.Load64(offConsumer)
	if c%HeaderSize != 0 {
		return 0, corrupt("attach", "consumer position %#x is not a multiple of %d", c, HeaderSize)
	}
	return c, nil
}

// TrySend copies b into the ring as one message and commits it. It returns
// ErrFull when there is no room until the consumer releases more, ErrTooLarge
// when there can never be, and ErrCorrupt when the consumer's position can't
// be true. An open claim is aborted.
func (p *SPSCProducer) TrySend(typ uint16, b []byte) error {
	n := uint64(len(b))
	size := frameSize(HeaderSize, n)
	off := p.pos & p.mask
	if n > p.max || p.pos+size+HeaderSize > p.limit || off+size > p.mask+1 || p.flags != 0 {
		buf, err := p.Claim(len(b))
		if err != nil {
			return err
		}
		copy(buf, b)
		p.Commit(typ, len(b))
		return nil
	}
	copy(p.data.Bytes(off+HeaderSize, n), b)
	p.commit(off, size, MakeHeader(uint32(n), typ, 0))
	return nil
}

// TrySendBatch copies as many of the messages as fit, in order, and makes them
// visible all at once. It returns how many those are, and with fewer than all
// the reason that TrySend would give for the next one. A process that dies
// meanwhile has sent all of them or none. An open claim is aborted.
func (p *SPSCProducer) TrySendBatch(typ uint16, msgs [][]byte) (sent int, err error) {
	if p.flags != 0 {
		for i, b := range msgs {
			if err := p.TrySend(typ, b); err != nil {
				return i, err
			}
		}
		return len(msgs), nil
	}
	// The first header is held back until all frames behind it stand.
	var first Header
	var firstOff uint64
	for _, b := range msgs {
		n := uint64(len(b))
		size := frameSize(HeaderSize, n)
		if n > p.max || p.pos+size+HeaderSize > p.limit || p.pos&p.mask+size > p.mask+1 {
			if n > p.max {
				err = p.tooLarge(len(b))
			} else {
				err = p.makeRoom(size)
			}
			if err != nil {
				break
			}
		}
		off := p.pos & p.mask
		copy(p.data.Bytes(off+HeaderSize, n), b)
		h := MakeHeader(uint32(n), typ, 0)
		if first == 0 {
			first, firstOff = h, off
		} else {
			p.data.StoreRelease64(off, uint64(h))
		}
		p.pos += size
		sent++
	}
	if first != 0 {
		p.publish(firstOff, first)
	}
	return sent, err
}

// Claim reserves room for a payload of n bytes and returns it: the ring's own
// memory, holding whatever was there, to be filled and then committed. Nothing
// is visible to the consumer before Commit, nor ever if the process dies. The
// slice is valid until Commit, Abort or the next Claim. Errors are those of
// TrySend. It panics if n is negative.
func (p *SPSCProducer) Claim(n int) ([]byte, error) {
	p.open = false
	if n < 0 {
		panic("ring: Claim of a negative size")
	}
	if uint64(n) > p.max {
		return nil, p.tooLarge(n)
	}
	po := p.payloadOffset()
	if err := p.makeRoom(frameSize(po, uint64(n))); err != nil {
		return nil, err
	}
	p.claimed, p.open = uint64(n), true
	return p.data.Bytes(p.pos&p.mask+po, uint64(n)), nil
}

// Commit makes the first n bytes of the open claim visible to the consumer as
// a message of the given type. It panics when no claim is open or n is not
// within it.
func (p *SPSCProducer) Commit(typ uint16, n int) {
	if !p.open || n < 0 || uint64(n) > p.claimed {
		panic("ring: Commit without a claim of that size")
	}
	off := p.pos & p.mask
	h := MakeHeader(uint32(n), typ, p.flags)
	if p.flags&FlagChecksum != 0 {
		payload := p.data.Bytes(off+h.PayloadOffset(), uint64(n))
		p.data.StoreRelease64(off+HeaderSize, checksum(h, payload))
	}
	p.commit(off, h.FrameSize(), h)
}

// Claimed returns the size of the open claim, and -1 when there is none.
func (p *SPSCProducer) Claimed() int {
	if !p.open {
		return -1
	}
	return int(p.claimed)
}

// Abort gives the open claim back. Without one it does nothing.
func (p *SPSCProducer) Abort() { p.open = false }

// Position returns the number of the byte that the next frame starts at.
func (p *SPSCProducer) Position() uint64 { return p.pos }

// End declares that no message will follow. The consumer gets io.EOF once it
// has received everything, and no producer can attach any more.
func (p *SPSCProducer) End() {
	// Hands over: everything was committed. Pairs with the load in next.
	p.ctl.StoreRelease64(offEnd, p.pos|1)
}

func (p *SPSCProducer) tooLarge(n int) error {
	return &errs.Error{Op: "send", Err: ErrTooLarge,
		Detail: fmt.Sprintf("message of %d bytes, the ring takes at most %d", n, p.max)}
}

// commit publishes the frame of size bytes at off, where the payload has been
// written.
func (p *SPSCProducer) commit(off, size uint64, h Header) {
	p.pos += size
	p.publish(off, h)
}

// publish makes what stands from off to pos visible: h is the header of the
// first frame there.
func (p *SPSCProducer) publish(off uint64, h Header) {
	p.open = false
	// The header behind comes first: when ours is seen, that one is zero.
	p.data.StoreRelease64(p.pos&p.mask, 0)
	// Hands the payload and the zero behind it to the consumer; pairs with
	// the header loads in Next and NewSPSCProducer.
	p.data.StoreRelease64(off, uint64(h))
	// For observers only. Nothing depends on it.
	p.ctl.StoreRelease64(offProducer, p.pos)
}

// payloadOffset returns where in a frame the payload stands.
func (p *SPSCProducer) payloadOffset() uint64 {
	if p.flags&FlagChecksum != 0 {
		return 2 * HeaderSize
	}
	return HeaderSize
}

// makeRoom sees to it that a frame of size bytes fits at pos without crossing
// the ring's end, committing a pad frame up to the end where it would.
func (p *SPSCProducer) makeRoom(size uint64) error {
	off := p.pos & p.mask
	pad := uint64(0)
	if off+size > p.mask+1 {
		pad = p.mask + 1 - off
	}
	need := pad + size + HeaderSize
	if p.pos+need > p.limit {
		// Pairs with the release store in Publish: the consumer reads
		// nothing before this position any more.
		c := p.ctl.Load64(offConsumer)
		limit := c + p.mask + 1
		// It can't have gone back, nor be ahead of what was sent.
		if c > p.pos || limit < p.limit || c%HeaderSize != 0 {
			return corrupt("send", "consumer position %#x, when it was at least %#x and the producer's is %#x",
				c, p.limit-p.mask-1, p.pos)
		}
		p.limit = limit
		if p.pos+need > limit {
			return ErrFull
		}
	}
	if pad > 0 {
		p.commit(off, pad, MakeHeader(uint32(pad-HeaderSize), 0, FlagPad))
	}
	return nil
}
