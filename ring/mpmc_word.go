package ring

import (
	"math/bits"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
)

// word is the control word of a cell. Only that of a frame's first cell means
// something:
//
//	 63            20+sb 19+sb  20 19       8 7        3   2  1     0
//	┌───────────────────┬─────────┬──────────┬──────────┬─────┬───────┐
//	│ lap               │ span sb │ owner 12 │ times 5  │ pad │ state │
//	└───────────────────┴─────────┴──────────┴──────────┴─────┴───────┘
//
//	state  0 FREE       nobody's. The span is that of the frame that was freed
//	       1 CLAIMED    owner, a producer, is writing it
//	       2 COMMITTED  whoever gets it may have it
//	       3 TAKEN      owner, a consumer, has it
//	pad    with COMMITTED: filler, to be freed by whoever comes past
//	times  how often it was taken by somebody who did not release it
//	span   cells of the frame, 1 to half the ring
//	lap    the position of the cell, divided by the ring's cells
//
// A ring of 2^sb cells has sb bits of span, which leaves 44-sb for the lap: the
// upper 44 bits are the cell's position, with the span in place of the offset.
// So a lap's width in positions is the same for all rings, 2⁴⁴ cells, and laps
// are compared as signed differences.
//
// Within a lap a word only climbs, and no value ever comes back:
//
//	FREE ─ CLAIMED ─ COMMITTED 0 ─ TAKEN 0 ─ COMMITTED 1 ─ TAKEN 1 … ─ FREE of lap+1
//	  └───────┴───── COMMITTED pad ──────────────────────────────────────┘
//
// The word of a ring's end is COMMITTED, pad, of span 0. It stays.
type word uint64

const (
	free      word = 0
	claimed   word = 1
	committed word = 2
	taken     word = 3
	stateMask word = 3

	padBit  word = 1 << 2
	closing      = committed | padBit // with the lap and no span: the end

	timesShift      = 3
	oneTime    word = 1 << timesShift
	timesMask  word = 31 << timesShift
	ownerShift      = 8
	ownerMask  word = 4095 << ownerShift
	spanShift       = 20
	lowMask    word = 1<<spanShift - 1
	maxOwners       = 4095
)

func (w word) state() word   { return w & stateMask }
func (w word) owner() uint64 { return uint64(w&ownerMask) >> ownerShift }

// mpmc is what both sides of a ring know of it. All of it is private.
type mpmc struct {
	ctl   mem.Region // the control page
	words mem.Region
	data  mem.Region
	slots Table

	mask     uint64 // cells - 1
	half     uint64 // the largest span
	lap      word   // one lap, in a word
	spanMask word   // the span's bits, in place
	shift    uint   // log2 of a cell's size
	max      uint64 // largest payload
	flags    Flags  // of every frame: FlagChecksum or none
	owner    word   // our number, in place
	bound    uint64 // no honest walk takes so many steps
	every    uint64 // cells between two stores of a hint; 0 in a ring that is sampled,
	paced    uint64 // where it is this
	stamps   sampler
}

// newMPMC is for participant owner, whatever state that is in.
func newMPMC(g Geometry, body []byte, t Table, owner int) (*mpmc, error) {
	if g.Kind != MPMC {
		return nil, badArgument("attach", "a ring of kind %v", g.Kind)
	}
	if err := g.Check(); err != nil {
		return nil, err
	}
	if uint64(len(body)) < g.BodySize() {
		return nil, badArgument("attach", "a body of %d bytes, the ring needs %d", len(body), g.BodySize())
	}
	if owner < 0 || owner >= t.Len() {
		return nil, badArgument("attach", "participant %d of %d", owner, t.Len())
	}
	n := g.cells()
	r := &mpmc{
		ctl:      mem.Of(body).Slice(0, controlSize),
		words:    mem.Of(body).Slice(controlSize, 8*n),
		data:     mem.Of(body).Slice(controlSize+g.wordsSize(), g.Capacity),
		slots:    t,
		mask:     n - 1,
		half:     n / 2,
		lap:      word(n) << spanShift,
		spanMask: word(n-1) << spanShift,
		shift:    uint(bits.TrailingZeros64(g.CellSize)),
		max:      g.MaxMessage(),
		owner:    word(owner) << ownerShift,
		bound:    1<<20 + 4*n,
		every:    min(max(n/8, 1), 64),
	}
	if g.Checksum {
		r.flags = FlagChecksum
	}
	return r, nil
}

// attachMPMC is newMPMC for a participant that is alive.
func attachMPMC(g Geometry, body []byte, t Table, owner int) (*mpmc, error) {
	r, err := newMPMC(g, body, t, owner)
	if err == nil && t.Slot(owner).State() != SlotLive {
		// Its claims would be taken for those of a dead one.
		return nil, badArgument("attach", "participant %d is not attached", owner)
	}
	return r, err
}

func badArgument(op, format string, a ...any) error {
	e := corrupt(op, format, a...).(*errs.Error)
	e.Err = ErrBadArgument
	return e
}

// load loads the control word for a position.
//
// Pairs with every store and CAS of a control word: what the writer did before
// is visible. In particular COMMITTED hands over the payload, and FREE says
// that nobody reads it any more.
func (r *mpmc) load(pos uint64) word { return word(r.words.Load64(pos & r.mask * 8)) }

// GiveWay lets some hundred nanoseconds pass after another one was faster to claim,
// or to take, the cells that we wanted. Who tries the next ones at once fights with
// it for their line, message by message; meanwhile the winner gets on alone.
func (r *mpmc) GiveWay() { mem.Pause(32) }

func (r *mpmc) cas(pos uint64, old, w word) bool {
	return r.words.CAS64(pos&r.mask*8, uint64(old), uint64(w))
}

// at returns the lap of a position, in a word that is free and has no span.
func (r *mpmc) at(pos uint64) word { return word(pos&^r.mask) << spanShift }

// of returns the lap of pos and a span, in a word that is free.
func (r *mpmc) of(pos, span uint64) word { return word(pos&^r.mask|span) << spanShift }

func (r *mpmc) span(w word) uint64 { return uint64(w&r.spanMask) >> spanShift }

// ahead returns how many laps w is ahead of a position, in units of lap.
func (r *mpmc) ahead(w word, pos uint64) int64 {
	return int64(w&^r.spanMask&^lowMask - r.at(pos))
}

// freed returns what w, the first word of a frame, becomes when that is
// released.
func (r *mpmc) freed(w word) word { return w&^lowMask + r.lap }

// spans reports whether w, standing at pos, can be the first word of a frame.
func (r *mpmc) spans(w word, pos uint64) bool {
	span := r.span(w)
	if s := w.state(); (s == claimed || s == taken) && w.owner() >= uint64(r.slots.Len()) {
		return false
	}
	return span-1 < r.half && pos&r.mask+span <= r.mask+1
}

func (r *mpmc) badWord(op string, w word, pos uint64, why string) error {
	return corrupt(op, "control word %#016x of cell %d (body offset %#x), %s at position %#x", uint64(w), pos&r.mask,
		controlSize+8*(pos&r.mask), why, pos)
}

// hint loads the hint at off, T or H. It can't be more than a ring's length
// ahead of F, which is loaded later and only grows.
//
// Pairs with the stores of hints and with raise: what was published in F before
// is not behind the hint, nor are the frames that it points past unknown.
func (r *mpmc) hint(op string, off uint64) (uint64, error) {
	x := r.ctl.Load64(off)
	if f := r.ctl.Load64(offFree); int64(x-f) > int64(r.mask+1) {
		return 0, corrupt(op, "hint %#x at body offset %#x, when F is %#x in a ring of %d cells", x, off, f, r.mask+1)
	}
	return x, nil
}

// raise makes the cursor at off at least x.
//
// The CAS hands over that everything before x is freed (F), or that nobody has
// to start before x (T and H); it pairs with the loads of these words.
func (r *mpmc) raise(off, x uint64) error {
	for range 1 << 16 {
		v := r.ctl.Load64(off)
		if int64(v-x) >= 0 || r.ctl.CAS64(off, v, x) {
			return nil
		}
	}
	return r.restless("the cursor", off)
}

// restless is the error of a loop that an honest peer would have let end.
func (r *mpmc) restless(what string, off uint64) error {
	return corrupt("wait", "%s at body offset %#x changes all the time", what, off)
}

// packed is the size of a frame in a claim.
func packed(payloadOffset, n uint64) uint64 { return payloadOffset + (n+7)&^7 }

// payloadOffset returns where in a frame the payload stands.
func (r *mpmc) payloadOffset() uint64 {
	if r.flags&FlagChecksum != 0 {
		return 2 * HeaderSize
	}
	return HeaderSize
}

// cells returns how many cells a number of bytes takes.
func (r *mpmc) cells(size uint64) uint64 { return (size + 1<<r.shift - 1) >> r.shift }
