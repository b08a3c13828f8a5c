package ring

import (
	"errors"
	"fmt"
	"io"

	"github.com/ringway/ringway/internal/errs"
)

// BroadcastSubscriber is a receiving side of a broadcast ring. It belongs to one
// goroutine at a time. Its memory must stay mapped while it is used; unless it
// has a gate it need not be writable.
type BroadcastSubscriber struct {
	stream
	cursor        // the next message
	stale  uint64 // the word at pos that was no frame when Next looked last
	odd    bool   // Next finds something to do that isn't a plain frame: see turn
	buf    []byte // of the message that Next handed out
	batch  []byte // of the frames that were copied out as a whole
	rest   opened // and of the last of them, if not all of its messages were handed out
	newest bool   // where to go on after a lap

	lease  cursor // of the message that Lease handed out
	leased bool
	owed   uint64 // messages that were gone before this subscriber joined

	resumed uint64 // number of the message that it went on with after a lap
	vain    int    // laps in sequence after which it got none

	gate    gate
	stamps  sampler
	careful bool // a message needs more than to be found and copied: there are checksums or stamps
}

// turn has Next know whether there may be something else to do than to find a
// message and copy it.
func (s *BroadcastSubscriber) turn() {
	s.odd = s.careful || s.leased || s.owed != 0 || !s.rest.done()
}

// Start says with which message a subscriber begins, or goes on after it was
// lapped.
type Start uint8

// The starts.
const (
	Newest     Start = iota // the last message that is there, if there is one
	Oldest                  // the first one that is known to be there
	AtSequence              // the one with a given number
)

// BroadcastOptions say how a subscriber reads a broadcast ring.
type BroadcastOptions struct {
	Start    Start
	Sequence uint64 // of the first message, with AtSequence
	Resume   Start  // where to go on after a lap: Newest or Oldest

	// Gated subscribers have the publisher of a lossless ring wait for them.
	// Gate is the number of the gate, which must be nobody else's, and
	// Incarnation tells its holders apart.
	Gated       bool
	Gate        int
	Incarnation uint32
}

// Lapped is the error with which a subscriber learns what it missed. It matches
// [ErrLapped].
type Lapped struct {
	Messages uint64 // that were overwritten before they were read
	Bytes    uint64 // of their payloads; 0 for those that were gone when it joined
	Next     uint64 // sequence number of the message that it goes on with
}

func (l *Lapped) Error() string {
	return fmt.Sprintf("%d messages of %d bytes were overwritten before they were read; it goes on with number %d",
		l.Messages, l.Bytes, l.Next)
}

// Is reports whether target is ErrLapped.
func (l *Lapped) Is(target error) bool { return target == errs.Lapped }

// NewBroadcastSubscriber attaches to the ring in body. The error matches
// ErrBadArgument when a message is asked for that was not sent yet and is not
// the next one either, or a gate that there isn't; ErrCorrupt when what stands
// there is no ring; and it is ErrEmpty when the publisher overwrote again and
// again what was looked for: try again.
func NewBroadcastSubscriber(g Geometry, body []byte, o BroadcastOptions) (*BroadcastSubscriber, error) {
	s := &BroadcastSubscriber{
		stream: *newStream(g, body),
		buf:    make([]byte, min(g.MaxMessage(), 4096)),
		newest: o.Resume == Newest,
	}
	if o.Gated {
		if o.Gate < 0 || uint64(o.Gate) >= g.Gates {
			return nil, badArgument("attach", "gate %d of %d", o.Gate, g.Gates)
		}
		s.gate = gate{off: uint64(o.Gate) * gateSize, incarnation: o.Incarnation, set: true, batch: g.Capacity / 8}
	} else {
		s.gate.batch = ^uint64(0)
	}
	s.careful = g.Checksum
	if err := s.join(o); err != nil {
		s.Leave()
		return nil, err
	}
	return s, nil
}

// Next returns the next message, copied into memory of the subscriber's own,
// which is valid until the next call. It is as it was sent, never torn. Next
// returns ErrEmpty when no further message was committed, io.EOF when there
// will be none any more, an error of type *Lapped when the publisher has
// overwritten messages before they were read, and ErrCorrupt when what is there
// can't be a frame. It allocates for that, and when a message is longer than
// all before.
func (s *BroadcastSubscriber) Next() (Message, error) {
	if s.odd {
		if !s.rest.done() {
			return s.again(), nil
		}
		return s.next(s.header())
	}
	off := s.pos & s.mask
	h := s.header()
	n := h.Len()
	size := frameSize(HeaderSize, n)
	if h>>48 != markWord || n > uint64(len(s.buf)) || off+size > s.mask+1 {
		return s.next(h)
	}
	buf := s.buf[:n]
	s.data.CopyOut(buf, off+HeaderSize)
	if !s.intact(s.pos) {
		return s.next(h) // which finds out how much is gone
	}
	s.pos += size
	s.seq++
	s.bytes += n
	return Message{Payload: buf, Type: h.Type()}, nil
}

// header loads the header at pos.
//
// Pairs with the release store in publish: hands over the payload, and that what
// is behind it is a frame or doesn't look like one.
func (s *BroadcastSubscriber) header() Header {
	return Header(s.data.Load64(s.pos&s.mask)) ^ lapTag(s.pos, s.shift)
}

// next is Next for everything but a plain frame. h is the header at pos.
func (s *BroadcastSubscriber) next(h Header) (Message, error) {
	h, of, err := s.arrive(h)
	for range lookups {
		if err != nil {
			return Message{}, err
		}
		if of > 1 {
			if s.open(h, of, 0) {
				return s.again(), nil
			}
			h, of, err = s.arrive(h)
			continue
		}
		n := h.Len()
		if n > uint64(len(s.buf)) {
			s.buf = make([]byte, min((n+n/4+63)&^63, s.max))
		}
		buf := s.buf[:n]
		s.data.CopyOut(buf, s.pos&s.mask+h.PayloadOffset())
		if err = s.verify(h, buf); err == nil {
			s.measure()
			s.pass(h, 1)
			return Message{Payload: buf, Type: h.Type()}, nil
		}
		if err == errOverwritten {
			h, of, err = s.arrive(h)
		}
	}
	return Message{}, ErrEmpty
}

// Lease is Next without the copy: the payload is the ring's own memory, which
// the publisher may be overwriting while it is read. So what was made of it
// counts only if Valid says so afterwards. It ends with the next call on the
// subscriber, except for Valid. In a lossless ring the publisher keeps away from
// it, unless the subscriber is evicted. Messages that share a frame are copied out
// all the same, all at once.
func (s *BroadcastSubscriber) Lease() (Message, error) {
	if !s.rest.done() {
		return s.again(), nil
	}
	h, of, err := s.arrive(s.header())
	for range lookups {
		if err != nil {
			return Message{}, err
		}
		if of > 1 {
			if s.open(h, of, 0) {
				return s.again(), nil
			}
			h, of, err = s.arrive(h)
			continue
		}
		payload := s.data.Bytes(s.pos&s.mask+h.PayloadOffset(), h.Len())
		if err = s.verify(h, payload); err == nil {
			s.measure()
			s.lease, s.leased = s.cursor, true
			s.turn()
			s.pass(h, 1)
			return Message{Payload: payload, Type: h.Type()}, nil
		}
		if err == errOverwritten {
			h, of, err = s.arrive(h)
		}
	}
	return Message{}, ErrEmpty
}

// Valid reports whether the message that Lease returned was intact all the time
// until now. If not it counts as missed: the next call says so.
func (s *BroadcastSubscriber) Valid() bool {
	if !s.leased {
		return true
	}
	if s.intact(s.lease.pos) {
		return true
	}
	s.cursor = s.lease
	s.unlease()
	return false
}

func (s *BroadcastSubscriber) unlease() {
	s.leased = false
	s.turn()
}

// arrive moves to the next frame with messages and returns its header, which is
// intact, and how many they are. h is the header at pos.
func (s *BroadcastSubscriber) arrive(h Header) (_ Header, n uint64, err error) {
	if s.odd {
		s.leased = false
		if s.owed != 0 {
			missed := s.owed
			s.owed = 0
			s.turn()
			return h, 0, &Lapped{Messages: missed, Next: s.seq}
		}
		s.turn()
	}
	for start := s.pos; ; {
		var what standing
		if h, n, what = s.judge(s.pos, h); what == nothing {
			s.stale = uint64(h ^ lapTag(s.pos, s.shift))
			// Pairs with the store in End, which says where that is: if it
			// is here there never was a message.
			if s.ctl.Load64(offEnd) == s.pos|1 && s.intact(s.pos) {
				return h, 0, io.EOF
			}
		}
		switch {
		case !s.intact(s.pos):
			if err := s.lapped(); err != nil {
				return h, 0, err
			}
			start = s.pos // nothing but pads was missed
		case what == nothing:
			return h, 0, ErrEmpty
		case what == message:
			return h, n, nil
		case what == padding:
			s.pass(h, 0)
		case h.Flags() == FlagBatch && s.flags == 0:
			return h, 0, corrupt("receive", "batch header %#016x at data offset %d of %d, of messages of %d bytes",
				uint64(h), s.pos&s.mask, s.mask+1, s.data.Load64(s.pos&s.mask+HeaderSize))
		default:
			return h, 0, corrupt("receive", "frame header %#016x at data offset %d of %d", uint64(h), s.pos&s.mask, s.mask+1)
		}
		if s.pos-start > s.mask {
			return h, 0, corrupt("receive", "pad frames all around the ring, the last before data offset %d", s.pos&s.mask)
		}
		h = s.header()
	}
}

// errOverwritten says that a message was overwritten while it was read. Arrive
// finds out what that means.
var errOverwritten = errors.New("overwritten")

// verify finds out whether the payload of the frame at pos, with header h, is
// what was sent.
func (s *BroadcastSubscriber) verify(h Header, payload []byte) error {
	var want, have uint64
	if s.flags&FlagChecksum != 0 {
		want, have = s.data.Load64(s.pos&s.mask+HeaderSize), checksum(h, payload)
	}
	if !s.intact(s.pos) {
		return errOverwritten
	}
	if want != have {
		return corrupt("receive", "message of %d bytes at data offset %d has xxhash64 %016x, its frame says %016x",
			len(payload), s.pos&s.mask, have, want)
	}
	return nil
}

// Poll, after ErrEmpty, looks for a next message up to looks times, as
// mem.Region.Poll64 does, and reports whether Next may have something new to
// say.
func (s *BroadcastSubscriber) Poll(looks, pauses uint32) bool {
	return s.data.Poll64(s.pos&s.mask, s.stale, looks, pauses)
}

// Leased reports whether a message of Lease is out.
func (s *BroadcastSubscriber) Leased() bool { return s.leased }

// Position returns the number of the byte that the next frame starts at.
func (s *BroadcastSubscriber) Position() uint64 { return s.pos }

// Sequence returns the number of the next message.
func (s *BroadcastSubscriber) Sequence() uint64 { return s.seq }

// released returns the position before which nothing is read any more.
func (s *BroadcastSubscriber) released() uint64 {
	if s.leased {
		return s.lease.pos
	}
	return s.pos
}
