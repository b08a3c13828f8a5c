package ring

import (
	"fmt"

	"github.com/ringway/ringway/internal/mem"
)

// Observer looks at a ring from outside: it takes part in nothing, writes
// nothing, and works over memory that is mapped read-only, whether the
// participants live, are dead or write nonsense. What it reports was there at
// some moment while it looked. It belongs to one goroutine at a time.
type Observer struct {
	// MaxPayload is how many bytes of each payload Next copies at most.
	MaxPayload int

	// Claims has Next report claims that are not committed yet, and go past
	// them. Otherwise it waits in front of them, as a consumer does.
	Claims bool

	g    Geometry
	body []byte
	data mem.Region
	ctl  mem.Region
	mpmc *mpmc // of that kind only

	subscriber *BroadcastSubscriber // of that kind only, once Next was called

	started bool
	pos     uint64 // the next frame: a byte's number, or a cell's
	in      uint64 // where in what stands at pos the next message begins, if not at its start;
	head    uint64 // and its frame, if there are several
}

// NewObserver returns an observer of the ring in body, for a table of so many
// participants. Errors match ErrBadArgument.
func NewObserver(g Geometry, body []byte, participants int) (*Observer, error) {
	if err := g.Check(); err != nil {
		return nil, err
	}
	if uint64(len(body)) < g.BodySize() {
		return nil, badArgument("observe", "a body of %d bytes, the ring needs %d", len(body), g.BodySize())
	}
	o := &Observer{g: g, body: body, ctl: mem.Of(body).Slice(0, controlSize), MaxPayload: 1 << 20}
	switch g.Kind {
	case SPSC, Broadcast:
		o.data = g.data(body)
	case MPMC:
		m, err := newMPMC(g, body, Table{count: uint64(participants)}, 0)
		if err != nil {
			return nil, err
		}
		o.mpmc, o.data = m, m.data
	default:
		return nil, badArgument("observe", "a ring of kind %v", g.Kind)
	}
	return o, nil
}

// Snapshot is a ring's state at some moment.
type Snapshot struct {
	Head    uint64 // position of the first message that nobody was given (SPSC: released; broadcast: that a gate holds)
	Tail    uint64 // position behind the last one that was sent
	Depth   uint64 // bytes of frames from Head to Tail: what waits to be received, or was and is not announced yet
	Moved   uint64 // bytes of frames, padding included, that ever went in; it only grows
	Ended   bool   // no message will follow
	Dropped uint64 // MPMC: messages given up after their consumers died again and again

	Sequence uint64 // broadcast: number of the next message

	// Problem says in a few words what can't be true about the positions;
	// then they mean nothing. It is empty for a good ring.
	Problem string
}

// walkMost bounds how far a snapshot goes beyond what is written down.
const walkMost = 1 << 14

// Snapshot looks at the positions.
func (o *Observer) Snapshot() (s Snapshot) {
	switch o.g.Kind {
	case MPMC:
		return o.mpmcSnapshot()
	case Broadcast:
		return o.broadcastSnapshot()
	}
	// Two words that move: until the first stood still around the second.
	for range 16 {
		s.Head = o.ctl.Load64(offConsumer)
		s.Tail = o.ctl.Load64(offProducer)
		if o.ctl.Load64(offConsumer) == s.Head {
			break
		}
	}
	if s.Head%HeaderSize != 0 || s.Tail%HeaderSize != 0 {
		s.Problem = fmt.Sprintf("positions %#x and %#x are no multiples of %d", s.Head, s.Tail, HeaderSize)
		return s
	}
	told, behind := s.Tail, s.Head-s.Tail
	if int64(behind) > 0 && behind <= o.g.Capacity {
		s.Tail = s.Head // it is stored after the frame is there
	}
	if s.Tail-s.Head > o.g.Capacity {
		s.Problem = fmt.Sprintf("positions %#x and %#x are further apart than %d bytes", s.Head, s.Tail, o.g.Capacity)
		return s
	}
	// What is there beyond, a dead producer left between its frames and its position.
	// A living one is not run after, line for line: once it has gone on, what was
	// reached is where it stood at some moment.
	for range walkMost {
		size, ok := o.frameAt(s.Tail)
		if !ok || s.Tail+size-s.Head > o.g.Capacity {
			break
		}
		s.Tail += size
		if o.ctl.Load64(offProducer) != told {
			break
		}
	}
	// As long as the consumer stays, what is behind the tail is no frame, or a
	// good one.
	h := Header(o.data.Load64(s.Tail&(o.g.Capacity-1))) ^ lapTag(s.Tail, o.g.lapShift())
	if _, ok := o.frameAt(s.Tail); h.Committed() && !ok && s.Tail-s.Head < o.g.Capacity && o.ctl.Load64(offConsumer) == s.Head {
		s.Problem = fmt.Sprintf("frame header %#016x at position %#x", uint64(h), s.Tail)
		return s
	}
	s.Depth = s.Tail - s.Head
	s.Moved = s.Tail - StartPosition
	s.Ended = o.ctl.Load64(offEnd) != 0
	return s
}

// frameAt returns the size of a committed frame of an SPSC ring, if there is
// one at the position.
func (o *Observer) frameAt(pos uint64) (uint64, bool) {
	off := pos & (o.g.Capacity - 1)
	h := Header(o.data.Load64(off)) ^ lapTag(pos, o.g.lapShift())
	return h.FrameSize(), h.Valid() && off+h.FrameSize() <= o.g.Capacity
}

func (o *Observer) mpmcSnapshot() (s Snapshot) {
	m := o.mpmc
	// F last: no hint is more than a ring ahead of it.
	head, tail, limit := m.ctl.Load64(offHead), m.ctl.Load64(offTail), m.ctl.Load64(offFree)
	cells := m.mask + 1
	if int64(head-limit) > int64(cells) || int64(tail-limit) > int64(cells) {
		s.Head, s.Tail = head, tail
		s.Problem = fmt.Sprintf("hints %#x and %#x are more than %d cells ahead of %#x", head, tail, cells, limit)
		return s
	}
	furthest := func(pos uint64, past func(w word) bool) uint64 {
		if int64(pos-limit) < 0 {
			pos = limit
		}
		for range walkMost {
			w := m.load(pos)
			ahead, freed := m.ahead(w, pos), w.state() == free
			if !(ahead == 0 && !freed && past(w) || ahead == int64(m.lap) && freed) || !m.spans(w, pos) {
				break
			}
			pos += m.span(w)
		}
		return pos
	}
	s.Head = furthest(head, func(w word) bool { return w.state() == taken || w&padBit != 0 })
	s.Tail = furthest(tail, func(word) bool { return true })
	s.Tail = max(s.Tail, s.Head)
	for _, pos := range [...]uint64{s.Head, s.Tail} {
		w := m.load(pos)
		ahead, state := m.ahead(w, pos), w.state()
		bad := ahead == 0 && state != free && !m.spans(w, pos) && w != m.at(pos)|closing ||
			ahead < 0 && state != free && ahead != -int64(m.lap) || ahead > 0 && !(ahead == int64(m.lap) && state == free)
		if bad && m.ctl.Load64(offFree) == limit {
			s.Problem = fmt.Sprintf("control word %#016x of cell %d at position %#x", uint64(w), pos&m.mask, pos)
			return s
		}
	}
	s.Depth = min(s.Tail-s.Head, cells) << m.shift
	s.Moved = (s.Tail - StartCell) << m.shift
	s.Ended = m.ctl.Load64(offEnd) != 0
	s.Dropped = m.ctl.Load64(offDropped)
	return s
}
