package ring

import (
	"github.com/ringway/ringway/internal/mem"
)

// Gate is what a lossless ring's publisher sees of a subscriber that keeps it
// waiting: the gate's number and its word.
//
//	 63 62         40 39                                                    0
//	┌──┬─────────────┬───────────────────────────────────────────────────────┐
//	│ 1│ incarnation │ position of the next message it wants, in units of 8  │
//	└──┴─────────────┴───────────────────────────────────────────────────────┘
//
// A zero word is nobody's gate. A subscriber moves its own forward by CAS; the
// publisher takes one away by CAS, when it finds the subscriber dead or evicts
// it. The incarnation is that of the subscriber's slot, so that a word of a dead
// one is never taken for one of the next holder, nor the other way round.
type Gate struct {
	Number int
	word   uint64
}

const (
	gateSize = mem.Line

	gateSet             = 1 << 63
	gatePositionBits    = 40
	gateIncarnationMask = 1<<(63-gatePositionBits) - 1
)

func gateWord(pos uint64, incarnation uint32) uint64 {
	return gateSet | uint64(incarnation)&gateIncarnationMask<<gatePositionBits | pos/HeaderSize&(1<<gatePositionBits-1)
}

// Incarnation reports whether the gate was set by that incarnation of the
// subscriber's slot.
func (g Gate) Incarnation(n uint32) bool {
	return g.word>>gatePositionBits&gateIncarnationMask == uint64(n)&gateIncarnationMask
}

// gatePosition returns the position in a gate's word, which is at or before pos.
func gatePosition(word, pos uint64) uint64 {
	return pos - (pos/HeaderSize-word)&(1<<gatePositionBits-1)*HeaderSize
}

// slowest returns the gate furthest behind, of those that count, and its
// position. A gate counts if nothing of what it guards was given up yet: what a
// subscriber does with its own word can make the publisher wait as long as it
// lives, and nothing else.
func (p *BroadcastPublisher) slowest() (g Gate, pos uint64, found bool) {
	for i := range p.gates.Len() / gateSize {
		// Pairs with the CAS in Publish and the store in hold: the subscriber
		// reads nothing before this position any more.
		w := p.gates.Load64(i * gateSize)
		if w&gateSet == 0 {
			continue
		}
		if at := gatePosition(w, p.pos); p.limit-at <= p.mask+1 && (!found || before(at, pos)) {
			g, pos, found = Gate{int(i), w}, at, true
		}
	}
	return g, pos, found
}

// reserveGated is reserve in a lossless ring: up to limit, or as far as the
// gates allow.
//
// A subscriber that joins sets its gate and then loads the wish; the publisher
// stores the wish and then looks at the gates. So either it sees the gate, and
// wishes for less, or the subscriber sees the wish, and tries elsewhere. The
// intent follows when that is settled: those who have joined never see one that
// their gates forbid.
func (p *BroadcastPublisher) reserveGated(need, limit uint64) error {
	if limit = p.allowed(limit); limit != p.limit {
		// Pairs with the load in hold. No load behind it passes it.
		p.ctl.Store64(offWish, limit)
		if less := p.allowed(limit); less != limit {
			limit = less
			p.ctl.StoreRelease64(offWish, limit)
		}
		p.intend(limit)
	}
	if need > limit-p.pos {
		return ErrFull
	}
	return nil
}

// allowed returns how far the gates let the intent go, up to limit.
func (p *BroadcastPublisher) allowed(limit uint64) uint64 {
	if g, at, found := p.slowest(); found && before(at+p.mask+1, limit) {
		p.slow = g
		return at + p.mask + 1
	}
	return limit
}

// Slowest returns the gate that the last ErrFull was about.
func (p *BroadcastPublisher) Slowest() Gate { return p.slow }

// Bury takes away the gate of a subscriber that is dead, or evicts one that is
// alive, unless the gate has moved since it was returned. It reports whether it
// did. An evicted subscriber goes on where it was, if that is not overwritten
// before it comes back; otherwise it learns what it missed.
func (p *BroadcastPublisher) Bury(g Gate) bool {
	return p.gates.CAS64(uint64(g.Number)*gateSize, g.word, 0)
}

// Poll looks for more room up to looks times, as mem.Region.Poll64 does, and
// reports whether there may be more than at the last ErrFull.
func (p *BroadcastPublisher) Poll(looks, pauses uint32) bool {
	return p.gates.Poll64(uint64(p.slow.Number)*gateSize, p.slow.word, looks, pauses)
}

// gate is a subscriber's side of its own gate.
type gate struct {
	off         uint64
	incarnation uint32
	set         bool
	word        uint64 // what it was set to last
	published   uint64 // its position
	batch       uint64 // bytes to read before the publisher is told
}

// hold sets the subscriber's gate to pos, and reports whether the publisher
// keeps away from it and what is behind.
func (s *BroadcastSubscriber) hold(pos uint64) bool {
	g := &s.gate
	if !g.set {
		return s.intact(pos)
	}
	g.word, g.published = gateWord(pos, g.incarnation), pos
	// Pairs with the loads in slowest: no load behind it passes it.
	s.gates.Store64(g.off, g.word)
	// Pairs with the store in reserveGated.
	return s.ctl.Load64(offWish)-pos <= s.mask+1
}

// Due reports whether so much was read since the last Publish that the publisher
// should be told: an eighth of the ring. Of a lossy ring it never should.
func (s *BroadcastSubscriber) Due() bool { return s.released()-s.gate.published >= s.gate.batch }

// Publish announces to the publisher of a lossless ring all that was read. It
// reports whether that was more than it knew.
func (s *BroadcastSubscriber) Publish() bool {
	g, pos := &s.gate, s.released()
	if !g.set || pos == g.published {
		return false
	}
	word := gateWord(pos, g.incarnation)
	// Hands the memory before this position back to the publisher; pairs with
	// the load in slowest.
	if !s.gates.CAS64(g.off, g.word, word) {
		// It was evicted: from here on it counts again, if it isn't too late,
		// which Next finds out.
		s.hold(pos)
		return true
	}
	g.word, g.published = word, pos
	return true
}

// Leave takes the subscriber's gate away, so that the publisher waits for it no
// more. It reports whether the publisher may have done so. The subscriber must
// not be used any more.
func (s *BroadcastSubscriber) Leave() bool {
	return s.gate.set && s.gates.CAS64(s.gate.off, s.gate.word, 0)
}
