package ring

import "encoding/binary"

// batchMost is how many bytes of messages share a frame at most. A subscriber
// copies it out as a whole, and gets none of it if it is overwritten meanwhile. Nor
// is a frame longer than an eighth of the ring, for those who begin with the oldest.
const batchMost = 4096

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
	most := uint64(0)
	if p.flags == 0 && !p.stamps.on {
		most = min((p.mask+1)/8, batchMost)
	}
	// The first header is held back until all frames behind it stand.
	first, tag := Header(0), Header(0)
	pos, bytes := p.pos, uint64(0)
	stop := pos                          // before it is room, not the ring's end, and no more than half of it
	last, least := ^uint64(0), uint64(0) // of the message before, and a frame for it alone
	for sent < len(msgs) {
		rest := msgs[sent:]
		n := uint64(len(rest[0]))
		if n != last {
			last, least = n, frameSize(po, n)
		}
		k, size := 1, least
		if k = alike(rest, most); k > 1 {
			size = frameSize(batchOffset, uint64(k)*n)
		}
		off := pos & p.mask
		if n > p.max || size > stop-pos {
			var pad uint64
			pad, err = p.extend(pos, n, least, size)
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
			if size > stop-pos { // so many are no room for
				k, size = 1, least
				if room := stop - pos; room >= cacheLine { // else not of every size that fits
					if k = alike(rest, min(most, room-batchOffset)); k > 1 {
						size = frameSize(batchOffset, uint64(k)*n)
					}
				}
			}
		}
		if off%cacheLine+size > cacheLine {
			p.lines.written(off, off+size)
		} else if off%cacheLine == 0 && first != 0 {
			p.lines.header(off)
		}
		h := MakeHeader(uint32(n), typ, p.flags)
		switch {
		case k > 1:
			h = MakeHeader(uint32(uint64(k)*n), typ, FlagBatch)
			p.data.StoreRelease64(off+HeaderSize, n)
			fill(p.data.Bytes(off+batchOffset, h.Len()), rest[:k])
		case n == 8 && p.flags == 0:
			p.data.StoreRelease64(off+HeaderSize, binary.LittleEndian.Uint64(rest[0]))
		default:
			p.data.CopyIn(off+po, rest[0])
			if p.flags&FlagChecksum != 0 {
				p.data.StoreRelease64(off+HeaderSize, checksum(h, rest[0]))
			}
		}
		if first == 0 {
			first = h
		} else {
			p.data.StoreRelease64(off, uint64(h^tag))
		}
		pos += size
		bytes += uint64(k) * n
		sent += k
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
// next message of n bytes goes, and behind a frame of least bytes there, there is
// room, and up to size bytes if possible. It returns the size of the pad that has
// to be put before the frame. It commits that itself when the message is the first
// one and too long for one batch with it; then it moves p.pos.
func (p *BroadcastPublisher) extend(pos, n, least, size uint64) (pad uint64, err error) {
	if n > p.max {
		return 0, p.tooLarge(int(n))
	}
	left := p.mask + 1 - pos&p.mask
	if least > left {
		pad, left = left, left+p.mask+1
	}
	all, half := pos+pad+least-p.pos, (p.mask+1)/2
	if all <= half {
		if err = p.reserve(min(pos-p.pos+min(pad+size, left), half)); err == ErrFull && size > least {
			err = p.reserve(all)
		}
		return pad, err
	}
	if pos != p.pos {
		return 0, errBatchEnds
	}
	return 0, p.makeRoom(least)
}
