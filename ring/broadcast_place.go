package ring

import "slices"

// join finds the first message, and holds it if the subscriber has a gate.
func (s *BroadcastSubscriber) join(o BroadcastOptions) error {
	for attempt := range lookups {
		c, err := s.settle(func() (cursor, error) { return s.start(o, attempt) })
		if err == errOverwritten {
			continue
		}
		if err != nil {
			return err
		}
		if o.Start == AtSequence {
			if before(c.seq, o.Sequence) {
				return badArgument("attach", "message number %d was asked for, the next is %d", o.Sequence, c.seq)
			}
			s.owed = c.seq - o.Sequence
		}
		s.cursor = c
		return nil
	}
	return ErrEmpty
}

// settle finds a place and sets the gate to it, if there is one. It returns
// errOverwritten when the publisher went past it meanwhile.
func (s *BroadcastSubscriber) settle(find func() (cursor, error)) (cursor, error) {
	// Pairs with the store in mark. What is behind the latest checkpoint is
	// safe while we look for the place.
	if s.gate.set && !s.hold(s.ctl.Load64(offLatest)) {
		return cursor{}, errOverwritten
	}
	c, err := find()
	if err == nil && !s.hold(c.pos) {
		err = errOverwritten
	}
	return c, err
}

// start returns where to begin.
func (s *BroadcastSubscriber) start(o BroadcastOptions, attempt int) (cursor, error) {
	switch o.Start {
	case Newest:
		return s.stream.newest()
	case AtSequence:
		return s.find(o.Sequence)
	}
	return s.fromOldest(attempt)
}

func (s *BroadcastSubscriber) fromOldest(attempt int) (cursor, error) {
	for range lookups {
		if c, ok := s.oldest(attempt); ok {
			return c, nil
		}
	}
	return cursor{}, ErrEmpty
}

// lapped moves to where the subscriber goes on after what stands at pos was
// overwritten, and says what it missed.
func (s *BroadcastSubscriber) lapped() error {
	// Pairs with the store in reserve.
	if intent := s.ctl.Load64(offIntent); before(intent, s.pos) {
		return corrupt("receive", "intent %#x, where messages were read up to position %#x", intent, s.pos)
	}
	// Who is lapped again and again before it gets anything keeps further away
	// from where that happens.
	if s.vain++; s.seq != s.resumed {
		s.vain = 0
	}
	for attempt := range lookups {
		c, err := s.settle(func() (cursor, error) {
			if s.newest {
				return s.stream.newest()
			}
			return s.fromOldest(s.vain + attempt)
		})
		if err == errOverwritten {
			continue
		}
		if err != nil {
			return err
		}
		if before(c.pos, s.pos) || before(c.seq, s.seq) {
			return corrupt("receive", "message number %d at position %#x, where number %d was due at position %#x",
				c.seq, c.pos, s.seq, s.pos)
		}
		missed := &Lapped{Messages: c.seq - s.seq, Bytes: c.bytes - s.bytes, Next: c.seq}
		s.cursor, s.resumed = c, c.seq
		if missed.Messages == 0 {
			return nil // nothing but pads
		}
		return missed
	}
	return ErrEmpty
}

// Last copies the payload of the newest message to the end of dst, without
// moving on, and returns it with the message's sequence number and type. What it
// finds is the newest message at some moment during the call. It returns
// ErrEmpty when there is none, or none that stayed long enough to be read; then
// dst is as it was. It allocates only when dst is too small.
func (s *BroadcastSubscriber) Last(dst []byte) (_ []byte, seq uint64, typ uint16, err error) {
	for range lookups {
		c, err := s.stream.newest()
		if err != nil {
			return dst, 0, 0, err
		}
		h, what := s.look(c.pos)
		if !s.intact(c.pos) {
			continue
		}
		if what != message {
			return dst, 0, 0, ErrEmpty
		}
		n := len(dst)
		out := slices.Grow(dst, int(h.Len()))[:n+int(h.Len())]
		s.data.CopyOut(out[n:], c.pos&s.mask+h.PayloadOffset())
		var want, have uint64
		if s.flags&FlagChecksum != 0 {
			want, have = s.data.Load64(c.pos&s.mask+HeaderSize), checksum(h, out[n:])
		}
		switch {
		case !s.intact(c.pos):
		case want != have:
			return dst, 0, 0, corrupt("receive", "message at data offset %d has xxhash64 %016x, its frame says %016x",
				c.pos&s.mask, have, want)
		default:
			return out, c.seq, h.Type(), nil
		}
	}
	return dst, 0, 0, ErrEmpty
}
