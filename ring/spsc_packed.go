package ring

// Arrays in an SPSC ring: messages of equal size that stand one right behind the
// other in the user's memory as they do in the ring, where they are a batch. Who
// sends one array like the other, and receives them, takes a short way on which
// all but the messages is known beforehand.

// Packed is messages of equal size, one right behind the other in the ring's own
// memory. It must not be written.
type Packed struct {
	Payload     []byte
	Size        int    // of each message in bytes; 0 if it is one, and empty
	Type        uint16 // of all of them
	Redelivered bool   // as that of a Message
}

// Count returns how many messages there are.
func (p Packed) Count() int {
	if p.Size == 0 {
		return 1
	}
	return len(p.Payload) / p.Size
}

// spscArray is what the short way of a producer knows: the array that was sent
// last, if one frame can hold it.
type spscArray struct {
	n     int    // its bytes
	each  int    // and those of each message
	count int    // of which there are so many
	head  Header // its frame's
	size  uint64 // and how many bytes that takes
}

// TrySendPacked is TrySendBatch for messages of each bytes, more than none, which
// stand one right behind the other in b.
func (p *SPSCProducer) TrySendPacked(typ uint16, b []byte, each int) (sent int, err error) {
	if n := p.PutPacked(typ, b, each); n > 0 {
		return n, nil
	}
	if n := len(b); n > each && uint64(n) <= p.longestBatch() {
		h := MakeHeader(uint32(n), typ, FlagBatch)
		p.array = spscArray{n, each, n / each, h, h.FrameSize()}
	}
	return p.trySendBatch(typ, outgoing{packed: b, size: each})
}

// PutPacked is TrySendPacked for an array like the last one, when there is room
// for it in one piece and nothing else is due. It returns how many messages that
// are. If it returns 0 nothing was done, and TrySendPacked will tell what there is
// to do.
func (p *SPSCProducer) PutPacked(typ uint16, b []byte, each int) int {
	a := &p.array
	if len(b) != a.n || each != a.each || typ != a.head.Type() || p.stop-p.pos <= a.size {
		return 0
	}
	off := p.pos & p.mask
	p.lines.written(off, off+a.size)
	p.data.StoreRelease64(off+HeaderSize, uint64(each))
	copy(p.data.Bytes(off+batchOffset, uint64(len(b))), b)
	p.finish(off, a.size, a.head)
	return a.count
}

// spscExpectedArray is what the short way of a consumer knows: the batch that came
// last, if nothing of it was taken before.
type spscExpectedArray struct {
	spscExpected        // of its frame; n is what is handed out of it
	each         uint64 // the size of its messages,
	count        int    // of which there are so many
}

// TakePacked is Release, Next and Packed in one, for a batch that is there while
// nothing else is due. It returns the messages, how long each is and how many
// they are. If that is 0 nothing was done, and the others will tell what there is
// to do.
func (c *SPSCConsumer) TakePacked() (b []byte, each, count int, typ uint16) {
	a := &c.array
	off := c.pos & c.mask
	// As in header.
	w := c.data.Load64(off)
	if w != a.word || c.pos >= a.end {
		h := Header(w) ^ lapTag(c.pos, c.shift)
		if h>>48 != batchWord || c.plain != markWord || c.pos-c.published >= c.batch || !c.expectArray(off, h) {
			return nil, 0, 0, 0
		}
	}
	// What the producer may write here meanwhile is not what counts.
	if c.in != 0 || c.data.Load64(off+HeaderSize) != a.each {
		return nil, 0, 0, 0
	}
	c.released = c.pos
	c.pos += a.size
	return c.data.Bytes(off+batchOffset, a.n), int(a.each), a.count, Header(w).Type()
}

// expectArray has the short way know of the batch at pos, whose header h is at
// offset off, unless that can't be one.
func (c *SPSCConsumer) expectArray(off uint64, h Header) bool {
	_, _, each, err := c.within(off, h)
	if err != nil {
		return false
	}
	count := h.Len() / each
	c.array = spscExpectedArray{c.expected(h, h.FrameSize()), each, int(count)}
	c.array.n = count * each
	return true
}

// Packed returns the payload of m, the message that was handed out last, together
// with those that stand right behind it and are of its size: the rest of its batch.
// They are handed out with it.
func (c *SPSCConsumer) Packed(m Message) []byte {
	if c.in == 0 {
		return m.Payload
	}
	off := c.pos & c.mask
	h := c.header(off)
	if h>>48 != batchWord {
		return m.Payload // Next will tell
	}
	in, end, size, err := c.within(off, h)
	if err != nil || size != uint64(len(m.Payload)) {
		return m.Payload // and here
	}
	more := (end - in) / size * size
	c.moveTo(in+more, h)
	return c.data.Bytes(off+in-size, size+more)
}
