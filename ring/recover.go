package ring

import (
	"iter"

	"github.com/ringway/ringway/internal/mem"
)

// Table is a section's table of participants, as far as the rings need it: the
// slot word that each entry begins with. Package shm writes these words when
// somebody attaches and detaches, and draws the whole entry.
type Table struct {
	r     mem.Region
	size  uint64 // of an entry
	count uint64
}

// TableOf makes a table of a section's bytes for it, with entries of entrySize
// bytes, a multiple of 8. No more than 4095 entries are used.
func TableOf(table []byte, entrySize uint64) (Table, error) {
	if entrySize == 0 || entrySize%8 != 0 {
		return Table{}, badArgument("attach", "entries of %d bytes", entrySize)
	}
	return Table{mem.Of(table), entrySize, min(uint64(len(table))/entrySize, maxOwners)}, nil
}

// Len returns the number of entries.
func (t Table) Len() int { return int(t.count) }

// SlotState is the state in a slot word.
type SlotState uint8

// The states of a slot, and who brings them about.
const (
	SlotFree  SlotState = iota // nobody, or detached in good order
	SlotLive                   // attached: package shm
	SlotDead                   // found dead, not swept: MarkDead
	SlotSwept                  // found dead, and swept: Sweep
)

// Slot is a slot word:
//
//	 63  62 61                            32 31                             0
//	┌──────┬────────────────────────────────┬────────────────────────────────┐
//	│ state│          incarnation           │              pid               │
//	└──────┴────────────────────────────────┴────────────────────────────────┘
//
// A new holder may take a slot that is FREE or SWEPT, never one that is LIVE or
// DEAD, by a CAS that makes it LIVE with the incarnation plus one; only then
// does it touch the ring. So a word that names a slot as its owner was written
// by the incarnation that stands there, or has been swept.
type Slot uint64

const incarnationMask = 1<<30 - 1

// MakeSlot composes a slot word.
func MakeSlot(st SlotState, incarnation, pid uint32) Slot {
	return Slot(st)<<62 | Slot(incarnation&incarnationMask)<<32 | Slot(pid)
}

// State returns the state.
func (s Slot) State() SlotState { return SlotState(s >> 62) }

// Incarnation returns how many times the slot was attached, modulo 2³⁰.
func (s Slot) Incarnation() uint32 { return uint32(s>>32) & incarnationMask }

// PID returns the process, as it saw itself.
func (s Slot) PID() uint32 { return uint32(s) }

// Slot loads the word of a slot, which must be one of the table.
//
// Pairs with the store that attaches and with move.
func (t Table) Slot(slot int) Slot { return Slot(t.r.Load64(uint64(slot) * t.size)) }

// move changes the state of a slot that has the given state and incarnation.
// The CAS hands over what was done while it was in the former state.
func (t Table) move(slot int, incarnation uint32, from, to SlotState) bool {
	if slot < 0 || slot >= t.Len() {
		return false
	}
	w := t.Slot(slot)
	if w.State() != from || w.Incarnation() != incarnation {
		return false
	}
	return t.r.CAS64(uint64(slot)*t.size, uint64(w), uint64(MakeSlot(to, incarnation, w.PID())))
}

// MarkDead says that the holder of a slot, of that incarnation, is dead, which
// the operating system must have proven: load the slot word, find it LIVE, have
// it proven, then call MarkDead with the incarnation that the word had. It
// reports whether it was it that changed the slot. Anybody may call it.
func (t Table) MarkDead(slot int, incarnation uint32) bool {
	return t.move(slot, incarnation, SlotLive, SlotDead)
}

// Unswept ranges over the slots that are DEAD, each with its incarnation, for
// Sweep. Who is about to wait, for a message or for room, sweeps them first:
// what the dead ones had may be what it waits for.
func (t Table) Unswept() iter.Seq2[int, uint32] {
	return func(yield func(int, uint32) bool) {
		for i := range t.Len() {
			if s := t.Slot(i); s.State() == SlotDead && !yield(i, s.Incarnation()) {
				return
			}
		}
	}
}

// Recovered says what a sweep found, as far as it was this sweep that changed
// it.
type Recovered struct {
	Swept       bool // the slot is SWEPT now, or, of Detach, may become FREE
	Padded      int  // claims turned into padding: what was not committed is lost
	Redelivered int  // taken frames that can be taken again
	Dropped     int  // taken frames given up, being taken for the 32nd time
}

// Sweep gives back what a dead participant has in an MPMC ring: its claims
// become padding, what it took and did not release can be taken again, by
// consumers that look for it because of the ring's count of sweeps. Then the
// slot is SWEPT, and can have a new holder. A slot that is not DEAD with that
// incarnation, or is no more while the sweep is under way, is left alone.
//
// Anybody may sweep, several at once, and one that dies may be followed by
// another: a sweep looks at every cell once, and a dead owner gets no new ones.
//
// A frame is taken at most 32 times. When the last one dies as well, it is
// released in its name, and counted (see [Dropped]): what kills its consumers
// must not kill all of them.
func Sweep(g Geometry, body []byte, t Table, slot int, incarnation uint32) (Recovered, error) {
	r, err := newMPMC(g, body, t, slot)
	if err != nil {
		return Recovered{}, err
	}
	// W2: checked after a word has been loaded, and before it is changed: by
	// then the slot may have been swept by somebody else, and have a new
	// holder. The word that was loaded is of the dead one, though, as no
	// value comes back.
	rec, ok := r.giveBack(func() bool {
		s := t.Slot(slot)
		return s.State() == SlotDead && s.Incarnation() == incarnation
	})
	if !ok {
		return rec, nil
	}
	rec.Swept = t.move(slot, incarnation, SlotDead, SlotSwept) // W5
	return rec, nil
}

// Detach gives back what a living participant has in an MPMC ring, as Sweep
// does for a dead one. It is for a participant about to leave, itself, with
// claims or leases open. Its handles on the ring must not be used any more;
// afterwards its slot may become FREE.
func Detach(g Geometry, body []byte, t Table, owner int) (Recovered, error) {
	r, err := newMPMC(g, body, t, owner)
	if err != nil {
		return Recovered{}, err
	}
	rec, _ := r.giveBack(func() bool { return true })
	rec.Swept = true
	return rec, nil
}

// Dropped returns how many messages of an MPMC ring were given up by sweeps. A
// sweeper that died may have left some out.
func Dropped(body []byte) uint64 { return mem.Of(body).Load64(offDropped) }

// giveBack goes through all words once. It stops when proceed, which is asked
// before each change and before the end, says no.
func (r *mpmc) giveBack(proceed func() bool) (rec Recovered, ok bool) {
	if !proceed() {
		return rec, false
	}
	for i := range r.mask + 1 {
		w := r.load(i) // W1
		if s := w.state(); w&ownerMask != r.owner || s != claimed && s != taken {
			continue
		}
		if !proceed() {
			return rec, false
		}
		// W3. The CAS hands over what its owner wrote before it died, if
		// anything: padding is not read, a taken frame was not written.
		keep := w &^ ownerMask &^ stateMask
		switch {
		case w.state() == claimed:
			if r.cas(i, w, keep|committed|padBit) {
				rec.Padded++
			}
		case w&timesMask == timesMask:
			if r.cas(i, w, r.freed(w)) {
				rec.Dropped++
				r.ctl.Add64(offDropped, 1)
			}
		default:
			if r.cas(i, w, keep+oneTime|committed) {
				rec.Redelivered++
			}
		}
	}
	// W4: the frames can be taken again from here on. Pairs with the loads in
	// Next. It comes even if this sweep found nothing: the one before it may
	// have died here.
	r.ctl.Add64(offGen, 1)
	return rec, true
}
