package ring

import (
	"encoding/binary"
	"fmt"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
)

// SPSCProducer is the sending side of a single-producer single-consumer ring.
// It belongs to one goroutine at a time, and there must be one for the ring
// among all processes; package shm sees to that. Its memory must stay mapped
// while it is used.
type SPSCProducer struct {
	data  mem.Region
	mask  uint64 // capacity - 1
	shift uint   // log2 of capacity
	pos   uint64 // where the next frame goes; nothing is there yet
	limit uint64 // where the consumer's memory begins, one lap on
	max   uint64 // largest payload
	lines lineMap
	flags Flags // of every frame: FlagChecksum or none

	// What Put knows beforehand.
	stop uint64 // before it is room, and not the ring's end; pos when something is to be looked after
	tag  Header // the lap's
	size uint64 // of a frame with a message
	n    uint64 // of so many bytes
	head Header // and this header

	straight spscStraight

	claimed uint64 // payload bytes of the open claim
	open    bool
	ended   bool // End was called

	ctl    mem.Region
	stamps sampler

	array spscArray
}

// NewSPSCProducer attaches to the ring in body. It continues where the
// producer before it stood, dead or gone: it walks over the frames that are
// committed and not released to where nothing is yet. The walk takes at most
// Capacity/8 steps. The error matches ErrCorrupt when what stands there
// is no ring, and ErrClosed after the ring's end was declared.
func NewSPSCProducer(g Geometry, body []byte) (*SPSCProducer, error) {
	p := &SPSCProducer{
		data:  g.data(body),
		ctl:   mem.Of(body).Slice(0, controlSize),
		mask:  g.Capacity - 1,
		shift: g.lapShift(),
		max:   g.MaxMessage(),
		lines: newLineMap(g.Capacity),
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
	for p.pos != p.limit {
		off := p.pos & p.mask
		// Pairs with the release store in publish, of the producer before us.
		h := Header(p.data.Load64(off)) ^ lapTag(p.pos, p.shift)
		if !h.Committed() {
			break
		}
		size := h.FrameSize()
		if !h.Valid() || off+size > g.Capacity || size > p.limit-p.pos {
			return nil, corrupt("attach producer", "frame header %#016x at data offset %d", uint64(h), off)
		}
		p.pos += size
	}
	p.stop = p.pos
	p.expect(0, 8)
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
	if p.Put(typ, b) {
		return nil
	}
	return p.trySend(typ, b)
}

// Put is TrySend for a message of a kind and size like the last one's, when there
// is room and nothing else is due. If it returns false nothing was done, and
// TrySend will tell what there is to do.
func (p *SPSCProducer) Put(typ uint16, b []byte) bool {
	if p.Straight(typ, len(b)) {
		p.Lay(b)
		p.Seal()
		p.Tell()
		return true
	}
	n := uint64(len(b))
	again := n == p.n && typ == p.head.Type()
	if !again {
		p.expect(typ, n)
	}
	size := p.size
	if p.stop-p.pos <= size {
		return false
	}
	off := p.pos & p.mask
	switch {
	case off%cacheLine+size > cacheLine:
		p.spread(off, size, b)
	case n == 8:
		p.data.StoreRelease64(off+HeaderSize, binary.LittleEndian.Uint64(b))
	default:
		copy(p.data.Bytes(off+HeaderSize, n), b)
	}
	p.finish(off, size, p.head)
	if again {
		p.straighten()
	}
	return true
}

// finish publishes the frame of size bytes at pos, whose offset in the data is off,
// as publish does, with room behind the frame.
func (p *SPSCProducer) finish(off, size uint64, h Header) {
	p.pos += size
	if end := off + size; end%cacheLine != 0 {
		p.data.StoreRelease64(end, 0)
	} else if p.lines.suspect(end) {
		p.erase(p.pos)
	}
	p.data.StoreRelease64(off, uint64(h^p.tag))
	p.ctl.StoreRelease64(offProducer, p.pos)
}

// spread writes the payload b of the frame of size bytes at offset off, which ends
// in another cache line.
func (p *SPSCProducer) spread(off, size uint64, b []byte) {
	// Also when only padding is behind: it may be many laps old.
	p.lines.written(off, off+size)
	dst := p.data.Bytes(off+HeaderSize, uint64(len(b)))
	// The line that the consumer is looking at is written last and at once, lest
	// it takes it away in between.
	first := min(cacheLine-HeaderSize-off%cacheLine, uint64(len(b)))
	p.fill(dst[first:], b[first:])
	copy(dst[:first], b[:first])
}

// Long messages go past the caches in a ring so small that what is overwritten is
// still in the other processor's. In a larger one it has left that by itself, and
// the next level of caches takes more a second than the memory. A checksum reads
// what was written once more.
const (
	pastFrom = 16 << 10 // payload bytes
	pastUpTo = 512 << 10
)

// fill copies a payload, or nearly all of one, to dst.
func (p *SPSCProducer) fill(dst, b []byte) {
	if len(b) >= pastFrom && p.mask < pastUpTo && p.flags == 0 {
		mem.CopyPast(dst, b)
		return
	}
	copy(dst, b)
}

// expect has Put know messages of this kind.
func (p *SPSCProducer) expect(typ uint16, n uint64) {
	p.straight.until = 0
	p.n, p.size = n, frameSize(HeaderSize, n)
	p.head = MakeHeader(uint32(n), typ, 0)
	if n > p.max {
		p.size = p.mask + 1 // Put never finds room for it
	}
}

// trySend is TrySend when something is due before, or in between.
func (p *SPSCProducer) trySend(typ uint16, b []byte) error {
	buf, err := p.Claim(len(b))
	if err != nil {
		return err
	}
	p.fill(buf, b)
	p.Commit(typ, len(b))
	if p.flags == 0 && !p.stamps.on {
		p.aim()
	}
	return nil
}

// aim has Put and TrySendBatch know how far they can go on from here without
// looking.
func (p *SPSCProducer) aim() {
	p.stop = p.pos + min(p.limit-p.pos, p.mask+1-p.pos&p.mask)
	p.tag = lapTag(p.pos, p.shift)
}

// halt has Put and the straight way do nothing before the next aim.
func (p *SPSCProducer) halt() { p.stop, p.straight.until = p.pos, 0 }

// cacheLine is the size in bytes of what moves between processors at once. It
// is right for nearly all of them, and only matters for speed.
const cacheLine = 64

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
	off := p.pos & p.mask
	p.lines.written(off, off+frameSize(po, uint64(n)))
	return p.data.Bytes(off+po, uint64(n)), nil
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
	p.commit(h.FrameSize(), h)
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

// Poll looks for more room up to looks times, as mem.Region.Poll64 does, and
// reports whether there may be more than at the last ErrFull.
func (p *SPSCProducer) Poll(looks, pauses uint32) bool {
	return p.ctl.Poll64(offConsumer, p.limit-p.mask-1, looks, pauses)
}

// Position returns the number of the byte that the next frame starts at.
func (p *SPSCProducer) Position() uint64 { return p.pos }

// End declares that no message will follow: the consumer gets io.EOF once it
// has received everything, this producer ErrClosed, and no other can attach any
// more. It returns ErrClosed when that was declared before. An open claim is
// aborted.
func (p *SPSCProducer) End() error {
	if p.ended {
		return ErrClosed
	}
	p.open, p.ended = false, true
	p.limit = p.pos // there is no room any more, so everything asks makeRoom
	p.halt()
	// Hands over: everything was committed. Pairs with the load in next.
	p.ctl.StoreRelease64(offEnd, p.pos|1)
	return nil
}

func (p *SPSCProducer) tooLarge(n int) error {
	return &errs.Error{Op: "send", Err: ErrTooLarge,
		Detail: fmt.Sprintf("message of %d bytes, the ring takes at most %d", n, p.max)}
}

// commit publishes the frame of size bytes at pos, whose payload has been
// written.
func (p *SPSCProducer) commit(size uint64, h Header) {
	at := p.pos
	p.pos += size
	p.publish(at, h)
}

// publish makes what stands from position at to pos visible: h is the header of
// the first frame there.
func (p *SPSCProducer) publish(at uint64, h Header) {
	if p.stamps.on {
		p.stamps.sent(at)
	}
	p.open = false
	p.halt()
	// What is behind must not look like a frame: when ours is seen, that is
	// looked at. Bytes of an old payload may happen to.
	next := p.pos & p.mask
	if next%cacheLine != 0 {
		// It shares a line with what was just written. With the ring full
		// it is the consumer's, and a header of the lap before.
		if p.pos != p.limit {
			p.data.StoreRelease64(next, 0)
		}
	} else if p.lines.suspect(next) {
		p.erase(p.pos)
	}
	// Hands over the payload, and that nothing is behind it; pairs with the
	// header loads in Next and NewSPSCProducer.
	p.data.StoreRelease64(at&p.mask, uint64(h^lapTag(at, p.shift)))
	// For observers only. Nothing depends on it.
	p.ctl.StoreRelease64(offProducer, p.pos)
}

// erase sees to it that the word at position pos doesn't look like a frame.
// With the ring full it is the consumer's, and doesn't.
func (p *SPSCProducer) erase(pos uint64) {
	off := pos & p.mask
	if (Header(p.data.Load64(off)) ^ lapTag(pos, p.shift)).Committed() {
		p.data.StoreRelease64(off, 0)
	}
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
	p.open = false
	p.halt()
	if p.ended {
		return ErrClosed
	}
	off := p.pos & p.mask
	pad := uint64(0)
	if off+size > p.mask+1 {
		pad = p.mask + 1 - off
	}
	need := pad + size
	if need > p.limit-p.pos {
		// Pairs with the release store in Publish: the consumer reads
		// nothing before this position any more.
		c := p.ctl.Load64(offConsumer)
		last := p.limit - p.mask - 1
		// It can't have gone back, nor be ahead of what was sent.
		if c-last > p.pos-last || c%HeaderSize != 0 {
			return corrupt("send", "consumer position %#x, when it was at least %#x and the producer's is %#x",
				c, last, p.pos)
		}
		p.limit = c + p.mask + 1
		if need > p.limit-p.pos {
			return ErrFull
		}
	}
	if pad > 0 {
		// What stands there may be many laps old, and tags come again.
		p.lines.written(off, off+pad)
		p.commit(pad, MakeHeader(uint32(pad-HeaderSize), 0, FlagPad))
	}
	return nil
}
