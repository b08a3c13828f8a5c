package fallback

import (
	"encoding/binary"
	"io"

	"github.com/ringway/ringway/ring"
)

// Sizes of what is read and written at once, in bytes.
const (
	firstBuffer = 4 << 10  // of a connection that has received nothing yet
	readBuffer  = 64 << 10 // grown to when messages come faster than they are read
	maxControl  = 1 << 10  // payload of a control frame

	// lead is where in the buffer a read begins that finds it empty: so that the
	// payload begins with a cache line, and so that a frame whose payload is whole
	// pages doesn't end 8 bytes behind a page. That is where the kernel's copy out
	// of a page of its own has the processor (rep movsb, 4 KiB aliasing) take
	// bytes one by one: 64 KiB cost 19 µs there in place of 6.
	lead = 64 - ring.HeaderSize
)

// wire are the rules that frames of a connection keep, agreed in the handshake.
type wire struct {
	max      uint64 // largest payload of a message
	checksum bool   // messages carry one
	sequence bool   // datagrams: messages carry a number
}

// flags returns what every message of the application has.
func (w wire) flags() (f ring.Flags) {
	if w.checksum {
		f |= ring.FlagChecksum
	}
	if w.sequence {
		f |= ring.FlagSequence
	}
	return f
}

// check refuses a header that no frame of the connection can have, before
// anything is allocated for it.
func (w wire) check(h ring.Header) error {
	switch {
	case !h.Valid():
		return failf(ErrCorrupt, "frame header %#016x", uint64(h))
	case h.Flags()&ring.FlagControl != 0:
		if h.Flags()&^ring.FlagSequence != ring.FlagControl || h.Len() > maxControl {
			return failf(ErrCorrupt, "control frame header %#016x", uint64(h))
		}
	case h.Flags()&^ring.FlagCorrelation != w.flags():
		return failf(ErrCorrupt, "frame header %#016x has flags %#x, not %#x", uint64(h), h.Flags(), w.flags())
	case h.Len() > w.max:
		return failf(ErrCorrupt, "frame header %#016x says %d bytes, at most %d were agreed", uint64(h), h.Len(), w.max)
	}
	return nil
}

// frame is one whole frame, as it stands in a buffer.
type frame struct {
	h     ring.Header
	bytes []byte
}

func (f frame) control() bool   { return f.h.Flags()&ring.FlagControl != 0 }
func (f frame) payload() []byte { o := f.h.PayloadOffset(); return f.bytes[o : o+f.h.Len()] }

// ext returns the extension word of one flag, which the frame must have.
func (f frame) ext(flag ring.Flags) uint64 {
	o := ring.MakeHeader(0, 0, f.h.Flags()&(flag-1)).PayloadOffset()
	return binary.LittleEndian.Uint64(f.bytes[o:])
}

// message returns what the application gets of the frame, if its checksum is
// right.
func (f frame) message() (ring.Message, error) {
	p := f.payload()
	if f.h.Flags()&ring.FlagChecksum != 0 {
		if want, have := f.ext(ring.FlagChecksum), ring.Checksum(f.h, p); want != have {
			return ring.Message{}, failf(ErrCorrupt, "message of %d bytes has xxhash64 %016x, its frame says %016x", len(p), have, want)
		}
	}
	m := ring.Message{Payload: p, Type: f.h.Type()}
	if f.h.Flags()&ring.FlagCorrelation != 0 {
		// The number is the last of the extension words.
		o := f.h.PayloadOffset()
		m.Payload, m.Correlated = f.bytes[o-ring.HeaderSize:o+f.h.Len()], true
	}
	return m, nil
}

// appendHeader appends a frame's header and extension words to b.
func appendHeader(b []byte, h ring.Header, payload []byte, sequence, correlation uint64) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(h))
	if h.Flags()&ring.FlagChecksum != 0 {
		b = binary.LittleEndian.AppendUint64(b, ring.Checksum(h, payload))
	}
	if h.Flags()&ring.FlagSequence != 0 {
		b = binary.LittleEndian.AppendUint64(b, sequence)
	}
	if h.Flags()&ring.FlagCorrelation != 0 {
		b = binary.LittleEndian.AppendUint64(b, correlation)
	}
	return b
}

var zeros [64]byte

// padding returns the bytes that follow the payload of a frame.
func padding(h ring.Header) []byte {
	return zeros[:h.FrameSize()-h.PayloadOffset()-h.Len()]
}

// controlFrame returns a whole control frame.
func controlFrame(typ uint16, payload []byte) []byte {
	h := ring.MakeHeader(uint32(len(payload)), typ, ring.FlagControl)
	return append(append(appendHeader(nil, h, nil, 0, 0), payload...), padding(h)...)
}

// frames takes the frames out of a stream of bytes. The zero value is ready.
type frames struct {
	buf  []byte
	r, w int // what has been read and not yet handed out is buf[r:w]
	last int // size of the frame handed out last, which is at r
}

// next returns the next frame; it is valid until the next call. It returns
// io.EOF when the stream ends between two frames, io.ErrUnexpectedEOF within
// one, and what src says, ErrCorrupt for a header that breaks the rules. After
// an error of src it can be called again, and goes on.
func (f *frames) next(src io.Reader, w wire) (frame, error) {
	f.r += f.last
	f.last = 0
	if err := f.need(src, ring.HeaderSize); err != nil {
		return frame{}, err
	}
	h := ring.Header(binary.LittleEndian.Uint64(f.buf[f.r:]))
	if err := w.check(h); err != nil {
		return frame{}, err
	}
	size := int(h.FrameSize())
	if err := f.need(src, size); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return frame{}, err
	}
	f.last = size
	return frame{h, f.buf[f.r : f.r+size : f.r+size]}, nil
}

// need reads until n bytes are there. The buffer grows as they come, not
// because somebody says that they will.
func (f *frames) need(src io.Reader, n int) error {
	for f.w-f.r < n {
		switch {
		case f.r == f.w:
			f.r, f.w = lead, lead
		case len(f.buf)-f.r < n && f.r > lead:
			f.w = lead + copy(f.buf[lead:], f.buf[f.r:f.w])
			f.r = lead
		}
		if f.w >= len(f.buf) {
			f.grow(max(firstBuffer, 2*len(f.buf)))
		}
		m, err := src.Read(f.buf[f.w:])
		f.w += m
		if f.w-f.r >= n {
			break
		}
		if err == io.EOF && f.w > f.r {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	if f.w == len(f.buf) && len(f.buf) < readBuffer {
		f.grow(2 * len(f.buf)) // there was more than fits at once
	}
	return nil
}

func (f *frames) grow(size int) {
	buf := make([]byte, size)
	if f.buf == nil {
		f.buf = buf
		return
	}
	f.w = lead + copy(buf[lead:], f.buf[f.r:f.w])
	f.buf, f.r = buf, lead
}
