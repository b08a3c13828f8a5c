package ring

import "slices"

// join finds the first message, and holds it if the subscriber has a gate.
func (s *BroadcastSubscriber) join(o BroadcastOptions) error {
	for attempt := range lookups {
		c, err := s.settle(func() (place, error) { return s.start(o, attempt) })
		if err == errOverwritten {
			continue
		}
		if err != nil {
			return err
		}
		if o.Start == AtSequence && before(c.seq+c.skip, o.Sequence) {
			return badArgument("attach", "message number %d was asked for, the next is %d", o.Sequence, c.seq)
		}
		if s.enter(c) {
			if o.Start == AtSequence {
				s.owed = s.seq - o.Sequence
			}
			s.turn()
			return nil
		}
	}
	return ErrEmpty
}

// enter begins at a place that was settled. It reports false if that was
// overwritten meanwhile, and leaves the subscriber where it was.
func (s *BroadcastSubscriber) enter(p place) bool {
	if p.skip == 0 {
		s.cursor = p.cursor
		return true
	}
	at := s.cursor
	s.cursor = p.cursor
	if h, n, what := s.look(s.pos); what == message && n > p.skip && s.open(h, n, p.skip) {
		return true
	}
	s.cursor = at
	return false
}

// settle finds a place and sets the gate to it, if there is one. It returns
// errOverwritten when the publisher went past it meanwhile.
func (s *BroadcastSubscriber) settle(find func() (place, error)) (place, error) {
	// Pairs with the store in mark. What is behind the latest checkpoint is
	// safe while we look for the place.
	if s.gate.set && !s.hold(s.ctl.Load64(offLatest)) {
		return place{}, errOverwritten
	}
	c, err := find()
	if err == nil && !s.hold(c.pos) {
		err = errOverwritten
	}
	return c, err
}

// start returns where to begin.
func (s *BroadcastSubscriber) start(o BroadcastOptions, attempt int) (place, error) {
	switch o.Start {
	case Newest:
		return s.stream.newest()
	case AtSequence:
		return s.find(o.Sequence)
	}
	return s.fromOldest(attempt)
}

func (s *BroadcastSubscriber) fromOldest(attempt int) (place, error) {
	for range lookups {
		if c, ok := s.oldest(attempt); ok {
			return place{cursor: c}, nil
		}
	}
	return place{}, ErrEmpty
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
		c, err := s.settle(func() (place, error) {
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
		was := s.cursor
		if !s.enter(c) {
			continue
		}
		s.resumed = s.seq
		if s.seq == was.seq {
			return nil // nothing but pads
		}
		return &Lapped{Messages: s.seq - was.seq, Bytes: s.bytes - was.bytes, Next: s.seq}
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
		h, of, what := s.look(c.pos)
		if !s.intact(c.pos) {
			continue
		}
		if what != message {
			return dst, 0, 0, ErrEmpty
		}
		if c.skip >= of {
			return dst, 0, 0, corrupt("receive", "batch of %d messages at data offset %d, there were more", of, c.pos&s.mask)
		}
		size := h.Len() / of
		from := c.pos&s.mask + h.PayloadOffset() + c.skip*size
		n := len(dst)
		out := slices.Grow(dst, int(size))[:n+int(size)]
		s.data.CopyOut(out[n:], from)
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
			return out, c.seq + c.skip, h.Type(), nil
		}
	}
	return dst, 0, 0, ErrEmpty
}
