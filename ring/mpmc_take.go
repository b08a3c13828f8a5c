package ring

import "io"

// next is Next for everything but a plain frame at the expected place. The
// steps have their names in the package's documentation.
func (c *MPMCConsumer) next() (Message, error) {
	for steps := uint64(0); steps < c.bound; steps++ {
		gen := c.ctl.Load64(offGen) // R0
		if gen != c.gen {
			found, err := c.adopt(gen)
			steps += c.mask + 1
			if err == nil && c.stalled.n == 0 {
				err = c.renew()
			}
			if err != nil {
				return Message{}, err
			}
			if found {
				return c.message()
			}
		}
		found, err := c.walk(gen, &steps)
		if found {
			return c.message()
		}
		if err != ErrEmpty && err != io.EOF {
			return Message{}, err
		}
		// R13: what a sweep left behind the head counts from its R4 on.
		if c.ctl.Load64(offGen) == gen {
			return Message{}, err
		}
	}
	return Message{}, c.restless("the head", controlSize+8*(c.head&c.mask))
}

// adopt looks at all cells, once for each count of sweeps, for a frame that was
// taken by somebody who did not release it, and takes one if there is.
func (c *MPMCConsumer) adopt(gen uint64) (bool, error) {
	if gen != c.scanGen {
		c.scanGen, c.scan = gen, 0
	}
	for ; c.scan <= c.mask; c.scan++ {
		i := c.scan
		w := c.load(i) // R1
		if w.state() != committed || w&timesMask == 0 || w&padBit != 0 {
			continue
		}
		if !c.spans(w, i) {
			return false, c.badWord("receive", w, i, "no frame")
		}
		if c.cas(i, w, w|c.owner|taken) { // R2
			c.scan++
			c.took(i, w)
			return true, nil
		}
	}
	c.gen = gen
	return false, nil
}

// renew brings the head up to H. See MPMCProducer.renew.
func (c *MPMCConsumer) renew() error {
	hint, err := c.hint("receive", offHead) // R3
	if err == nil && int64(hint-c.head) > 0 {
		c.head = hint
	}
	return err
}

// walk goes from the head over the frames that others took, and frees padding,
// to one that it can take. If there is none, or gen is not the count of sweeps
// and renewals any more, it returns ErrEmpty, or io.EOF at the ring's end.
func (c *MPMCConsumer) walk(gen uint64, steps *uint64) (bool, error) {
	const op = "receive"
	s := &c.stalled
	if s.n > 0 && !c.stand() {
		s.n = 0
	}
	x := c.head
	if s.n > 0 {
		x = s.next
	}
	for ; *steps < c.bound; *steps++ {
		// All up to x are taken, or among the stalled ones.
		if s.n > 0 {
			s.next = x
		} else {
			c.head = x
		}
		w := c.load(x) // R4
		state, ahead := w.state(), c.ahead(w, x)
		nothing := error(nil)
		switch {
		case w == c.at(x)|closing:
			nothing = io.EOF
			if s.n > 0 {
				nothing = ErrEmpty
			}
		case ahead == 0 && state == free:
			nothing = ErrEmpty
		case ahead == 0, ahead == int64(c.lap) && state == free:
			if !c.spans(w, x) {
				return false, c.badWord(op, w, x, "no frame")
			}
			switch {
			case state == free || state == taken:
				x += c.span(w)
			case state == claimed:
				// R5, after the word was loaded: it is by the slot's
				// present holder then, or by one long dead.
				if !c.alive(w) {
					c.cas(x, w, w&^lowMask|committed|padBit) // R6
				} else if s.on && s.n < len(s.list) {
					s.list[s.n] = stall{x, w}
					s.n++
					x += c.span(w)
				} else {
					nothing = ErrEmpty
				}
			case c.ctl.Load64(offGen) != gen:
				return false, ErrEmpty // to be looked at again
			case w&padBit != 0:
				if c.cas(x, w, c.freed(w)) { // R7
					x += c.span(w)
				}
			case s.n > 0 && !c.stand():
				// Its producer may have claimed it after it committed
				// one of those that we went past.
				s.n, x = 0, c.head
			case c.cas(x, w, w|c.owner|taken): // R8
				if s.n == 0 {
					c.tookHead(x, w)
				} else {
					s.next = x + c.span(w)
					c.due(x)
					c.took(x, w)
				}
				return true, nil
			}
		default:
			// Either nothing is there yet, and the cell lay within a frame
			// of the laps before, or is in use since the last; or we slept
			// and the ring went on.
			if s.n == 0 {
				hint, err := c.hint(op, offHead) // R3
				if err != nil {
					return false, err
				}
				if int64(hint-x) > 0 {
					x = hint
					continue
				}
			} else if !c.stand() {
				s.n, x = 0, c.head
				continue
			}
			// No cell is claimed for the next lap before H is past this one.
			if ahead > 0 || state != free && ahead != -int64(c.lap) {
				return false, c.badWord(op, w, x, "another lap")
			}
			nothing = ErrEmpty
		}
		if nothing == nil {
			continue
		}
		if s.n > 0 && !c.stand() {
			s.n, x = 0, c.head
			continue
		}
		c.watch, c.seen = x&c.mask*8, uint64(w)
		return false, nothing
	}
	return false, c.restless("the head", controlSize+8*(x&c.mask))
}

// stalls are the claims that a consumer with SkipStalled went past. While there
// are any, head stays at the first of them.
type stalls struct {
	on   bool
	n    int
	list [16]stall
	next uint64 // everything before was taken or is in list
}

type stall struct {
	pos uint64
	w   word
}

// stand reports whether all stalled claims still are what they were, and their
// producers live. If so, whatever was seen committed behind them before is by
// other producers: theirs could not have claimed it meanwhile.
func (c *MPMCConsumer) stand() bool {
	s := &c.stalled
	for _, l := range s.list[:s.n] {
		if c.load(l.pos) != l.w || !c.alive(l.w) {
			return false
		}
	}
	return true
}

// alive reports whether the owner of a word is, as far as is known.
func (c *MPMCConsumer) alive(w word) bool {
	return c.slots.Slot(int(w.owner())).State() == SlotLive
}
