package ring

import (
	"github.com/ringway/ringway/internal/mem"
)

// stream is a broadcast ring as both sides see it.
type stream struct {
	data  mem.Region
	ctl   mem.Region
	marks mem.Region // the checkpoints
	gates mem.Region // empty in a lossy ring
	mask  uint64     // capacity - 1
	chunk uint64     // bytes that have a checkpoint
	max   uint64     // largest payload
	shift uint       // log2 of capacity
	flags Flags      // of every frame: FlagChecksum or none
}

// cursor is a place between two messages of a stream.
type cursor struct {
	pos   uint64 // of the frame behind it
	seq   uint64 // number of the message behind it
	bytes uint64 // of the payloads before it
}

func newStream(g Geometry, body []byte) *stream {
	r := mem.Of(body)
	s := &stream{
		data:  g.data(body),
		ctl:   r.Slice(0, controlSize),
		gates: r.Slice(controlSize, g.Gates*mem.Line),
		marks: r.Slice(controlSize+g.gatesSize(), g.Capacity/g.chunk()*checkpointSize),
		mask:  g.Capacity - 1,
		chunk: g.chunk(),
		max:   g.MaxMessage(),
		shift: g.lapShift(),
	}
	if g.Checksum {
		s.flags = FlagChecksum
	}
	return s
}

// before reports whether position a comes before b. Positions wrap.
func before(a, b uint64) bool { return int64(a-b) < 0 }

// chunkOf returns where the chunk begins that a position lies in.
func (s *stream) chunkOf(pos uint64) uint64 { return pos &^ (s.chunk - 1) }

// markOf returns where the checkpoint of a position's chunk stands.
func (s *stream) markOf(pos uint64) uint64 {
	return pos & s.mask / s.chunk * checkpointSize
}

// mark makes a checkpoint of c, the latest.
func (s *stream) mark(c cursor) {
	m := s.markOf(c.pos)
	s.marks.StoreRelease64(m, c.pos|1)
	mem.OrderStores()
	s.marks.StoreRelease64(m+8, c.seq)
	s.marks.StoreRelease64(m+16, c.bytes)
	// Hands over the two words before; pairs with the first load in marked.
	s.marks.StoreRelease64(m, c.pos)
	// Hands over the checkpoint; pairs with the loads of it in this file.
	s.ctl.StoreRelease64(offLatest, c.pos)
}

// marked returns the checkpoint of the chunk that pos lies in, if there is one
// of this lap, and nobody is writing it. Whether the frame there still stands is
// another question: see intact.
func (s *stream) marked(pos uint64) (cursor, bool) {
	m := s.markOf(pos)
	// Pairs with the stores in mark: an odd position, or two different ones,
	// show that the words in between are being written.
	c := cursor{pos: s.marks.Load64(m)}
	if c.pos%HeaderSize != 0 || s.chunkOf(c.pos) != s.chunkOf(pos) {
		return c, false
	}
	c.seq, c.bytes = s.marks.Load64(m+8), s.marks.Load64(m+16)
	return c, s.marks.Load64(m) == c.pos
}

// intact reports whether what was read before, at pos or behind it, is what the
// publisher had written there: it has not been overwritten, nor begun to be.
func (s *stream) intact(pos uint64) bool {
	mem.OrderLoads()
	// Pairs with the store in intend. If anything of what was read is newer,
	// this is, too.
	return s.ctl.Load64(offIntent)-pos <= s.mask+1
}

// What stands at a position.
type standing uint8

const (
	nothing  standing = iota // no frame of this lap: not yet, or no more
	message                  // a message
	padding                  // a pad frame
	nonsense                 // what can't be a frame
)

// look returns what stands at pos, and of how many messages it is the frame.
// Unless that is intact, it means nothing.
//
// The load pairs with the release store in publish: it hands over the payload,
// and that what is behind the frame is a frame or doesn't look like one.
func (s *stream) look(pos uint64) (h Header, n uint64, what standing) {
	return s.judge(pos, Header(s.data.Load64(pos&s.mask))^lapTag(pos, s.shift))
}

// judge says what a header at pos is.
func (s *stream) judge(pos uint64, h Header) (_ Header, n uint64, what standing) {
	end := pos&s.mask + h.FrameSize()
	switch {
	case !h.Committed():
		return h, 0, nothing
	case h.Flags() == s.flags && h.Len() <= s.max && end <= s.mask+1:
		return h, 1, message
	case h.Flags() == FlagPad && end == s.mask+1:
		return h, 0, padding
	case h.Flags() == FlagBatch && s.flags == 0 && h.Len() <= s.max && end <= s.mask+1:
		if n = s.several(pos, h.Len()); n > 0 {
			return h, n, message
		}
	}
	return h, 0, nonsense
}

// several returns how many messages are in the batch at pos, which is of so many
// bytes: two at least, or none if it can't be one.
func (s *stream) several(pos, size uint64) uint64 {
	unit := s.data.Load64(pos&s.mask + HeaderSize)
	if unit == 0 || unit > size/2 || size%unit != 0 {
		return 0
	}
	return size / unit
}

// pass moves a cursor behind the frame with header h, of n messages.
func (c *cursor) pass(h Header, n uint64) {
	c.pos += h.FrameSize()
	c.seq += n
	if n > 0 {
		c.bytes += h.Len()
	}
}

// place is where to begin or go on: with a message of the frame at pos.
type place struct {
	cursor
	skip uint64 // the messages of that frame before it
}

// walk passes over the committed frames from c on, until there is none or stop
// says so of one with n messages. It doesn't go further than a lap.
func (s *stream) walk(c cursor, stop func(at cursor, n uint64) bool) (cursor, standing) {
	for start := c.pos; ; {
		h, n, what := s.look(c.pos)
		if what == nothing || what == nonsense || what == message && stop(c, n) {
			return c, what
		}
		if c.pass(h, n); c.pos-start > s.mask+1 {
			return c, nonsense
		}
	}
}

// lookups bounds how often something is looked for again that was overwritten
// meanwhile.
const lookups = 64

// oldest returns the first checkpoint that is intact, and some further on after
// that many vain attempts.
func (s *stream) oldest(attempt int) (cursor, bool) {
	// Pairs with the store in intend.
	low := s.ctl.Load64(offIntent) - s.mask - 1
	latest := s.ctl.Load64(offLatest)
	if attempt > 0 {
		low += s.chunk << min(attempt, 5)
	}
	for at := low; at-low <= s.mask+1 && !before(latest, s.chunkOf(at)); at = s.chunkOf(at) + s.chunk {
		if c, ok := s.marked(at); ok && !before(c.pos, low) {
			return c, s.intact(c.pos)
		}
	}
	return s.marked(latest)
}

// previous returns the nearest intact checkpoint in a chunk before that of pos.
func (s *stream) previous(pos uint64) (cursor, bool) {
	for at := s.chunkOf(pos) - s.chunk; pos-at <= s.mask; at -= s.chunk {
		if c, ok := s.marked(at); ok && s.intact(c.pos) {
			return c, true
		}
	}
	return cursor{}, false
}

// newest returns the place before the last message that is there, or, without
// one, where the next will be.
func (s *stream) newest() (place, error) {
	for range lookups {
		latest := s.ctl.Load64(offLatest)
		from, ok := s.marked(latest)
		if !ok {
			continue
		}
		last, found, end, what := s.lastFrom(from, latest)
		for !found && what == nothing && latest-from.pos <= s.mask {
			// None stands behind the checkpoint; perhaps one before it. There
			// may be nothing but a pad between two of them.
			c, ok := s.previous(from.pos)
			if !ok {
				break
			}
			from = c
			last, found, _, what = s.lastFrom(from, latest)
		}
		switch {
		case !s.intact(from.pos):
		case what == nonsense:
			return place{}, corrupt("look for the newest message", "no frame behind position %#x", from.pos)
		case found:
			return last, nil
		default:
			return place{cursor: end}, nil
		}
	}
	return place{}, ErrEmpty
}

// lastFrom walks from a checkpoint to the last message, and a little less far
// when messages come as fast as it walks: what is behind a checkpoint that is
// younger than this call was the newest message during it.
func (s *stream) lastFrom(from cursor, latest uint64) (last place, found bool, end cursor, what standing) {
	end, what = s.walk(from, func(at cursor, n uint64) bool {
		last, found = place{at, n - 1}, true
		now := s.ctl.Load64(offLatest)
		return now != latest && !before(at.pos, now)
	})
	return last, found, end, what
}

// end returns the place behind the last frame, for a publisher that attaches.
func (s *stream) end() (cursor, error) {
	latest := s.ctl.Load64(offLatest)
	from, ok := s.marked(latest)
	if !ok || from.pos != latest {
		return from, corrupt("attach publisher", "no checkpoint at position %#x", latest)
	}
	end, what := s.walk(from, func(cursor, uint64) bool { return false })
	if what == nonsense {
		return end, corrupt("attach publisher", "frame header %#016x at data offset %d",
			s.data.Load64(end.pos&s.mask), end.pos&s.mask)
	}
	return end, nil
}

// find returns the place before message number seq, of those that are there, or
// else the one nearest to it.
func (s *stream) find(seq uint64) (place, error) {
	for attempt := range lookups {
		from, ok := s.marked(s.ctl.Load64(offLatest))
		for ok && before(seq, from.seq) {
			from, ok = s.previous(from.pos)
		}
		if !ok {
			if from, ok = s.oldest(attempt); ok && before(seq, from.seq) {
				return place{cursor: from}, nil
			}
		}
		if !ok {
			continue
		}
		end, what := s.walk(from, func(at cursor, n uint64) bool { return seq-at.seq < n })
		switch {
		case !s.intact(from.pos):
		case what == nonsense:
			return place{}, corrupt("look for a message", "no frame at position %#x", end.pos)
		case what == message:
			return place{end, seq - end.seq}, nil
		default:
			return place{cursor: end}, nil
		}
	}
	return place{}, ErrEmpty
}
