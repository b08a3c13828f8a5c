package ring

import "encoding/binary"

// batchRoom is how many bytes of frames NextBatch copies at once, at most. Nor
// does it copy more than a quarter of the ring: the longer it takes, the more
// often something of it is overwritten meanwhile.
const batchRoom = 64 << 10

// NextBatch is Next for as many messages as there are and into holds, as long as
// nothing else is due. Their frames are copied all at once, into memory of the
// subscriber's own that is valid until the next NextBatch, and it is asked once
// whether they were overwritten meanwhile. It returns how many messages that
// are, and their payload in bytes. If it returns none Next will tell what there
// is to do: nothing has come, or the ring's end, or a message that is longer
// than a batch, or the publisher was faster. It allocates at its first call only.
func (s *BroadcastSubscriber) NextBatch(into []Message) (n int, size uint64) {
	if s.owed != 0 || s.leased {
		return 0, 0
	}
	if s.batch == nil {
		s.batch = make([]byte, min(batchRoom, (s.mask+1)/4))
	}
	n, size, end := s.gather(into)
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
	return n, size
}

// gather fills into with the messages from pos on that fit into the batch's
// memory, where their frames will be copied to. It returns how many they are,
// their payload in bytes, and the position behind them.
func (s *BroadcastSubscriber) gather(into []Message) (n int, size, end uint64) {
	plain, po := Header(markWord), uint64(HeaderSize)
	if s.flags&FlagChecksum != 0 {
		plain, po = markWord|Header(s.flags), 2*HeaderSize
	}
	end = s.pos
	room := min(uint64(len(s.batch)), s.mask+1-end&s.mask)
	tag := lapTag(end, s.shift)
	last, frame := ^uint64(0), uint64(0) // of the message before, and its frame
	for at := uint64(0); n < len(into); n++ {
		// Pairs with the release store in publish, as in Next.
		h := Header(s.data.Load64(end&s.mask)) ^ tag
		if h.Len() != last {
			last, frame = h.Len(), frameSize(po, h.Len())
		}
		if h>>48 != plain || frame > room-at {
			break
		}
		into[n] = Message{Payload: s.batch[at+po : at+po+h.Len() : at+frame], Type: h.Type()}
		size += h.Len()
		at += frame
		end += frame
	}
	return n, size, end
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
		s.pass(h)
		n++
		size += h.Len()
	}
	return n, size
}
