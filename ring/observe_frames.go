package ring

import (
	"io"

	"github.com/ringway/ringway/internal/mem"
)

// FrameState says what became of a frame, at the moment when it was seen.
type FrameState uint8

// The states of a frame.
const (
	FrameCommitted FrameState = iota // sent
	FrameTaken                       // MPMC: handed out to Owner, not released
	FrameClaimed                     // MPMC: Owner has not committed it; only Size is known
	FramePadding                     // filler, that no consumer gets
)

// String returns the state in a word.
func (s FrameState) String() string {
	return [...]string{"committed", "taken", "claimed", "padding"}[s&3]
}

// Frame is a frame as an Observer saw it.
type Frame struct {
	Position uint64 // of its first byte (SPSC) or cell (MPMC)
	Offset   uint64 // of its header in the ring's data, in bytes
	Size     uint64 // bytes that it takes in the ring; of a batch's messages the first one's header, the last one's padding included
	State    FrameState
	Owner    int // number of the participant that has it, and -1 otherwise
	Times    int // MPMC: how often it was given back by a consumer that had it
	Type     uint16
	Flags    Flags
	Len      uint64 // bytes of payload
	Payload  []byte // a copy, at most MaxPayload bytes, in the buffer given to Next or a new one

	Sequence uint64 // broadcast: the message's number
	Missed   uint64 // broadcast: messages overwritten unseen right before this one

	// Skipped is how many bytes of the ring went by unseen right before this
	// frame, because consumers were faster than the observer.
	Skipped uint64
}

// Next returns the next frame, beginning with the first that consumers have not
// released, or, of a broadcast ring, the oldest that is there. A batch's messages
// are a frame each. It copies the payload into buf, or into a larger slice that it
// allocates. It returns ErrEmpty when nothing is there yet, io.EOF at the
// ring's end, and ErrCorrupt when what is there can't be true; then it stays
// where it is.
func (o *Observer) Next(buf []byte) (Frame, error) {
	switch o.g.Kind {
	case MPMC:
		return o.mpmcNext(buf)
	case Broadcast:
		return o.broadcastNext(buf)
	}
	start := o.pos
	// Each round that gets no further was overtaken by a consumer; honest ones
	// give way in the end.
	for range 1 << 10 {
		first := o.ctl.Load64(offConsumer)
		if first%HeaderSize != 0 {
			return Frame{}, corrupt("observe", "consumer position %#x is not a multiple of %d", first, HeaderSize)
		}
		if !o.started {
			o.pos, o.started, start = first, true, first
		}
		if int64(first-o.pos) > 0 {
			o.pos, o.in = first, 0
		}
		off := o.pos & (o.g.Capacity - 1)
		// Pairs with the release store in SPSCProducer.publish, as a
		// consumer's load does.
		h := Header(o.data.Load64(off)) ^ lapTag(o.pos, o.g.lapShift())
		end := o.ctl.Load64(offEnd)
		f := Frame{Position: o.pos, Offset: off, Size: h.FrameSize(), Owner: -1, Type: h.Type(), Flags: h.Flags(), Len: h.Len()}
		valid := h.Valid() && off+f.Size <= o.g.Capacity
		next, in := o.pos+f.Size, uint64(0)
		switch {
		case !valid:
		case h.Flags()&FlagPad != 0:
			f.State = FramePadding
		case h.Flags() == FlagBatch:
			at := max(o.in, batchOffset)
			if taken := o.ctl.Load64(offTaken) - first; o.pos == first && taken > at && taken < batchOffset+h.Len() {
				at, o.in = taken, taken
			}
			f.Len = o.data.Load64(off + HeaderSize)
			if left := batchOffset + h.Len() - at; f.Len-1 >= left || left > h.Len() {
				valid = false
				break
			}
			f.Offset, f.Payload = off+at, o.copy(buf, off+at, f.Len)
			f.Size -= o.in
			if at += f.Len; at < batchOffset+h.Len() {
				f.Size, next, in = at-o.in, o.pos, at
			}
		default:
			f.Payload = o.copy(buf, off+h.PayloadOffset(), h.Len())
		}
		// If the consumer is not past the frame even now, the producer could
		// not have written over it: the copy is whole.
		mem.OrderLoads()
		last := o.ctl.Load64(offConsumer)
		if int64(last-o.pos) > 0 {
			continue
		}
		if !valid || o.pos+h.FrameSize()-last > o.g.Capacity {
			switch {
			case h.Committed():
				return Frame{}, corrupt("observe", "frame header %#016x at data offset %d of %d", uint64(h), off, o.g.Capacity)
			case end == o.pos|1:
				return Frame{}, io.EOF
			}
			return Frame{}, ErrEmpty
		}
		f.Skipped = o.pos - start
		o.pos, o.in = next, in
		return f, nil
	}
	return Frame{}, ErrEmpty
}

// copy copies a payload that lies within the data, whole words at a time: those
// of a batch begin anywhere.
func (o *Observer) copy(buf []byte, at, n uint64) []byte {
	before := at % HeaderSize
	n = before + min(n, uint64(o.MaxPayload))
	buf = room(buf, n)
	o.data.CopyOut(buf, at-before)
	return buf[before:]
}

// room returns n bytes: of buf, or new ones if it is too small.
func room(buf []byte, n uint64) []byte {
	if uint64(cap(buf)) < n {
		return make([]byte, n)
	}
	return buf[:n]
}

func (o *Observer) mpmcNext(buf []byte) (Frame, error) {
	m := o.mpmc
	seen := o.started
	if !seen {
		o.pos, o.started = m.ctl.Load64(offFree), true
	}
	start := o.pos
	skip := func(limit uint64) { o.pos, o.in, o.head = limit, 0, 0 }
	for range 4*m.mask + 1024 {
		if limit := m.ctl.Load64(offFree); int64(limit-o.pos) > 0 {
			skip(limit)
		}
		w := m.load(o.pos)
		state, ahead := w.state(), m.ahead(w, o.pos)
		switch {
		case w == m.at(o.pos)|closing:
			return Frame{}, io.EOF
		case ahead == int64(m.lap) && state == free && m.spans(w, o.pos):
			// Released, and perhaps seen before that.
			o.pos += m.span(w)
			if o.in != 0 {
				o.in, o.head, start = 0, 0, o.pos
			}
		case ahead == 0 && state != free:
			if !m.spans(w, o.pos) {
				return Frame{}, m.badWord("observe", w, o.pos, "no frame")
			}
			f, ok, err := o.mpmcFrame(w, buf)
			if !ok {
				continue // it changed meanwhile
			}
			if err == nil && seen {
				f.Skipped = (f.Position - start) << m.shift
			}
			return f, err
		default:
			// Nothing yet; or we slept, and F tells.
			if limit := m.ctl.Load64(offFree); int64(limit-o.pos) > 0 {
				skip(limit)
				continue
			}
			if ahead > 0 || state != free && ahead != -int64(m.lap) {
				return Frame{}, m.badWord("observe", w, o.pos, "another lap")
			}
			return Frame{}, ErrEmpty
		}
	}
	return Frame{}, m.restless("the ring", controlSize+8*(o.pos&m.mask))
}

// mpmcFrame reports the message at pos, whose word is w, and goes past it. It
// reports whether the word has stayed long enough for that to be true.
func (o *Observer) mpmcFrame(w word, buf []byte) (f Frame, ok bool, err error) {
	m := o.mpmc
	span := m.span(w)
	at := o.pos & m.mask << m.shift
	f = Frame{Position: o.pos, Offset: at + o.in, Size: span << m.shift, Owner: -1, Times: int(w & timesMask >> timesShift)}
	next, in, head := o.pos+span, uint64(0), uint64(0)
	switch {
	case w.state() == claimed:
		f.State, f.Owner = FrameClaimed, int(w.owner())
		if !o.Claims {
			return Frame{}, m.load(o.pos) == w, ErrEmpty
		}
	case w.state() == committed && w&padBit != 0:
		f.State = FramePadding
	default:
		if w.state() == taken {
			f.State, f.Owner = FrameTaken, int(w.owner())
		}
		left := span<<m.shift - min(o.head, span<<m.shift)
		if left == 0 {
			err = m.badWord("observe", w, o.pos, "shorter than it was")
			break
		}
		h := Header(m.data.Load64(at + o.head))
		n, po := h.Len(), m.payloadOffset()
		f.Size = packed(po, n)
		batch := h.Flags() == FlagBatch && m.flags == 0
		if batch {
			f.Size = packed(batchOffset, n)
		}
		f.Type, f.Flags, f.Len = h.Type(), h.Flags(), n
		if h>>48 != MakeHeader(0, 0, m.flags)>>48 && !(batch && h.Committed()) || n > m.max || f.Size > left {
			err = corrupt("observe", "frame header %#016x at data offset %d, %d bytes before its claim's end", uint64(h), at+o.head, left)
			break
		}
		if size := f.Size; size != left && m.data.Load64(at+o.head+size) != 0 {
			next, in, head = o.pos, o.head+size, o.head+size // the rest of a batch
		}
		if !batch {
			f.Payload = o.copy(buf, f.Offset+po, n)
			break
		}
		from, end := max(o.in, o.head+batchOffset), o.head+batchOffset+n
		if f.Len = m.data.Load64(at + o.head + HeaderSize); from > end || f.Len-1 >= end-from {
			err = corrupt("observe", "batch header %#016x at data offset %d, of messages of %d bytes", uint64(h), at+o.head, f.Len)
			break
		}
		f.Payload = o.copy(buf, at+from, f.Len)
		f.Size -= o.in - o.head
		if from += f.Len; from < end {
			f.Size, next, in, head = from-o.in, o.pos, from, o.head
		}
	}
	// A frame that is committed or taken in the same lap has not been released
	// since; what it holds was handed over before. A claim may have ended.
	mem.OrderLoads()
	again := m.load(o.pos)
	same := m.ahead(again, o.pos) == 0 && (again.state() == w.state() || f.Payload != nil && again.state() >= committed)
	if err != nil || !same {
		return Frame{}, same, err
	}
	o.pos, o.in, o.head = next, in, head
	return f, true, nil
}
