package ring

// claim claims cells at the tail, as one frame: least cells, or if there is
// room more, up to most. For a number between them it asks fit about msgs. The
// frame's word becomes as, with lap and span; if as is closing it has no span.
//
// The steps have their names in the package's documentation.
func (p *MPMCProducer) claim(least, most uint64, msgs outgoing, as word) error {
	const op = "send"
	t := p.pos
	var last struct { // what was in use when we looked
		at uint64
		w  word
	}
	for step := range p.bound {
		w := p.load(t) // S2
		ahead := p.ahead(w, t)
		// Since t was found no word can have come around; see renew.
		if gen := p.ctl.Load64(offGen); gen != p.gen {
			hint, err := p.hint(op, offTail) // S1
			if err != nil {
				return err
			}
			if int64(hint-t) > 0 {
				t = hint
			}
			p.gen = gen
			continue
		}
		switch {
		case ahead == 0 && w.state() != free, ahead == int64(p.lap) && w.state() == free:
			// Somebody's frame, or a frame that was freed: walk on.
			if w == p.at(t)|closing {
				p.pos = t
				return ErrClosed
			}
			if !p.spans(w, t) {
				return p.badWord(op, w, t, "no frame")
			}
			t += p.span(w)
			if step%32 != 31 {
				continue
			}
			// A tail that runs away from us: T may be closer to it.
			hint, err := p.hint(op, offTail) // S1
			if err != nil {
				return err
			}
			if int64(hint-t) > 0 {
				t = hint
			}
			continue
		case ahead != 0:
			// Either t is the tail, and the cell lay within a frame of the
			// laps before, or is in use since the last; or we slept and the
			// ring went on.
			hint, err := p.hint(op, offTail) // S1
			if err != nil {
				return err
			}
			if int64(hint-t) > 0 {
				t = hint
				continue
			}
			// No cell is claimed for the next lap before T is past this one.
			// What is in use now was claimed in the last lap.
			if ahead > 0 || w.state() != free && ahead != -int64(p.lap) {
				return p.badWord(op, w, t, "another lap")
			}
		}
		// t is the tail.
		p.pos = t
		need, want := least, most
		toEnd := p.mask + 1 - t&p.mask
		pad := need > toEnd
		if pad {
			need, want = toEnd, toEnd
		}
		want = min(want, toEnd)
		if int64(p.limit-t) < int64(want) {
			stale, err := p.makeRoom(t, need, want)
			if err != nil {
				return err
			}
			if stale {
				hint, err := p.hint(op, offTail) // S1
				if err != nil {
					return err
				}
				if int64(hint-t) <= 0 {
					return corrupt(op, "hint %#x at body offset %#x is not past %#x, F is", hint, offTail, t)
				}
				t = hint
				continue
			}
		}
		if w.state() != free {
			// It was not when we looked, and is now: there is room. Frames in other
			// cells have the same word.
			if w == last.w && t == last.at {
				return p.badWord(op, w, t, "in use, and below F")
			}
			last.at, last.w = t, w
			continue
		}
		var next word
		switch {
		case pad:
			next = p.of(t, need) | committed | padBit
		case as == closing:
			next = p.at(t) | closing
		default:
			if room := min(want, p.limit-t); room < most {
				need = p.fit(msgs, room)
			} else {
				need = most
			}
			next = p.of(t, need) | as
		}
		// S9: takes the cells. What F said of them, that nobody uses them any
		// more, was loaded before. If it fails somebody else has them.
		if !p.cas(t, w, next) {
			p.GiveWay()
			continue
		}
		if pad {
			// No hint: nothing of ours keeps F back.
			t += need
			p.pos = t
			continue
		}
		p.claimAt, p.claimSpan = t, need
		if as == closing {
			p.pos = t
			return nil
		}
		p.claimed(t, need)
		return nil
	}
	return p.restless("the tail", controlSize+8*(t&p.mask))
}

// makeRoom sees to it that from t, the tail, need cells can be claimed, and
// better want: it walks over the frames that were freed, and publishes in F how
// far it came, for all. It returns ErrFull when there is no such room, having
// found a frame in the way after t was seen to be the tail. It reports stale
// when t is not the tail any more.
func (p *MPMCProducer) makeRoom(t, need, want uint64) (stale bool, err error) {
	const op = "send"
	cells := p.mask + 1
	// S4. Pairs with raise: all frames before F are freed, and not read.
	f := p.ctl.Load64(offFree)
	for {
		if int64(f-t) > 0 {
			return true, nil
		}
		if t-f > cells {
			return false, corrupt(op, "F is %#x at body offset %#x, when the tail is at %#x in a ring of %d cells",
				f, offFree, t, cells)
		}
		p.limit = f + cells
		if p.limit-t >= want {
			return false, nil
		}
		// A quarter of the ring at least, for the next time.
		from, goal := f, min(max(t+want-p.limit, cells/4), t-f)
		var w, same word
		var span, most uint64
		for f-from < goal {
			w = p.load(f) // S5
			if w == same && int64(most-f) >= 0 {
				// Like the one before, in the same lap and before the tail: its
				// span is known before it is, so the next one is under way.
				f += span
				continue
			}
			if w.state() != free || p.ahead(w, f) != int64(p.lap) {
				break
			}
			if !p.spans(w, f) || p.span(w) > t-f {
				return false, p.badWord(op, w, f, "no frame before the tail")
			}
			if same, span = w, p.span(w); p.refresh(f, span) {
				same = 0 // each of them has to be
			}
			most = min(t-f, p.mask+1-f&p.mask) + f - span
			f += span
		}
		if f-from < goal {
			// What stands at f, before the tail, was claimed.
			if ahead := p.ahead(w, f); ahead > 0 {
				// It is claimed for the next lap, so F is past it.
				again := p.ctl.Load64(offFree) // S4
				if int64(again-f) <= 0 {
					return false, p.badWord(op, w, f, "another lap")
				}
				f = again
				continue
			} else if ahead < 0 || w.state() == free {
				return false, p.badWord(op, w, f, "never claimed")
			}
			p.watch, p.seen = f&p.mask*8, uint64(w)
		}
		if f != from {
			p.renew(from, f)
			// S6, S7, S8, in this order: nobody may start before F.
			for _, off := range [...]uint64{offTail, offHead, offFree} {
				if err := p.raise(off, f); err != nil {
					return false, err
				}
			}
			p.limit = f + cells
		}
		if p.limit-t < need {
			return false, ErrFull
		}
		return false, nil
	}
}

// renewal is the number of cells after which all that may be older than it is
// renewed: an eighth of what a word's lap can tell apart.
const renewal = 1 << 41

// refresh gives the words within a freed frame at f the lap that the first one
// has. They mean nothing, and nobody writes them as long as frames happen to lie
// the same way lap after lap; but a lap that was left behind by half of what a
// word can tell would look like one to come. So all words are refreshed in the
// first lap of each renewal, before F goes past them.
//
// The word may have become a first one already, if somebody else published F;
// then the CAS fails. If it makes a claim fail, that looks again.
//
// It reports whether this is such a lap.
func (p *MPMCProducer) refresh(f, span uint64) bool {
	if f&^p.mask%renewal != 0 {
		return false
	}
	for i := f + 1; i < f+span; i++ {
		w := p.load(i)
		if w.state() == free && p.ahead(w, i) < 0 {
			p.cas(i, w, p.at(i)+p.lap)
		}
	}
	return true
}

// renew has all handles load their hints again, before F enters the next
// renewal: who idled would else, one day, find in a word the lap that it
// expects, come around.
func (p *MPMCProducer) renew(from, to uint64) {
	if from/renewal != to/renewal {
		p.ctl.Add64(offGen, 1)
	}
}
