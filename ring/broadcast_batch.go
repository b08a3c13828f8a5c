package ring

import "encoding/binary"

// Messages of equal size that are published as a batch stand one right behind the
// other in one frame, as in an SPSC ring: see the picture in spsc_batch.go. A
// subscriber copies such a frame out as a whole and finds out whether it was
// overwritten meanwhile. If not the messages are its own from then on, whatever
// becomes of the frame, and Next hands them out one by one. Who begins with one in
// the middle, because it is the newest or was asked for, does the same and leaves
// out those before.

// opened is a batch whose frame was copied out: its payload, and where in it the
// next message begins.
type opened struct {
	frame []byte
	at    uint64
	unit  uint64 // bytes of each message
	typ   uint16
}

// done reports whether all messages were handed out.
func (o *opened) done() bool { return o.at == uint64(len(o.frame)) }

// open copies out the batch at pos, whose header is h, of n messages, and moves
// behind it and to the message that comes after skip others. It reports false if
// it was overwritten meanwhile; then nothing was done. It allocates at the first
// call, and when a batch is longer than any before.
func (s *BroadcastSubscriber) open(h Header, n, skip uint64) bool {
	s.makeBatch(h.Len())
	frame := s.batch[:h.Len()]
	s.data.CopyOut(frame, s.pos&s.mask+batchOffset)
	if !s.intact(s.pos) {
		return false
	}
	unit := h.Len() / n
	s.rest = opened{frame: frame, at: skip * unit, unit: unit, typ: h.Type()}
	s.pos += h.FrameSize()
	s.seq += skip
	s.bytes += skip * unit
	s.turn()
	return true
}

// again hands out the next message of the batch that is open.
func (s *BroadcastSubscriber) again() Message {
	r := &s.rest
	end := r.at + r.unit
	m := Message{Payload: r.frame[r.at:end:end], Type: r.typ}
	r.at = end
	s.seq++
	s.bytes += r.unit
	if r.done() {
		s.close()
	}
	return m
}

// close ends the batch that is open.
func (s *BroadcastSubscriber) close() {
	s.rest = opened{}
	s.turn()
}

// batchRoom is how many bytes of frames NextBatch copies at once, at most. Nor
// does it copy more than a quarter of the ring: the longer it takes, the more
// often something of it is overwritten meanwhile.
const batchRoom = 64 << 10

// makeBatch makes the memory for frames that are copied out as a whole, of n bytes
// at least.
func (s *BroadcastSubscriber) makeBatch(n uint64) {
	if uint64(len(s.batch)) < max(n, 1) {
		s.batch = make([]byte, max(n, min(batchRoom, (s.mask+1)/4)))
	}
}

// NextBatch is Next for as many messages as there are and into holds, as long as
// nothing else is due. Their frames are copied all at once, into memory of the
// subscriber's own that is valid until the next call, and it is asked once
// whether they were overwritten meanwhile. It returns how many messages that
// are, and their payload in bytes. If it returns none Next will tell what there
// is to do: nothing has come, or the ring's end, or a message that is longer
// than a batch, or the publisher was faster. It allocates at its first call only.
func (s *BroadcastSubscriber) NextBatch(into []Message) (n int, size uint64) {
	if s.odd && (s.owed != 0 || s.leased) {
		return 0, 0
	}
	if !s.rest.done() {
		n, size = s.rest.spread(into, 0)
		s.seq += uint64(n)
		s.bytes += size
		if s.rest.done() {
			s.close()
		}
		return n, size
	}
	s.makeBatch(0)
	n, size, end, rest := s.gather(into)
	s.data.CopyOut(s.batch[:end-s.pos], s.pos&s.mask)
	if !s.intact(s.pos) {
		return 0, 0 // Next finds out how much is gone
	}
	start := s.pos
	if s.flags&FlagChecksum != 0 {
		n, size = s.verified(into[:n])
	} else {
		s.pos = end
		s.seq += uint64(n)
		s.bytes += size
	}
	if s.stamps.on {
		s.measureBatch(start, into[:n])
	}
	if !rest.done() {
		s.rest = rest
		s.turn()
	}
	return n, size
}

// gather fills into with the messages from pos on that fit into the batch's
// memory, where their frames will be copied to. It returns how many they are,
// their payload in bytes, the position behind their frames, and what of the last
// one into didn't hold.
func (s *BroadcastSubscriber) gather(into []Message) (n int, size, end uint64, rest opened) {
	plain, po := Header(markWord), uint64(HeaderSize)
	if s.flags&FlagChecksum != 0 {
		plain, po = markWord|Header(s.flags), 2*HeaderSize
	}
	end = s.pos
	room := min(uint64(len(s.batch)), s.mask+1-end&s.mask)
	tag := lapTag(end, s.shift)
	last, frame := ^uint64(0), uint64(0) // of the message before, and its frame
	for at := uint64(0); n < len(into); {
		// Pairs with the release store in publish, as in Next.
		h := Header(s.data.Load64(end&s.mask)) ^ tag
		if h>>48 == batchWord && !s.careful && h.FrameSize() <= room-at {
			k := s.several(end, h.Len())
			if k == 0 {
				break
			}
			rest = opened{frame: s.batch[at+batchOffset:][:h.Len()], unit: h.Len() / k, typ: h.Type()}
			var bytes uint64
			n, bytes = rest.spread(into, n)
			size += bytes
			at += h.FrameSize()
			end += h.FrameSize()
			continue
		}
		if h.Len() != last {
			last, frame = h.Len(), frameSize(po, h.Len())
		}
		if h>>48 != plain || frame > room-at {
			break
		}
		into[n] = Message{Payload: s.batch[at+po : at+po+h.Len() : at+frame], Type: h.Type()}
		n++
		size += h.Len()
		at += frame
		end += frame
	}
	return n, size, end, rest
}

// spread hands out what is open to into, from n on, as far as that goes. It
// returns how many there are then, and the bytes of those that were added.
func (o *opened) spread(into []Message, n int) (_ int, size uint64) {
	at, unit := o.at, o.unit
	for n < len(into) && at < uint64(len(o.frame)) {
		into[n] = Message{Payload: o.frame[at : at+unit : at+unit], Type: o.typ}
		at += unit
		n++
	}
	size = at - o.at
	o.at = at
	return n, size
}

// verified passes the messages of a batch, which is intact, up to one that
// hasn't its checksum. What is wrong with that Next will tell.
func (s *BroadcastSubscriber) verified(batch []Message) (n int, size uint64) {
	start := s.pos
	for _, m := range batch {
		h := MakeHeader(uint32(len(m.Payload)), m.Type, s.flags)
		sum := binary.LittleEndian.Uint64(s.batch[s.pos-start+HeaderSize:])
		if sum != checksum(h, m.Payload) {
			break
		}
		s.pass(h, 1)
		n++
		size += h.Len()
	}
	return n, size
}
