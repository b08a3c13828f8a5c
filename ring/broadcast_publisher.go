package ring

import (
	"encoding/binary"
	"fmt"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
)

// BroadcastPublisher is the sending side of a broadcast ring. It belongs to one
// goroutine at a time, and there must be one for the ring among all processes;
// package shm sees to that. Its memory must stay mapped while it is used.
//
// Of a lossy ring it reads nothing that anybody else writes; of a lossless one,
// the gates.
type BroadcastPublisher struct {
	stream
	cursor        // where the next frame goes; nothing is there yet
	limit  uint64 // the intent: what is a lap before it may be overwritten
	latest uint64 // the position of the latest checkpoint
	lines  lineMap

	claimed uint64 // payload bytes of the open claim
	open    bool
	ended   bool // End was called

	slow   Gate // that keeps us waiting, or did last
	stamps sampler
}

// NewBroadcastPublisher attaches to the ring in body. It continues where the
// publisher before it stood, dead or gone: it walks from the latest checkpoint
// over the frames that are committed to where nothing is yet. So the sequence
// numbers go on, too. The error matches ErrCorrupt when what stands there is no
// ring, and ErrClosed after the ring's end was declared.
func NewBroadcastPublisher(g Geometry, body []byte) (*BroadcastPublisher, error) {
	p := &BroadcastPublisher{stream: *newStream(g, body), lines: newLineMap(g.Capacity)}
	if p.ctl.Load64(offEnd) != 0 {
		return nil, &errs.Error{Op: "attach publisher", Detail: "the ring's end was declared", Err: ErrClosed}
	}
	at, err := p.end()
	if err != nil {
		return nil, err
	}
	p.cursor = at
	p.latest = p.ctl.Load64(offLatest)
	p.limit = p.ctl.Load64(offIntent)
	if p.limit-p.pos > p.mask+1 {
		return nil, corrupt("attach publisher", "intent %#x, where the frames end at position %#x", p.limit, p.pos)
	}
	if p.gates.Len() > 0 {
		// The dead one may have wished for more.
		p.ctl.StoreRelease64(offWish, p.limit)
	}
	return p, nil
}

// TrySend copies b into the ring as one message and commits it. It returns
// ErrTooLarge when it is longer than the ring's largest message, ErrClosed after
// End, and, of a lossless ring only, ErrFull when there is no room until the
// slowest subscriber has read on. An open claim is aborted.
func (p *BroadcastPublisher) TrySend(typ uint16, b []byte) error {
	pos := p.pos
	off := pos & p.mask
	if len(b) == 8 && p.limit-pos >= 16+HeaderSize && p.mask-off >= 15 && off%cacheLine != cacheLine-HeaderSize && p.flags == 0 {
		// One word: without a call, and with its frame in one line.
		p.data.StoreRelease64(off+HeaderSize, binary.LittleEndian.Uint64(b))
		p.pos = pos + 16
		p.seq++
		p.bytes += 8
		p.publish(pos, MakeHeader(8, typ, 0))
		return nil
	}
	return p.trySend(typ, b)
}

// trySend is TrySend for messages of any size.
func (p *BroadcastPublisher) trySend(typ uint16, b []byte) error {
	n := uint64(len(b))
	po := p.payloadOffset()
	size := frameSize(po, n)
	off := p.pos & p.mask
	if n > p.max || size+HeaderSize > p.limit-p.pos || off+size > p.mask+1 {
		p.open = false
		if n > p.max {
			return p.tooLarge(len(b))
		}
		if err := p.makeRoom(size); err != nil {
			return err
		}
		off = p.pos & p.mask
	}
	if off%cacheLine+size > cacheLine {
		// Also when only padding is behind: it may be many laps old.
		p.lines.written(off, off+size)
	}
	if first := cacheLine - (off+po)%cacheLine; n > first {
		// The line that subscribers are looking at is written last and at
		// once, lest they take it away in between.
		p.data.CopyIn(off+po+first, b[first:])
		p.data.CopyIn(off+po, b[:first])
	} else {
		p.data.CopyIn(off+po, b)
	}
	h := MakeHeader(uint32(n), typ, p.flags)
	p.sum(h, b)
	at := p.pos
	p.pos += size
	p.seq++
	p.bytes += n
	p.publish(at, h)
	return nil
}

// Claim reserves room for a payload of n bytes and returns it: the ring's own
// memory, holding whatever was there, to be filled and then committed. Nothing
// is visible to subscribers before Commit, nor ever if the process dies. The
// slice is valid until Commit, Abort or the next Claim. Errors are those of
// TrySend. It panics if n is negative.
func (p *BroadcastPublisher) Claim(n int) ([]byte, error) {
	p.open = false
	if n < 0 {
		panic("ring: Claim of a negative size")
	}
	if uint64(n) > p.max {
		return nil, p.tooLarge(n)
	}
	po := p.payloadOffset()
	size := frameSize(po, uint64(n))
	if err := p.makeRoom(size); err != nil {
		return nil, err
	}
	p.claimed, p.open = uint64(n), true
	off := p.pos & p.mask
	p.lines.written(off, off+size)
	return p.data.Bytes(off+po, uint64(n)), nil
}

// Commit makes the first n bytes of the open claim visible as a message of the
// given type. It panics when no claim is open or n is not within it.
func (p *BroadcastPublisher) Commit(typ uint16, n int) {
	if !p.open || n < 0 || uint64(n) > p.claimed {
		panic("ring: Commit without a claim of that size")
	}
	h := MakeHeader(uint32(n), typ, p.flags)
	p.commit(h, p.data.Bytes(p.pos&p.mask+h.PayloadOffset(), uint64(n)))
}

// Claimed returns the size of the open claim, and -1 when there is none.
func (p *BroadcastPublisher) Claimed() int {
	if !p.open {
		return -1
	}
	return int(p.claimed)
}

// Abort gives the open claim back. Without one it does nothing.
func (p *BroadcastPublisher) Abort() { p.open = false }

// Position returns the number of the byte that the next frame starts at.
func (p *BroadcastPublisher) Position() uint64 { return p.pos }

// Sequence returns the number of the next message.
func (p *BroadcastPublisher) Sequence() uint64 { return p.seq }

// End declares that no message will follow: subscribers get io.EOF once they
// have received everything, this publisher ErrClosed, and no other can attach
// any more. It returns ErrClosed when that was declared before. An open claim is
// aborted.
func (p *BroadcastPublisher) End() error {
	if p.ended {
		return ErrClosed
	}
	p.open, p.ended = false, true
	p.limit = p.pos // there is no room any more, so everything asks reserve
	// Hands over: everything was committed. Pairs with the load in arrive.
	p.ctl.StoreRelease64(offEnd, p.pos|1)
	return nil
}

func (p *BroadcastPublisher) tooLarge(n int) error {
	return &errs.Error{Op: "send", Err: ErrTooLarge,
		Detail: fmt.Sprintf("message of %d bytes, the ring takes at most %d", n, p.max)}
}

// payloadOffset returns where in a frame the payload stands.
func (p *BroadcastPublisher) payloadOffset() uint64 {
	if p.flags&FlagChecksum != 0 {
		return 2 * HeaderSize
	}
	return HeaderSize
}

// sum writes the checksum of the frame at pos, if frames have one.
func (p *BroadcastPublisher) sum(h Header, payload []byte) {
	if p.flags&FlagChecksum != 0 {
		p.data.StoreRelease64(p.pos&p.mask+HeaderSize, checksum(h, payload))
	}
}

// commit publishes the frame at pos, whose payload has been written.
func (p *BroadcastPublisher) commit(h Header, payload []byte) {
	p.sum(h, payload)
	at := p.pos
	p.pass(h, 1)
	p.publish(at, h)
}

// publish makes what stands from position at to pos visible: h is the header of
// the first frame there. The room has eight bytes more than that.
func (p *BroadcastPublisher) publish(at uint64, h Header) {
	p.open = false
	if p.stamps.on {
		p.stamps.sent(at)
	}
	// What is behind must not look like a frame: when ours is seen, that is
	// looked at. Bytes of an old payload may happen to.
	next := p.pos & p.mask
	if next%cacheLine != 0 {
		// It shares a line with what was just written.
		p.data.StoreRelease64(next, 0)
	} else if p.lines.suspect(next) {
		if (Header(p.data.Load64(next)) ^ lapTag(p.pos, p.shift)).Committed() {
			p.data.StoreRelease64(next, 0)
		}
	}
	// Hands over the payload, and that nothing is behind it; pairs with the
	// header loads of the subscribers, and in look.
	p.data.StoreRelease64(at&p.mask, uint64(h^lapTag(at, p.shift)))
}

// makeRoom sees to it that a frame of size bytes may be written at pos, without
// crossing the ring's end, committing a pad frame up to the end where it would.
func (p *BroadcastPublisher) makeRoom(size uint64) error {
	if off := p.pos & p.mask; off+size > p.mask+1 {
		left := p.mask + 1 - off
		if err := p.reserve(left); err != nil {
			return err
		}
		// What stands there may be many laps old, and tags come again.
		p.lines.written(off, off+left)
		h := MakeHeader(uint32(left-HeaderSize), 0, FlagPad)
		at := p.pos
		p.pass(h, 0)
		p.publish(at, h)
	}
	return p.reserve(size)
}

// reserve sees to it that size bytes from pos on may be written, and the header
// behind them, saying so to the subscribers before.
func (p *BroadcastPublisher) reserve(size uint64) error {
	need := size + HeaderSize
	if need <= p.limit-p.pos {
		return nil
	}
	if p.ended {
		return ErrClosed
	}
	if p.chunkOf(p.pos) != p.chunkOf(p.latest) {
		// It comes before the intent: at any time the latest checkpoint is
		// one that nobody means to overwrite.
		p.mark(p.cursor)
		p.latest = p.pos
	}
	limit := p.chunkOf(p.pos + need + p.chunk - 1)
	if p.gates.Len() > 0 {
		return p.reserveGated(need, limit)
	}
	p.intend(limit)
	return nil
}

// intend says that anything a lap before limit may be overwritten from now on.
func (p *BroadcastPublisher) intend(limit uint64) {
	p.limit = limit
	// Pairs with the load in intact.
	p.ctl.StoreRelease64(offIntent, limit)
	mem.OrderStores()
}
