package ring

// The straight way through an MPMC ring, as spsc_straight.go has it for SPSC
// rings: what a small message takes that is one more of the kind before it, while
// nobody else is at the same cell and nothing else is due.

// mpmcStraight is what the straight way of a producer knows.
type mpmcStraight struct {
	until  uint64 // before which position it claims
	kind   uint64 // the messages it goes for: type and size
	before word   // what the word of a free cell is,
	after  word   // what claims it,
	commit word   // and what commits it then
}

// mpmcExpected is what the straight way of a consumer knows.
type mpmcExpected struct {
	until uint64 // before which position it takes frames like the last one
	taken word   // what their words become when they are,
	freed word   // and when they are released
}

// straighten has the straight way go for messages like the one that Put has just
// put where the word was w: as far as Put may go, and until T is to be stored.
func (p *MPMCProducer) straighten(w word) {
	if p.n == 0 || p.n%8 != 0 || p.n > longestStraight {
		return
	}
	after := p.tail | p.takes
	p.straight = mpmcStraight{
		until:  min(p.stop-p.need+1, p.pos+p.every),
		kind:   kind(p.head.Type(), p.n),
		before: w,
		after:  after,
		commit: after&^ownerMask + (committed - claimed),
	}
}

// Straight reports whether a message can go the straight way. Then Win may be
// called.
func (p *MPMCProducer) Straight(typ uint16, n int) bool {
	s := &p.straight
	// S2: see Put.
	return kind(typ, uint64(n)) == s.kind && p.pos < s.until && p.ctl.Load64(offGen) == p.gen &&
		p.words.Load64(p.pos&p.mask*8) == uint64(s.before)
}

// Win claims the cells of a message that is Straight, and reports whether it
// could; then Lay and Seal have to follow, and GiveWay otherwise.
func (p *MPMCProducer) Win() bool {
	return p.words.CAS64(p.pos&p.mask*8, uint64(p.straight.before), uint64(p.straight.after)) // S9
}

// Lay writes the frame.
func (p *MPMCProducer) Lay(b []byte) {
	at := p.pos & p.mask << (p.shift & 63)
	p.data.StoreRelease64(at, uint64(p.head))
	lay(p.data, at+HeaderSize, b)
}

// Seal writes that nothing is behind the frame, and hands it to the consumers.
func (p *MPMCProducer) Seal() {
	off := p.pos & p.mask
	if p.hole {
		p.data.StoreRelease64(off<<(p.shift&63)+p.size, 0)
	}
	p.words.StoreRelease64(off*8, uint64(p.straight.commit)) // S12: see commit
	p.pos += p.need
}

// Straight reports whether the next frame is there, like the last one, which is the
// only one that is out, while nothing else is due. Then Win may be called.
func (c *MPMCConsumer) Straight() bool {
	// R4, R0: see Take.
	return c.head < c.straight.until && len(c.leases) == 1 && c.ctl.Load64(offGen) == c.gen &&
		c.words.Load64(c.head&c.mask*8) == uint64(c.want)
}

// Win takes the frame that is Straight, and reports whether it could; then Pass has
// to follow, and GiveWay otherwise.
func (c *MPMCConsumer) Win() bool {
	return c.words.CAS64(c.head&c.mask*8, uint64(c.want), uint64(c.straight.taken)) // R8
}

// Pass releases the frame before.
func (c *MPMCConsumer) Pass() {
	l := &c.leases[0]
	c.words.StoreRelease64(l.off, l.freed) // R12: see Release
	*l = lease{c.head & c.mask * 8, uint64(c.straight.freed)}
}

// Alike reports whether what was taken is a message like the one before. Then Plain
// returns it; otherwise Next will.
func (c *MPMCConsumer) Alike() bool {
	at := c.head & c.mask << (c.shift & 63)
	c.head += c.need
	return Header(c.data.Load64(at)) == c.like && (c.size == 0 || c.data.Load64(at+c.size) == 0)
}

// Plain returns the message that was taken and is Alike.
func (c *MPMCConsumer) Plain() Message {
	at := (c.head - c.need) & c.mask << (c.shift & 63)
	return Message{Payload: c.data.Bytes(at+HeaderSize, c.like.Len()), Type: c.like.Type()}
}

// Odd has Next hand out what was taken and isn't Alike.
func (c *MPMCConsumer) Odd() { c.hold((c.head-c.need)&c.mask, c.want) }
