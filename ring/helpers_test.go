package ring

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

const (
	guardSize = 4096
	guardByte = 0x5A
)

// testRing is a ring over heap memory between two guards. When its test ends
// the whole of it is checked.
type testRing struct {
	testing.TB
	g    Geometry
	room []byte // guard, body, guard
	body []byte
	p    *SPSCProducer
	c    *SPSCConsumer

	hostile bool // the test wrote nonsense: only the guards have to be whole
}

// newRing formats a ring whose positions begin at start, with both sides
// attached.
func newRing(t testing.TB, g Geometry, start uint64) *testRing {
	t.Helper()
	r := &testRing{TB: t, g: g}
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	n := int(g.BodySize())
	r.room = make([]byte, 2*guardSize+n)
	for i := range guardSize {
		r.room[i], r.room[guardSize+n+i] = guardByte, guardByte
	}
	r.body = r.room[guardSize : guardSize+n : guardSize+n]
	Format(g, r.body)
	r.setWord(offProducer, start)
	r.setWord(offConsumer, start)
	r.setWord(offTaken, start)
	r.attach()
	t.Cleanup(r.check)
	return r
}

func smallRing(t testing.TB) *testRing {
	t.Helper()
	return newRing(t, Geometry{Kind: SPSC, Capacity: MinCapacity}, StartPosition)
}

func checkedRing(t testing.TB) *testRing {
	t.Helper()
	return newRing(t, Geometry{Kind: SPSC, Capacity: MinCapacity, Checksum: true}, StartPosition)
}

// eachKind runs test for a plain ring and one with checksums.
func eachKind(t *testing.T, test func(t *testing.T, r *testRing)) {
	t.Run("plain", func(t *testing.T) { test(t, smallRing(t)) })
	t.Run("checksum", func(t *testing.T) { test(t, checkedRing(t)) })
}

func (r *testRing) attach() {
	r.Helper()
	var err error
	if r.p, err = NewSPSCProducer(r.g, r.body); err != nil {
		r.Fatal(err)
	}
	if r.c, err = NewSPSCConsumer(r.g, r.body); err != nil {
		r.Fatal(err)
	}
}

// word and setWord bypass the seam: what another process would see and write.
func (r *testRing) word(off uint64) uint64       { return binary.LittleEndian.Uint64(r.body[off:]) }
func (r *testRing) setWord(off uint64, v uint64) { binary.LittleEndian.PutUint64(r.body[off:], v) }

// header and setHeader are word and setWord for the header at a position, whose
// mark tells the lap.
func (r *testRing) header(pos uint64) Header       { return Header(r.word(r.dataOff(pos)) ^ r.lap(pos)) }
func (r *testRing) setHeader(pos uint64, v uint64) { r.setWord(r.dataOff(pos), v^r.lap(pos)) }

func (r *testRing) lap(pos uint64) uint64 { return pos / r.g.Capacity % 128 << 56 }

// dataOff returns where in the body the byte of a position stands.
func (r *testRing) dataOff(pos uint64) uint64 { return controlSize + pos%r.g.Capacity }

// frame is one committed frame, found by walking, or one message of a batch: the
// first of them has the frame's header, the last what is behind it.
type frame struct {
	pos, size uint64
	start     uint64 // of the frame
	pad       bool
	typ       uint16
	payload   string
}

func (f frame) String() string {
	if f.pad {
		return fmt.Sprintf("%#x+%d pad", f.pos, f.size)
	}
	return fmt.Sprintf("%#x+%d type %d %.12x", f.pos, f.size, f.typ, f.payload)
}

// frameBytes is what a message of n bytes takes: up to 64 a power of two.
func frameBytes(g Geometry, n int) uint64 {
	size := uint64(8 + n)
	if g.Checksum {
		size += 8
	}
	for _, small := range []uint64{8, 16, 32, 64} {
		if size <= small {
			return small
		}
	}
	return (size + 7) / 8 * 8
}

// walk goes from the published position over the committed frames to where
// there is none. It reads them by the picture in frame.go, not by its methods.
func (r *testRing) walk() (frames []frame, end uint64, err error) {
	start := r.word(offConsumer)
	if start%8 != 0 {
		return nil, 0, fmt.Errorf("consumer position %#x", start)
	}
	pos := start
	for {
		off := r.dataOff(pos)
		h := r.word(off) ^ r.lap(pos)
		if h>>56 != 0xA7 || pos == start+r.g.Capacity {
			return frames, pos, nil
		}
		n, flags := h&0xffff_ffff, Flags(h>>48)
		f := frame{pos: pos, start: pos, size: frameBytes(r.g, int(n)), pad: flags&FlagPad != 0, typ: uint16(h >> 32)}
		at := off + 8
		want := Flags(0)
		if f.pad {
			want, f.size = FlagPad, 8+(n+7)/8*8
		} else if r.g.Checksum {
			want, at = FlagChecksum, at+8
		}
		if flags&FlagCorrelation != 0 {
			want, at, f.size = want|FlagCorrelation, at+8, frameBytes(r.g, int(n)+8)
		}
		left := r.g.Capacity - pos%r.g.Capacity
		unit := n
		if flags == FlagBatch && !r.g.Checksum {
			unit, want, at, f.size = r.word(at), FlagBatch, at+8, frameBytes(r.g, int(n)+8)
		}
		switch {
		case unit > n || n > 0 && n%max(unit, 1) != 0:
			return frames, pos, fmt.Errorf("batch %#016x at position %#x of messages of %d bytes", h, pos, unit)
		case flags != want:
			return frames, pos, fmt.Errorf("header %#016x at position %#x", h, pos)
		case f.size > left || f.pad && f.size != left:
			return frames, pos, fmt.Errorf("frame of %d bytes at position %#x, %d before the end", f.size, pos, left)
		case pos+f.size-start > r.g.Capacity:
			return frames, pos, fmt.Errorf("frame at position %#x runs into unread data", pos)
		}
		if !f.pad {
			f.payload = string(r.body[at : at+n])
		}
		if r.g.Checksum && !f.pad && r.word(off+8) != checksum(Header(h), []byte(f.payload)) {
			return frames, pos, fmt.Errorf("checksum of the frame at position %#x", pos)
		}
		pos += f.size
		for i := unit; i < n; i += unit {
			first := f
			first.payload = f.payload[:unit]
			first.size = r.batchStep(f, at, i)
			frames = append(frames, first)
			f.pos, f.size, f.payload = f.pos+first.size, f.size-first.size, f.payload[unit:]
		}
		frames = append(frames, f)
	}
}

// batchStep returns how far it is from a message of a batch, whose payloads begin
// at at in the body, to the one whose payload begins i bytes later.
func (r *testRing) batchStep(f frame, at, i uint64) uint64 {
	return f.start + at - r.dataOff(f.start) + i - f.pos
}

// check fails the test unless the whole ring is as it must be between two
// operations.
func (r *testRing) check() {
	r.Helper()
	for i := range guardSize {
		if r.room[i] != guardByte || r.room[len(r.room)-1-i] != guardByte {
			r.Fatalf("memory outside the ring was written, byte %d before or behind it", i)
		}
	}
	if r.hostile {
		return
	}
	_, end, err := r.walk()
	if err != nil {
		r.Fatalf("ring is broken: %v", err)
	}
	if r.p != nil && (r.p.Position() != end || r.word(offProducer) != end) {
		r.Fatalf("producer stands at %#x and says %#x, its frames end at %#x", r.p.Position(), r.word(offProducer), end)
	}
	if err := r.checkLines(); err != nil {
		r.Fatal(err)
	}
	for off := uint64(0); off < controlSize; off += 8 {
		if off != offProducer && off != offConsumer && off != offTaken && off != offEnd && r.word(off) != 0 {
			r.Fatalf("control word at %#x is %#x, want 0", off, r.word(off))
		}
	}
}

// checkLines checks what the producer believes of the lines that it is not
// going to look at before it publishes in front of them: that their first word
// never looks like a frame when the ring's end comes to stand there. It is
// either no header of any lap or that of the last frame that began there, less
// than a lap ago.
func (r *testRing) checkLines() error {
	if r.p == nil || r.p.lines == nil {
		return nil
	}
	for off := uint64(0); off < r.g.Capacity; off += 64 {
		pos := r.p.pos + (off-r.p.pos)%r.g.Capacity // where it comes next
		if pos == r.p.pos || r.p.lines[off/64/64]>>(off/64%64)&1 != 0 {
			continue
		}
		// Marks have the uppermost bit; laps don't touch it.
		if w := r.word(controlSize + off); w>>63 != 0 && w>>56 != 0xA7^r.lap(pos-r.g.Capacity)>>56 {
			return fmt.Errorf("word at data offset %d is %#016x, and the producer takes it for harmless", off, w)
		}
	}
	return nil
}

// payload returns n bytes that only message number seq has.
func payload(seq, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(seq*31 + i*7 + i>>8 + 1)
	}
	return b
}

func msgType(seq int) uint16 { return uint16(seq*257 + 1) }

func (r *testRing) send(seq, n int) {
	r.Helper()
	if err := r.p.TrySend(msgType(seq), payload(seq, n)); err != nil {
		r.Fatalf("sending message %d of %d bytes: %v", seq, n, err)
	}
}

// receive takes the next message, which must be number seq of n bytes, and
// does not release it.
func (r *testRing) receive(seq, n int) Message {
	r.Helper()
	m, err := r.c.Next()
	if err != nil {
		r.Fatalf("receiving message %d: %v", seq, err)
	}
	if !bytes.Equal(m.Payload, payload(seq, n)) || m.Type != msgType(seq) {
		r.Fatalf("received %d bytes of type %#x, want message %d: %d bytes of type %#x", len(m.Payload), m.Type, seq, n, msgType(seq))
	}
	r.inside(m.Payload)
	return m
}

func (r *testRing) giveBack() {
	r.c.Release()
	r.c.Publish()
}

// inside fails the test when b isn't a part of the ring's data.
func (r *testRing) inside(b []byte) {
	r.Helper()
	first := reflect.ValueOf(r.body).Pointer() + controlSize
	at := reflect.ValueOf(b).Pointer()
	if at < first || at-first+uintptr(cap(b)) > uintptr(r.g.Capacity) || len(b) != cap(b) {
		r.Fatalf("%d bytes with room for %d, %d bytes behind the start of %d bytes of data",
			len(b), cap(b), int64(at)-int64(first), r.g.Capacity)
	}
}

// nothing fails the test unless the ring is empty.
func (r *testRing) nothing() {
	r.Helper()
	if m, err := r.c.Next(); err != ErrEmpty {
		r.Fatalf("Next gives a message of %d bytes and %v, want ErrEmpty", len(m.Payload), err)
	}
}

// moveTo has both sides, with nothing between them, stand at offset off of the
// data and attach anew. What earlier laps left there stays.
func (r *testRing) moveTo(off uint64) {
	r.Helper()
	if off%8 != 0 || off >= r.g.Capacity {
		r.Fatalf("bad offset %d", off)
	}
	pos := r.p.Position()
	pos += (off - pos) % r.g.Capacity
	r.setWord(offProducer, pos)
	r.setWord(offConsumer, pos)
	r.setWord(r.dataOff(pos), 0)
	r.attach()
}

// kindOf returns the sentinel that err matches.
func kindOf(err error) error {
	for _, s := range []error{ErrFull, ErrEmpty, ErrClosed, ErrTooLarge, ErrCorrupt, io.EOF} {
		if errors.Is(err, s) {
			return s
		}
	}
	return err
}

// some is how many of n rounds to play: fewer where others play them all, and
// each takes long, since every access calls a hook or the race detector.
func some(n int) int {
	if mem.Hooked || testing.Short() {
		return n / 10
	}
	return n
}
