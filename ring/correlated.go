package ring

import "github.com/ringway/ringway/internal/mem"

// PutCorrelated copies b into the ring as one message with a correlation word,
// when there is room and nothing else is due. If it returns false nothing was
// done, and Claim will tell what there is to do.
func (p *SPSCProducer) PutCorrelated(typ uint16, word uint64, b []byte) bool {
	n := uint64(len(b))
	size := frameSize(2*HeaderSize, n)
	if p.stop-p.pos <= size || n+HeaderSize > p.max {
		return false
	}
	off := p.pos & p.mask
	p.lines.written(off, off+size)
	// As in spread: the line that the consumer is looking at is written last.
	first := uint64(0)
	if in := off%cacheLine + 2*HeaderSize; in < cacheLine {
		first = min(cacheLine-in, n)
	}
	dst := p.data.Bytes(off+2*HeaderSize, n)
	copy(dst[first:], b[first:])
	p.data.StoreRelease64(off+HeaderSize, word)
	copy(dst[:first], b[:first])
	p.commit(size, MakeHeader(uint32(n), typ, FlagCorrelation))
	p.aim()
	return true
}

// CommitCorrelated makes the first n bytes of the open claim visible to the
// consumer as a message of the given type whose first eight bytes are its
// correlation word. It panics when no claim is open or n is less than 8 or not
// within it.
//
// The word that comes first in the claim is the last extension word of the
// frame, since the correlation has the highest of the extension flags.
func (p *SPSCProducer) CommitCorrelated(typ uint16, n int) {
	if !p.open || n < HeaderSize || uint64(n) > p.claimed {
		panic("ring: CommitCorrelated without a claim of that size")
	}
	off := p.pos & p.mask
	h := MakeHeader(uint32(n-HeaderSize), typ, p.flags|FlagCorrelation)
	if p.flags&FlagChecksum != 0 {
		payload := p.data.Bytes(off+h.PayloadOffset(), h.Len())
		p.data.StoreRelease64(off+HeaderSize, checksum(h, payload))
	}
	p.commit(h.FrameSize(), h)
	if p.flags == 0 && !p.stamps.on {
		p.aim()
	}
}

// TakeCorrelated is Release and Next in one, for a message with a correlation
// word that is there, or comes while it looks so many times for it, while nothing
// else is due. If it returns false nothing was done, and Release and Next will tell
// what there is to do.
func (c *SPSCConsumer) TakeCorrelated(looks uint32) (m Message, ok bool) {
	off := c.pos & c.mask
	h := c.header(off)
	if !h.Committed() && looks > 0 {
		if !c.data.Poll64(off, uint64(h^lapTag(c.pos, c.shift)), looks, 1) {
			return m, false
		}
		h = c.header(off)
	}
	size := frameSize(2*HeaderSize, h.Len())
	if h>>48 != markWord|Header(FlagCorrelation) || c.plain != markWord || h.Len() > c.max || off+size > c.mask+1 ||
		c.pos-c.published >= c.batch {
		return m, false
	}
	c.released = c.pos
	c.pos += size
	return correlated(c.data, off, h), true
}

// correlated returns the message of the frame at off with the header h, which
// was checked.
func correlated(data mem.Region, off uint64, h Header) Message {
	return Message{
		Payload:    data.Bytes(off+h.PayloadOffset()-HeaderSize, h.Len()+HeaderSize),
		Type:       h.Type(),
		Correlated: true,
	}
}
