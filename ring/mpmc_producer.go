package ring

import (
	"encoding/binary"
	"fmt"

	"github.com/ringway/ringway/internal/errs"
)

// MPMCProducer is a sending side of a ring with several producers and several
// consumers. It belongs to one goroutine at a time, and each participant of the
// section has at most one for the ring: its messages stay in order because it
// has one claim open at a time. Its memory must stay mapped while it is used.
//
// When its process dies, what it has committed stays; what it has claimed and
// not committed blocks the consumers until the death is known, and is padding
// then. While its process lives but is stopped the claim stands.
type MPMCProducer struct {
	mpmc
	pos    uint64 // where the search for the tail begins; not behind it
	limit  uint64 // as far as is known one may claim: F and a lap
	hinted uint64 // pos when T was stored last
	gen    uint64 // the count of renewals when pos was found

	// What Put knows beforehand. Between lap and stop it needs to look at nothing
	// but the word and gen.
	stop  uint64 // up to there is room, and not the ring's end; pos when something is to be looked after
	tail  word   // of a free cell in the lap of pos
	need  uint64 // cells of a message
	n     uint64 // of so many bytes,
	size  uint64 // which ends there in its frame,
	hole  bool   // and does not fill its cells
	head  Header // its header
	takes word   // and what claims its cells: owner and span

	straight mpmcStraight

	open      bool
	claimAt   uint64 // the last claim's position,
	claimSpan uint64 // its cells,
	payload   uint64 // and how many bytes of payload it is for

	watch, seen uint64 // Poll waits for the word there to change
}

// NewMPMCProducer attaches participant owner of table, which must be alive, to
// the ring in body. Errors match ErrBadArgument, ErrClosed after the ring's end
// was declared, or ErrCorrupt.
func NewMPMCProducer(g Geometry, body []byte, table Table, owner int) (*MPMCProducer, error) {
	r, err := attachMPMC(g, body, table, owner)
	if err != nil {
		return nil, err
	}
	if r.ctl.Load64(offEnd) != 0 {
		return nil, &errs.Error{Op: "attach producer", Detail: "the ring's end was declared", Err: ErrClosed}
	}
	p := &MPMCProducer{mpmc: *r, seen: ^uint64(0)}
	if p.pos, err = p.hint("attach producer", offTail); err != nil {
		return nil, err
	}
	p.hinted = p.pos
	p.gen = p.ctl.Load64(offGen)
	p.limit = p.ctl.Load64(offFree) + p.mask + 1
	p.stop = p.pos
	p.expect(0, 8)
	p.aim()
	return p, nil
}

// TrySend copies b into the ring as one message and commits it. It returns
// ErrFull when there is no room, ErrTooLarge when there can never be, ErrClosed
// after the ring's end, and ErrCorrupt when a word that others wrote can't be
// true. An open claim is aborted.
//
// ErrFull is exact: at some moment during the call the frame, or the padding
// that has to come before it at the ring's end, had no room.
func (p *MPMCProducer) TrySend(typ uint16, b []byte) error {
	if p.Put(typ, b) {
		return nil
	}
	buf, err := p.Claim(len(b))
	if err != nil {
		return err
	}
	copy(buf, b)
	p.Commit(typ, len(b))
	p.aim()
	return nil
}

// Put is TrySend for a message that can be claimed in one step, at the tail
// where this producer expects it. If it returns false nothing was done, and
// TrySend will tell what there is to do.
func (p *MPMCProducer) Put(typ uint16, b []byte) bool {
	if p.Straight(typ, len(b)) {
		if !p.Win() {
			p.GiveWay()
			return false
		}
		p.Lay(b)
		p.Seal()
		return true
	}
	n := uint64(len(b))
	again := n == p.n && typ == p.head.Type()
	if !again {
		p.expect(typ, n)
	}
	t, span := p.pos, p.need
	if int64(p.stop-t) < int64(span) || p.ctl.Load64(offGen) != p.gen {
		return false
	}
	off := t & p.mask
	// S2, S9: the tail is most often where we left it, and free.
	w := p.load(t)
	next := p.tail | p.takes
	if w&^p.spanMask != p.tail {
		return false
	}
	if !p.words.CAS64(off*8, uint64(w), uint64(next)) {
		p.GiveWay()
		return false
	}
	p.pos = t + span
	if p.pos-p.hinted >= p.every {
		p.pace(t)
	}
	// Nobody looks at the data before the word says so: any order will do.
	at := off << (p.shift & 63)
	if n == 8 {
		p.data.StoreRelease64(at+HeaderSize, binary.LittleEndian.Uint64(b))
	} else {
		copy(p.data.Bytes(at+HeaderSize, n), b)
	}
	if p.hole {
		p.data.StoreRelease64(at+p.size, 0)
	}
	p.data.StoreRelease64(at, uint64(p.head))
	// S12: see commit.
	p.words.StoreRelease64(off*8, uint64(next&^ownerMask+(committed-claimed)))
	if again {
		p.straighten(w)
	}
	return true
}

// expect has Put know messages of this kind.
func (p *MPMCProducer) expect(typ uint16, n uint64) {
	p.straight.until = 0
	p.n, p.head = n, MakeHeader(uint32(n), typ, 0)
	if n > p.max {
		p.need = 1 << 62 // there never is room
		return
	}
	p.size = packed(HeaderSize, n)
	p.need = p.cells(p.size)
	p.hole = p.size < p.need<<p.shift
	p.takes = word(p.need)<<spanShift | p.owner | claimed
}

// aim has Put know how far it can go on from here without looking.
func (p *MPMCProducer) aim() {
	if room := int64(p.limit - p.pos); p.flags == 0 && room > 0 {
		p.stop = p.pos + min(uint64(room), p.mask+1-p.pos&p.mask)
		p.tail = p.at(p.pos)
	}
}

// claimed takes note of a claim of ours.
func (p *MPMCProducer) claimed(t, span uint64) {
	p.pos = t + span
	if p.pos-p.hinted >= p.every {
		p.pace(t)
	}
}

// pace does what is due after a claim at t now and then.
func (p *MPMCProducer) pace(t uint64) {
	if p.due(t) {
		// S10: a plain store may bring T back, but not behind F, since our
		// claim keeps that below t. So it comes before the commit.
		p.hinted = p.pos
		p.ctl.StoreRelease64(offTail, p.pos)
	}
}

// commit hands the claim at t to the consumers.
func (p *MPMCProducer) commit(t, span uint64) {
	// S12: hands over the frames; pairs with the loads in Next. The word is
	// ours until then, so a store will do.
	p.words.StoreRelease64(t&p.mask*8, uint64(p.of(t, span)|committed))
}

// Claim reserves room for a payload of n bytes and returns it: the ring's own
// memory, holding whatever was there, to be filled and then committed. Nothing
// is visible to the consumers before Commit, nor ever if the process dies; but
// they wait for it. The slice is valid until Commit, Abort or the next Claim.
// Errors are those of TrySend. It panics if n is negative.
func (p *MPMCProducer) Claim(n int) ([]byte, error) {
	p.Abort()
	if n < 0 {
		panic("ring: Claim of a negative size")
	}
	if uint64(n) > p.max {
		return nil, p.tooLarge(n)
	}
	po := p.payloadOffset()
	span := p.cells(packed(po, uint64(n)))
	if err := p.claim(span, span, outgoing{}, p.owner|claimed); err != nil {
		return nil, err
	}
	p.payload, p.open, p.stop, p.straight.until = uint64(n), true, p.pos, 0
	return p.data.Bytes(p.claimAt&p.mask<<p.shift+po, uint64(n)), nil
}

// Commit makes the first n bytes of the open claim visible to the consumers as
// a message of the given type. It panics when no claim is open or n is not
// within it.
func (p *MPMCProducer) Commit(typ uint16, n int) {
	if !p.open || n < 0 || uint64(n) > p.payload {
		panic("ring: Commit without a claim of that size")
	}
	p.open = false
	at := p.claimAt & p.mask << p.shift
	p.finish(p.seal(at, typ, uint64(n)), at+p.claimSpan<<p.shift)
	p.commit(p.claimAt, p.claimSpan)
}

// seal writes what surrounds the payload of n bytes of the frame at offset at.
// It returns where the next frame goes.
func (p *MPMCProducer) seal(at uint64, typ uint16, n uint64) uint64 {
	h := MakeHeader(uint32(n), typ, p.flags)
	po := p.payloadOffset()
	if p.flags&FlagChecksum != 0 {
		p.data.StoreRelease64(at+HeaderSize, checksum(h, p.data.Bytes(at+po, n)))
	}
	p.data.StoreRelease64(at, uint64(h))
	return at + packed(po, n)
}

// finish says that there is no frame at offset at any more, in a claim that
// ends at end.
func (p *MPMCProducer) finish(at, end uint64) {
	if at < end {
		p.data.StoreRelease64(at, 0)
	}
}

// Claimed returns the size of the open claim, and -1 when there is none.
func (p *MPMCProducer) Claimed() int {
	if !p.open {
		return -1
	}
	return int(p.payload)
}

// Abort turns the open claim into padding, which the consumers skip. Without a
// claim it does nothing.
func (p *MPMCProducer) Abort() {
	if p.open {
		p.open = false
		p.words.StoreRelease64(p.claimAt&p.mask*8, uint64(p.of(p.claimAt, p.claimSpan)|committed|padBit))
	}
}

// TrySendBatch copies as many of the messages as fit, in order. It returns how
// many those are, and with fewer than all the reason that TrySend would give
// for the next one. As many messages as there is room for up to the ring's end,
// and at most half the ring, become visible all at once and are received by one
// consumer; if there are more the batch goes on behind them, as if it were
// another. An open claim is aborted.
func (p *MPMCProducer) TrySendBatch(typ uint16, msgs [][]byte) (sent int, err error) {
	return p.trySendBatch(typ, outgoing{list: msgs})
}

// TrySendPacked is TrySendBatch for messages of size bytes, more than none, which
// stand one right behind the other in b.
func (p *MPMCProducer) TrySendPacked(typ uint16, b []byte, size int) (sent int, err error) {
	return p.trySendBatch(typ, outgoing{packed: b, size: size})
}

func (p *MPMCProducer) trySendBatch(typ uint16, rest outgoing) (sent int, err error) {
	p.Abort()
	po := p.payloadOffset()
	for rest.more() {
		if uint64(rest.next()) > p.max {
			return sent, p.tooLarge(rest.next())
		}
		least := p.cells(packed(po, uint64(rest.next())))
		if err := p.claim(least, p.fit(rest, p.half), rest, p.owner|claimed); err != nil {
			return sent, err
		}
		at := p.claimAt & p.mask << p.shift
		end := at + p.claimSpan<<p.shift
		for rest.more() {
			k, size := p.frame(&rest, end-at)
			if k == 0 {
				break
			}
			n := uint64(k * rest.next())
			if k > 1 {
				p.data.StoreRelease64(at+HeaderSize, n/uint64(k))
				rest.fill(p.data.Bytes(at+batchOffset, n), k)
				p.data.StoreRelease64(at, uint64(MakeHeader(uint32(n), typ, FlagBatch)))
			} else {
				rest.fill(p.data.Bytes(at+po, n), 1)
				p.seal(at, typ, n)
			}
			at += size
			sent += k
		}
		p.finish(at, end)
		p.commit(p.claimAt, p.claimSpan)
	}
	return sent, nil
}

// fit returns the cells of a claim for as many of the messages as fit into most
// cells, one after the other.
func (p *MPMCProducer) fit(rest outgoing, most uint64) uint64 {
	all := uint64(0)
	for rest.more() {
		k, size := p.frame(&rest, most<<p.shift-all)
		if k == 0 {
			break
		}
		all += size
		rest.skip(k)
	}
	return p.cells(all)
}

// frame returns how many of the messages, from the next on, go into one frame
// that takes no more than room bytes, and what it takes: those of equal size share
// one. If not even the next fits it returns 0.
func (p *MPMCProducer) frame(rest *outgoing, room uint64) (k int, size uint64) {
	n := uint64(rest.next())
	if size = packed(p.payloadOffset(), n); n > p.max || size > room {
		return 0, 0
	}
	if k = 1; p.flags == 0 && room > batchOffset {
		if k = rest.alike(room - batchOffset); k > 1 {
			size = packed(batchOffset, uint64(k)*n)
		}
	}
	return k, size
}

// Poll looks for more room up to looks times, as mem.Region.Poll64 does, and
// reports whether there may be more than at the last ErrFull. It watches the
// frame that is in the way.
func (p *MPMCProducer) Poll(looks, pauses uint32) bool {
	return p.words.Poll64(p.watch, p.seen, looks, pauses)
}

// Position returns the number of the cell that the producer looks at next. The
// ring's tail is there or further on.
func (p *MPMCProducer) Position() uint64 { return p.pos }

// End declares that no message will follow, by anybody: the ring's tail is
// closed, so that it is certain for each message whether it came before. After
// that every producer gets ErrClosed, and consumers get io.EOF once everything
// before has been received. End takes the room of one cell, and returns ErrFull
// when there is none, ErrClosed when the ring had ended before, or ErrCorrupt.
// An open claim is aborted.
func (p *MPMCProducer) End() error {
	p.Abort()
	if err := p.claim(1, 1, outgoing{}, closing); err != nil {
		return err
	}
	// For those who attach, to know it early. Nothing depends on it.
	p.ctl.StoreRelease64(offEnd, p.claimAt+1)
	return nil
}

func (p *MPMCProducer) tooLarge(n int) error {
	return &errs.Error{Op: "send", Err: ErrTooLarge,
		Detail: fmt.Sprintf("message of %d bytes, the ring takes at most %d", n, p.max)}
}
