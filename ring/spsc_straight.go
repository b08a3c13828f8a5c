package ring

import (
	"encoding/binary"

	"github.com/ringway/ringway/internal/mem"
)

// The straight way through an SPSC ring: what a small message takes that is one
// more of the kind before it, while nothing else is due. All that can be known is
// known beforehand, and the pieces are small enough for the compiler to put them
// into the caller: the stores with which a call saves registers stand in the
// processor's store buffer together with the message's own, and when that is full
// the sender stands still.

// spscStraight is what the straight way of a producer knows.
type spscStraight struct {
	until uint64 // up to which position it goes
	kind  uint64 // the messages it goes for: type and size
	word  uint64 // their header, with the lap's tag
}

// kind is the type and size of a message, in one word.
func kind(typ uint16, n uint64) uint64 { return uint64(typ)<<32 | n }

// longestStraight is the largest payload in bytes that goes the straight way, word
// by word.
const longestStraight = 128 - HeaderSize

// straighten has the straight way know how far messages like the one that was
// just put go on without looking: there is room for each and behind it, and what
// is behind it shares its last line, or doesn't look like a frame.
func (p *SPSCProducer) straighten() {
	size := p.size
	if p.n == 0 || p.n%8 != 0 || p.n > longestStraight || p.stop-p.pos <= size {
		return
	}
	until := p.stop - size
	if size > cacheLine {
		last := p.pos
		for (last+size)%cacheLine != 0 && last < until {
			last += size
		}
		until = min(until, last)
		off := p.pos & p.mask
		p.lines.written(off, off+last-p.pos+1) // beforehand
	} else if p.pos%size == 0 { // so that none straddles two lines
		end := (p.pos + cacheLine) &^ (cacheLine - 1) // of the line that is being filled
		until = min(until, end+p.lines.clean(end&p.mask)*cacheLine-size)
	} else {
		return
	}
	p.straight = spscStraight{until, kind(p.head.Type(), p.n), uint64(p.head ^ p.tag)}
}

// Straight reports whether a message can go the straight way. Then Lay and
// Seal have to follow.
func (p *SPSCProducer) Straight(typ uint16, n int) bool {
	return kind(typ, uint64(n)) == p.straight.kind && p.pos < p.straight.until
}

// Lay writes the payload of a message that is Straight, the line that the
// consumer is looking at last: see spread.
func (p *SPSCProducer) Lay(b []byte) {
	lay(p.data, p.pos&p.mask+HeaderSize, b)
}

// lay writes b, of whole words, at offset at, its first word last.
func lay(data mem.Region, at uint64, b []byte) {
	for i := len(b) - 8; i >= 0; i -= 8 {
		data.StoreRelease64(at+uint64(i), binary.LittleEndian.Uint64(b[i:]))
	}
}

// Seal publishes a message that is Straight and whose payload stands, as publish
// does. Tell has to follow.
func (p *SPSCProducer) Seal() {
	off := p.pos & p.mask
	end := off + p.size
	p.pos += p.size
	if end%cacheLine != 0 {
		p.data.StoreRelease64(end, 0)
	}
	p.data.StoreRelease64(off, p.straight.word)
}

// Tell tells observers where the producer stands. Nothing depends on it.
func (p *SPSCProducer) Tell() { p.ctl.StoreRelease64(offProducer, p.pos) }

// spscExpected is what the straight way of a consumer knows: the message that
// came last.
type spscExpected struct {
	word uint64 // its header, with the lap's tag
	n    uint64 // its size
	size uint64 // its frame's
	end  uint64 // where another of them would no longer be in this lap, or the producer has to be told of what was released
}

// expect has the straight way know of a message that Take is about to hand out.
func (c *SPSCConsumer) expect(h Header, size uint64) { c.straight = c.expected(h, size) }

// expected is what a straight way has to know of more frames like the one at pos,
// which has the header h and takes size bytes.
func (c *SPSCConsumer) expected(h Header, size uint64) spscExpected {
	lap := (c.pos | c.mask) + 1
	return spscExpected{
		word: uint64(h ^ lapTag(c.pos, c.shift)),
		n:    h.Len(),
		size: size,
		end:  min(lap-size+1, c.published+c.batch),
	}
}

// Straight reports whether the next message is there, like the last one, while
// nothing else is due. Then Pass hands it out.
//
// Pairs with the release store in SPSCProducer.publish, as header does.
func (c *SPSCConsumer) Straight() bool {
	return c.data.Load64(c.pos&c.mask) == c.straight.word && c.pos < c.straight.end
}

// Pass is Release and Next for a message that is Straight.
func (c *SPSCConsumer) Pass() Message {
	off := c.pos&c.mask + HeaderSize
	c.released = c.pos
	c.pos += c.straight.size
	return Message{Payload: c.data.Bytes(off, c.straight.n), Type: Header(c.straight.word).Type()}
}
