package ring

// MPMCConsumer is a receiving side of a ring with several producers and several
// consumers. It belongs to one goroutine at a time, and each participant of the
// section has at most one for the ring. Its memory must stay mapped while it is
// used.
//
// Each message goes to one consumer. When that one dies, or detaches, before it
// has released the message, it goes to another, with Redelivered set; in that
// case a message may be handled twice, and its order is not kept. Otherwise the
// messages are taken in the order of the ring, and so each producer's in its
// own.
type MPMCConsumer struct {
	mpmc
	head   uint64 // the first frame that may not have been taken
	hinted uint64 // head when H was stored last

	gen     uint64 // the count of sweeps and renewals for which all cells have been looked at
	scanGen uint64 // the one for which that is under way,
	scan    uint64 // and the next cell to look at

	leases []lease // what was taken and not released
	cur    uint64  // offset in the data of the next message of the last of them,
	end    uint64  // and where that ends, or cur if there is no more
	again  bool    // it was taken by somebody before
	unit   uint64  // within a batch of messages of equal size: that,
	stop   uint64  // where the last of them ends
	typ    uint16  // and their type
	plain  Header  // the upper half of every message's header

	// What Take expects: a plain frame like the last one, in the same lap.
	rim  uint64 // the position of the ring's end
	want word   // its word,
	need uint64 // which says so many cells;
	like Header // its header,
	size uint64 // and what it takes of them, or 0 if that is all

	straight mpmcExpected

	stalled stalls

	watch, seen uint64 // Poll waits for the word there to change
}

// lease is a taken frame: where its word is, and what releases it.
type lease struct{ off, freed uint64 }

// MPMCOptions are a consumer's.
type MPMCOptions struct {
	// SkipStalled has the consumer go past claims that living producers
	// have not committed yet, to messages behind them. Each producer's
	// messages keep their order, as it has one claim open at a time; the
	// order among them is lost. At most 16 such claims are passed at a time.
	// A stalled claim still keeps the ring from going once around.
	SkipStalled bool
}

// NewMPMCConsumer attaches participant owner of table, which must be alive, to
// the ring in body. Errors match ErrBadArgument or ErrCorrupt.
func NewMPMCConsumer(g Geometry, body []byte, table Table, owner int, o MPMCOptions) (*MPMCConsumer, error) {
	r, err := attachMPMC(g, body, table, owner)
	if err != nil {
		return nil, err
	}
	const never = ^uint64(0) // more sweeps than there will be: look at all cells
	c := &MPMCConsumer{mpmc: *r, gen: never, scanGen: never, seen: never, leases: make([]lease, 0, 64)}
	if c.head, err = c.hint("attach consumer", offHead); err != nil {
		return nil, err
	}
	c.hinted = c.head
	c.plain = MakeHeader(0, 0, c.flags) >> 48
	c.stalled.on = o.SkipStalled
	c.expect(MakeHeader(8, 0, 0))
	return c, nil
}

// Next hands out a message without copying it. The payload is a lease on the
// ring's memory: it is valid until Release is called after it. Several may be
// out at once, of this consumer and of others, and producers can't get past
// them. Messages that came as a batch are taken together, and handed out one by
// one.
//
// Next returns ErrEmpty when there is nothing to take: at some moment during
// the call the ring's first frame that was not taken was not committed, or there
// was none, and no sweep had left anything. Who wants to wait then sweeps the
// dead first (see [Table.Unswept]) and tries again. Next returns io.EOF when
// everything before the ring's end was taken: by others, perhaps, who may die,
// and then it is there again. It returns ErrCorrupt when what it finds can't be
// true; then it stays where it is.
func (c *MPMCConsumer) Next() (Message, error) {
	if m, ok := c.Take(); ok {
		return m, nil
	}
	if c.cur != c.end {
		return c.message()
	}
	return c.next()
}

// Take is Next for a message that is there while nothing else is due. If it
// returns false no message was handed out, and Next will tell what there is to
// do.
func (c *MPMCConsumer) Take() (Message, bool) {
	h := c.head
	off := h & c.mask
	w := c.want
	// A frame like the one before. R4; R0 pairs with the Adds in giveBack and
	// renew.
	if c.cur != c.end || int64(c.rim-h) < int64(c.need) || c.load(h) != w || c.ctl.Load64(offGen) != c.gen {
		return c.takeAny()
	}
	if !c.words.CAS64(off*8, uint64(w), uint64(w|c.owner|taken)) { // R8
		c.GiveWay()
		return Message{}, false
	}
	c.head = h + c.need
	if c.head-c.hinted >= c.every {
		c.pace(h)
	}
	c.leases = append(c.leases, lease{off * 8, uint64(w&^lowMask + c.lap)})
	at := off << (c.shift & 63)
	// Who wrote the frame may write something else at any time: what counts is this.
	if header := Header(c.data.Load64(at)); header == c.like && (c.size == 0 || c.data.Load64(at+c.size) == 0) {
		c.straight = mpmcExpected{min(c.rim-c.need+1, c.head+c.every), w | c.owner | taken, w&^lowMask + c.lap}
		return Message{Payload: c.data.Bytes(at+HeaderSize, header.Len()), Type: header.Type()}, true
	}
	c.hold(off, w)
	m, err := c.message()
	return m, err == nil
}

// takeAny is Take for any frame.
func (c *MPMCConsumer) takeAny() (Message, bool) {
	if c.cur == c.end && !c.grab() {
		return Message{}, false
	}
	m, err := c.message()
	return m, err == nil
}

// grab takes the frame at the head, if nothing else is due.
func (c *MPMCConsumer) grab() bool {
	h := c.head
	w := c.load(h) // R4
	span := c.span(w)
	// R0. Pairs with the Adds in giveBack and renew.
	if c.ctl.Load64(offGen) != c.gen || w&^c.spanMask != c.at(h)|committed ||
		span-1 >= c.half || h&c.mask+span > c.mask+1 ||
		!c.cas(h, w, w|c.owner|taken) { // R8
		return false
	}
	c.tookHead(h, w)
	return true
}

// tookHead takes note of a frame that is ours now, at the head.
func (c *MPMCConsumer) tookHead(h uint64, w word) {
	c.head = h + c.span(w)
	if c.head-c.hinted >= c.every {
		c.pace(h)
	}
	c.took(h, w)
}

// pace does what is due after the frame at h was taken, now and then.
func (c *MPMCConsumer) pace(h uint64) {
	if c.due(h) {
		// R9: a plain store may bring H back, but not behind F, since our
		// lease keeps that below h. So it comes before the release.
		c.hinted = c.head
		c.ctl.StoreRelease64(offHead, c.head)
	}
}

// took takes note of a frame that is ours now. w is its word before.
func (c *MPMCConsumer) took(pos uint64, w word) {
	off := pos & c.mask
	c.leases = append(c.leases, lease{off * 8, uint64(c.freed(w))})
	c.hold(off, w)
}

// hold has message hand out the frame in the cell at off that is ours now.
func (c *MPMCConsumer) hold(off uint64, w word) {
	c.straight.until = 0
	c.cur = off << c.shift
	c.end = c.cur + c.span(w)<<c.shift
	c.again = w&timesMask != 0
}

// message hands out the message at cur.
func (c *MPMCConsumer) message() (Message, error) {
	if c.unit != 0 {
		return c.part(), nil
	}
	at, left := c.cur, c.end-c.cur
	h := Header(c.data.Load64(at))
	n, po := h.Len(), c.payloadOffset()
	size := packed(po, n)
	if h>>48 == batchWord && c.flags == 0 {
		if err := c.open(at, left, h); err != nil {
			return Message{}, err
		}
		return c.part(), nil
	}
	if h>>48 != c.plain || n > c.max || size > left {
		return Message{}, corrupt("receive", "frame header %#016x at data offset %d, %d bytes before its claim's end", uint64(h), at, left)
	}
	payload := c.data.Bytes(at+po, n)
	if c.flags&FlagChecksum != 0 {
		want, have := c.data.Load64(at+HeaderSize), checksum(h, payload)
		if want != have {
			return Message{}, badChecksum(payload, at, have, want)
		}
	}
	if c.past(at + size); c.cur == c.end {
		c.expect(h)
	}
	return Message{Payload: payload, Type: h.Type(), Redelivered: c.again}, nil
}

// expect has Take know frames with such a header, one in a claim.
func (c *MPMCConsumer) expect(h Header) {
	if c.flags != 0 {
		return
	}
	size := packed(HeaderSize, h.Len())
	c.need, c.like, c.size = c.cells(size), h, size
	if size == c.need<<c.shift {
		c.size = 0
	}
	c.want = c.of(c.head, c.need) | committed
	c.rim = c.head | c.mask + 1
}

// past goes to the next frame of a claim, at offset at, if there is one.
func (c *MPMCConsumer) past(at uint64) {
	c.cur = at
	if at != c.end && c.data.Load64(at) == 0 {
		c.end = at
	}
}

// open begins with a frame of several messages, at offset at. See spsc_batch.go
// for what it looks like.
func (c *MPMCConsumer) open(at, left uint64, h Header) error {
	n := h.Len()
	if n > c.max || packed(batchOffset, n) > left {
		return corrupt("receive", "batch header %#016x at data offset %d, %d bytes before its claim's end", uint64(h), at, left)
	}
	unit := c.data.Load64(at + HeaderSize)
	if unit == 0 || n == 0 || n%unit != 0 {
		return corrupt("receive", "batch header %#016x at data offset %d, of messages of %d bytes", uint64(h), at, unit)
	}
	c.cur, c.unit, c.stop, c.typ = at+batchOffset, unit, at+batchOffset+n, h.Type()
	return nil
}

// part hands out the next message of such a frame.
func (c *MPMCConsumer) part() Message {
	m := Message{Payload: c.data.Bytes(c.cur, c.unit), Type: c.typ, Redelivered: c.again}
	if c.cur += c.unit; c.cur == c.stop {
		c.leaveFrame()
	}
	return m
}

// Packed returns the payload of m, the message that was handed out last, together
// with those that stand right behind it and are of its size: the rest of its frame.
// They are handed out with it.
func (c *MPMCConsumer) Packed(m Message) []byte {
	if c.unit == 0 {
		return m.Payload
	}
	from := c.cur - c.unit
	c.leaveFrame()
	return c.data.Bytes(from, c.stop-from)
}

// leaveFrame goes on behind a frame of several messages.
func (c *MPMCConsumer) leaveFrame() {
	c.unit = 0
	c.past((c.stop + 7) &^ 7)
}

// NextBatch is Next for the messages that came as one batch with the last one,
// as many as into holds, as long as nothing else is due. It returns how many
// that are, and their payload in bytes. If it returns none Next will tell what
// there is to do.
func (c *MPMCConsumer) NextBatch(into []Message) (n int, size uint64) {
	for n < len(into) && c.cur != c.end {
		m, err := c.message()
		if err != nil {
			break
		}
		into[n] = m
		n++
		size += uint64(len(m.Payload))
	}
	return n, size
}

// Release ends the leases of all messages handed out so far. It reports whether
// there is more room now. Of a batch the room is given back once all of it was
// handed out and released; until then, should the consumer die, all of it is
// delivered again.
func (c *MPMCConsumer) Release() bool {
	n := len(c.leases)
	if c.cur != c.end {
		n-- // the rest of a batch
	}
	for _, l := range c.leases[:n] {
		// R12: acknowledges the frame and hands its cells back; pairs with
		// the loads in makeRoom. Our reads can't move behind a release store.
		c.words.StoreRelease64(l.off, l.freed)
	}
	c.leases = c.leases[:copy(c.leases, c.leases[n:])]
	return n > 0
}

// Leased returns how many frames are taken and not released: messages, or
// batches.
func (c *MPMCConsumer) Leased() int { return len(c.leases) }

// Poll looks for a message up to looks times, as mem.Region.Poll64 does, and
// reports whether Next may have something new to say. It watches the frame that
// is awaited; of sweeps only Next takes notice.
func (c *MPMCConsumer) Poll(looks, pauses uint32) bool {
	return c.words.Poll64(c.watch, c.seen, looks, pauses)
}

// Position returns the number of the cell that the consumer looks at next. The
// first frame that was not taken is there or further on, and those that a sweep
// gave back may be anywhere.
func (c *MPMCConsumer) Position() uint64 { return c.head }
