package ring

import "github.com/ringway/ringway/internal/mem"

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
