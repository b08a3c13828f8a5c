package ring

// A batch in an SPSC ring: messages of equal size stand one right behind the
// other in one frame, whose extension word says how long each of them is.
//
//	┌────────┬────────┬─────────┬─────────┬─────────┬─ ─ ─┬─────────┐
//	│ header │  size  │ message │ message │ message │     │ message │
//	└────────┴────────┴─────────┴─────────┴─────────┴─ ─ ─┴─────────┘
//	 frame    +8       +16       +16+size
//
// So 32 messages of 8 bytes go over in four cache lines and a quarter, where a
// frame for each would take eight, and twice the stores. Rings with checksums,
// and those that time their messages, have a frame for each.
//
// The room of the frame is given back as a whole. A consumer that has released
// some of its messages says so in a word of its own, so that a successor begins
// with the first that was not.
const batchOffset = 2 * HeaderSize

// TrySendBatch copies as many of the messages as fit, in order, and makes them
// visible all at once. It returns how many those are, and with fewer than all
// the reason that TrySend would give for the next one. A process that dies
// meanwhile has sent all of them or none. An open claim is aborted.
func (p *SPSCProducer) TrySendBatch(typ uint16, msgs [][]byte) (sent int, err error) {
	return p.trySendBatch(typ, outgoing{list: msgs})
}

func (p *SPSCProducer) trySendBatch(typ uint16, rest outgoing) (sent int, err error) {
	p.open = false
	// The first header is held back until all frames behind it stand.
	var first, tag Header
	var firstPos uint64
	pos := p.pos
	stop := pos // up to which there is room, and not the ring's end
	for rest.more() {
		n := uint64(rest.next())
		least := frameSize(p.payloadOffset(), n)
		if n > p.max {
			err = p.tooLarge(int(n))
			break
		}
		if least > stop-pos {
			p.pos = pos
			err = p.makeRoom(least)
			if pos = p.pos; err != nil {
				break
			}
			p.aim()
			stop, tag = p.stop, p.tag
		}
		k := 1
		if p.flags == 0 && !p.stamps.on && stop-pos >= cacheLine {
			k = rest.alike(min(stop-pos-batchOffset, p.longestBatch()))
		}
		h := p.frame(pos, typ, &rest, k)
		size := h.FrameSize()
		off := pos & p.mask
		if off%cacheLine+size > cacheLine {
			p.lines.written(off, off+size)
		} else if off%cacheLine == 0 && first != 0 {
			p.lines.header(off)
		}
		if first == 0 {
			first, firstPos = h, pos
		} else {
			p.data.StoreRelease64(off, uint64(h^tag))
		}
		pos += size
		sent += k
	}
	if p.pos = pos; first != 0 {
		p.publish(firstPos, first)
		if p.flags == 0 && !p.stamps.on {
			p.aim()
		}
	}
	return sent, err
}

// longestBatch is how many bytes of messages a batch has at most.
func (p *SPSCProducer) longestBatch() uint64 { return p.mask / 16 }

// frame writes the next k messages of a batch, of equal size, into one frame at a
// position. It returns the header, which it doesn't write.
func (p *SPSCProducer) frame(pos uint64, typ uint16, from *outgoing, k int) Header {
	off := pos & p.mask
	n := from.next()
	if k > 1 {
		p.data.StoreRelease64(off+HeaderSize, uint64(n))
		from.fill(p.data.Bytes(off+batchOffset, uint64(n*k)), k)
		return MakeHeader(uint32(n*k), typ, FlagBatch)
	}
	h := MakeHeader(uint32(n), typ, p.flags)
	buf := p.data.Bytes(off+p.payloadOffset(), uint64(n))
	from.fill(buf, 1)
	if p.flags&FlagChecksum != 0 {
		p.data.StoreRelease64(off+HeaderSize, checksum(h, buf))
	}
	return h
}

// unpack hands out the next messages of the batch at pos, whose header h is at
// offset off: as many as there are and into, which is not empty, holds.
func (c *SPSCConsumer) unpack(off uint64, h Header, into []Message) (n int, err error) {
	in, end, size, err := c.within(off, h)
	if err != nil {
		return 0, err
	}
	for n < len(into) && size <= end-in {
		into[n] = Message{Payload: c.data.Bytes(off+in, size), Type: h.Type()}
		n++
		in += size
	}
	c.moveTo(in, h)
	return n, nil
}

// within returns where in the batch at pos the next message begins and where its
// last one ends, and the size of each. There is one at least.
func (c *SPSCConsumer) within(off uint64, h Header) (in, end, size uint64, err error) {
	in, end = max(c.in, batchOffset), batchOffset+h.Len()
	if h.Len() > c.max || off+h.FrameSize() > c.mask+1 || in >= end {
		return 0, 0, 0, corrupt("receive", "batch header %#016x at data offset %d of %d", uint64(h), off, c.mask+1)
	}
	// The producer may write something else at any time: what counts is this.
	size = c.data.Load64(off + HeaderSize)
	if size-1 >= end-in {
		return 0, 0, 0, corrupt("receive", "batch header %#016x at data offset %d, of messages of %d bytes", uint64(h), off, size)
	}
	return in, end, size, nil
}

// moveTo goes on behind what was handed out of the batch at pos, which ends at in.
func (c *SPSCConsumer) moveTo(in uint64, h Header) {
	if c.in = in; in == batchOffset+h.Len() {
		c.pos, c.in = c.pos+h.FrameSize(), 0
	}
}

// publishTaken announces which messages of the batch at the published position
// were released, to a successor.
func (c *SPSCConsumer) publishTaken() {
	if int64(c.taken-c.released) > 0 && c.taken != c.told {
		c.told = c.taken
		// Hands nothing over but the number; pairs with the load in resume.
		c.ctl.StoreRelease64(offTaken, c.taken)
	}
}

// resume begins where the consumer before us stood within a batch, if it did. A
// word that says something else is one from before, or nonsense.
func (c *SPSCConsumer) resume() {
	in := c.ctl.Load64(offTaken) - c.pos
	h := c.header(c.pos & c.mask)
	if h.Committed() && h.Flags() == FlagBatch && in > batchOffset && in < batchOffset+h.Len() {
		c.in, c.taken, c.told = in, c.pos+in, c.pos+in
	}
}
