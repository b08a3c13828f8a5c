package ring

import "encoding/binary"

// TrySendBatch copies as many of the messages as make up to half a ring, in
// order, and makes them visible all at once. It returns how many those are; the
// rest is for the next call. With none the error is the one that TrySend would
// give for the first. A process that dies meanwhile has sent all of them or
// none. An open claim is aborted.
func (p *BroadcastPublisher) TrySendBatch(typ uint16, msgs [][]byte) (sent int, err error) {
	p.open = false
	if p.ended {
		return 0, ErrClosed
	}
	po := p.payloadOffset()
	// The first header is held back until all frames behind it stand.
	first, tag := Header(0), Header(0)
	pos, bytes := p.pos, uint64(0)
	stop := pos                         // before it is room, not the ring's end, and no more than half of it
	last, size := ^uint64(0), uint64(0) // of the message before, and its frame
	for _, b := range msgs {
		n := uint64(len(b))
		if n != last {
			last, size = n, frameSize(po, n)
		}
		off := pos & p.mask
		if n > p.max || size > stop-pos {
			var pad uint64
			pad, err = p.extend(pos, b, size)
			if err != nil {
				break
			}
			if sent == 0 {
				pos = p.pos // perhaps behind a pad of its own
			}
			if pad > 0 {
				h := MakeHeader(uint32(pad-HeaderSize), 0, FlagPad)
				if off = pos & p.mask; first == 0 {
					first = h
				} else {
					p.data.StoreRelease64(off, uint64(h^tag))
				}
				p.lines.written(off, off+pad)
				pos += pad
			}
			off, tag = pos&p.mask, lapTag(pos, p.shift)
			stop = pos + min(p.limit-pos-HeaderSize, p.mask+1-off, p.pos+(p.mask+1)/2-pos)
		}
		if off%cacheLine+size > cacheLine {
			p.lines.written(off, off+size)
		} else if off%cacheLine == 0 && first != 0 {
			p.lines.header(off)
		}
		h := MakeHeader(uint32(n), typ, p.flags)
		if n == 8 && p.flags == 0 {
			p.data.StoreRelease64(off+HeaderSize, binary.LittleEndian.Uint64(b))
		} else {
			p.data.CopyIn(off+po, b)
			if p.flags&FlagChecksum != 0 {
				p.data.StoreRelease64(off+HeaderSize, checksum(h, b))
			}
		}
		if first == 0 {
			first = h
		} else {
			p.data.StoreRelease64(off, uint64(h^tag))
		}
		pos += size
		bytes += n
		sent++
	}
	if sent == 0 {
		return 0, err
	}
	start := p.pos
	p.pos = pos
	p.seq += uint64(sent)
	p.bytes += bytes
	p.publish(start, first)
	return sent, nil
}

// errBatchEnds says that a batch that goes on would be more than half a ring.
var errBatchEnds = badArgument("send", "the batch is longer than half the ring")

// extend sees to it that from p.pos, where a batch begins, up to pos, where its
// next message b goes, and behind that message's frame of size bytes there is
// room. It returns the size of the pad that has to be put before the frame. It
// commits that itself when the message is the first one and too long for one
// batch with it; then it moves p.pos.
func (p *BroadcastPublisher) extend(pos uint64, b []byte, size uint64) (pad uint64, err error) {
	if uint64(len(b)) > p.max {
		return 0, p.tooLarge(len(b))
	}
	if left := p.mask + 1 - pos&p.mask; size > left {
		pad = left
	}
	all := pos + pad + size - p.pos
	if all <= (p.mask+1)/2 {
		return pad, p.reserve(all)
	}
	if pos != p.pos {
		return 0, errBatchEnds
	}
	return 0, p.makeRoom(size)
}
