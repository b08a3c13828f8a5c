package ring

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

// hostileWords are values for any word that a peer writes, given one that it
// might rightly hold.
func hostileWords(right, capacity uint64) (list []uint64) {
	for bit := range 64 {
		list = append(list, right^1<<bit)
	}
	for _, d := range []uint64{1, 4, 7, 8, 16, capacity - 8, capacity, capacity + 8, 1 << 32} {
		list = append(list, right+d, right-d)
	}
	list = append(list, 0, 1, 7, 8, 1<<31, 1<<32, 1<<63, 1<<63-8, 1<<64-1, 1<<64-8, 1<<64-16, 1<<64-4096)
	for flags := range 256 {
		list = append(list, uint64(MakeHeader(8, 1, Flags(flags))))
	}
	for _, n := range []uint32{0, 1, 8, uint32(capacity/2 - 16), uint32(capacity/2 - 15), uint32(capacity/2 - 8), uint32(capacity - 16),
		uint32(capacity - 8), uint32(capacity - 7), uint32(capacity), 1<<31 - 1, 1 << 31, 1<<32 - 8, 1<<32 - 1} {
		list = append(list, uint64(MakeHeader(n, 0xffff, 0)), uint64(MakeHeader(n, 0, FlagPad)), uint64(MakeHeader(n, 1, FlagChecksum)),
			uint64(MakeHeader(n, 1, extensions)))
	}
	return list
}

func TestConsumerPositionThatCannotBeTrueIsCorrupt(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.hostile = true
		for k := range 3 { // what stands between: nothing given back, some, a lap
			for i := 0; r.p.TrySend(1, payload(i, 200)) == nil; i++ {
			}
			for range k * 3 {
				if _, err := r.c.Next(); err != nil {
					t.Fatal(err)
				}
			}
			r.giveBack()
			for i := 0; r.p.TrySend(1, payload(i, 200)) == nil; i++ {
			}
			last, pos := r.word(offConsumer), r.p.Position()
			for _, v := range hostileWords(last, r.g.Capacity) {
				p := *r.p // each from the same state
				before := string(r.body[controlSize:])
				r.setWord(offConsumer, v)
				err := p.TrySend(1, payload(1, 200))
				if v%8 == 0 && v-last <= pos-last {
					if err != nil && err != ErrFull {
						t.Errorf("position %#x of %#x to %#x: %v", v, last, pos, err)
					}
					copy(r.body[controlSize:], before)
					continue
				}
				if !errors.Is(err, ErrCorrupt) || !contains(err, fmt.Sprintf("position %#x,", v)) {
					t.Errorf("position %#x, not in %#x to %#x: %v, want ErrCorrupt that names it", v, last, pos, err)
				}
				if _, err := p.Claim(200); !errors.Is(err, ErrCorrupt) {
					t.Errorf("position %#x: Claim: %v", v, err)
				}
				if n, err := p.TrySendBatch(1, [][]byte{payload(1, 200)}); n != 0 || !errors.Is(err, ErrCorrupt) {
					t.Errorf("position %#x: TrySendBatch: %d, %v", v, n, err)
				}
				if string(r.body[controlSize:]) != before || p.Position() != pos {
					t.Errorf("position %#x: the refused message changed the ring", v)
				}
			}
			r.setWord(offConsumer, last)
			for _, err := r.c.Next(); err == nil; _, err = r.c.Next() {
			}
			r.giveBack()
		}
	})
}

func TestHeaderThatCannotBeTrueIsCorrupt(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.hostile = true
		taken := 0
		for _, off := range []uint64{0, 8, 2048, 4096 - 2040, 4096 - 64, 4096 - 16, 4096 - 8} {
			for _, v := range hostileWords(uint64(MakeHeader(24, 1, r.p.flags)), r.g.Capacity) {
				r.moveTo(off)
				pos := r.c.Position()
				r.setHeader(pos, v)
				m, err := r.c.Next()
				// What can be a frame: the right flags, a length that fits.
				h := Header(v)
				fits := off+h.FrameSize() <= r.g.Capacity && h.Valid()
				switch {
				case v>>56 != 0xA7: // nothing here
					if err != ErrEmpty {
						t.Errorf("word %#016x: %v, want ErrEmpty", v, err)
					}
				case err == nil && fits && h.Flags() == r.p.flags|FlagCorrelation && h.Len() <= r.g.MaxMessage():
					r.inside(m.Payload)
					if uint64(len(m.Payload)) != h.Len()+8 || !m.Correlated {
						t.Errorf("header %#016x gives %d bytes, correlated: %v", v, len(m.Payload), m.Correlated)
					}
				case err == nil && fits && h.Flags() == r.p.flags && h.Len() <= r.g.MaxMessage():
					r.inside(m.Payload)
					if uint64(len(m.Payload)) != h.Len() || m.Type != h.Type() {
						t.Errorf("header %#016x gives %d bytes of type %d", v, len(m.Payload), m.Type)
					}
					taken++
				case fits && h.Flags() == FlagPad && off+h.FrameSize() == r.g.Capacity:
					// A pad; behind it stands anything.
					if err == nil {
						r.inside(m.Payload)
					}
				case errors.Is(err, ErrCorrupt):
					if h.Flags()&^FlagCorrelation != FlagChecksum && !contains(err, fmt.Sprintf("%#016x at data offset %d", v, off)) {
						t.Errorf("%v does not name the header %#016x and its offset %d", err, v, off)
					}
					if r.c.Position() != pos || m.Payload != nil {
						t.Errorf("header %#016x: ErrCorrupt, and the consumer moved", v)
					}
				default:
					t.Errorf("header %#016x at offset %d: %v, want ErrCorrupt", v, off, err)
				}
			}
		}
		if taken == 0 && !r.g.Checksum {
			t.Error("no header was taken")
		}
	})
}

func TestPadsAllAroundTheRingAreCorrupt(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.hostile = true
		for _, off := range []uint64{0, 8, 2048, 4088} {
			r.moveTo(off)
			pos := r.c.Position()
			if off > 0 {
				r.setHeader(pos, uint64(MakeHeader(uint32(r.g.Capacity-off-8), 0, FlagPad)))
				pos += r.g.Capacity - off
			}
			r.setHeader(pos, uint64(MakeHeader(uint32(r.g.Capacity-8), 0, FlagPad)))
			for range 3 {
				if _, err := r.c.Next(); !errors.Is(err, ErrCorrupt) || !contains(err, "data offset 0") {
					t.Errorf("pads from offset %d: %v, want ErrCorrupt", off, err)
				}
			}
			// One pad of a lap would leave no room, and harm nobody.
			if _, err := NewSPSCProducer(r.g, r.body); off > 0 && !errors.Is(err, ErrCorrupt) {
				t.Errorf("pads from offset %d: a producer attaches with %v", off, err)
			}
			clear(r.body[controlSize:])
		}
	})
}

func TestPadThatDoesNotEndAtTheRingsEndIsCorrupt(t *testing.T) {
	r := smallRing(t)
	r.hostile = true
	for size := uint64(8); size <= r.g.Capacity+8; size += 8 {
		r.moveTo(1024)
		r.setHeader(r.c.Position(), uint64(MakeHeader(uint32(size-8), 0, FlagPad)))
		_, err := r.c.Next()
		if size == r.g.Capacity-1024 {
			if err != ErrEmpty {
				t.Errorf("a pad up to the end: %v, want ErrEmpty", err)
			}
		} else if !errors.Is(err, ErrCorrupt) {
			t.Errorf("a pad of %d bytes at 1024: %v, want ErrCorrupt", size, err)
		}
	}
}

func TestProducerAttachesToARingFullOfFrames(t *testing.T) {
	// Frames of n bytes everywhere: the walk ends after a lap, at the latest.
	eachKind(t, func(t *testing.T, r *testRing) {
		r.hostile = true
		for _, start := range []uint64{StartPosition, 0, 8, 1<<64 - 8, 1<<64 - 4096, 1 << 63} {
			for n := uint64(0); n < 600; n++ {
				h := MakeHeader(uint32(n), 1, r.p.flags)
				for pos := start; pos != start+r.g.Capacity; pos += 8 {
					r.setHeader(pos, uint64(h))
				}
				r.setWord(offConsumer, start)
				p, err := NewSPSCProducer(r.g, r.body)
				// Frames that don't meet the ring's end can't be.
				left := -start % r.g.Capacity
				fits := left%h.FrameSize() == 0 && (r.g.Capacity-left)%h.FrameSize() == 0
				if fits && (err != nil || p.Position() != start+r.g.Capacity) {
					t.Fatalf("start %#x, frames of %d bytes: %v", start, n, err)
				}
				if !fits && (!errors.Is(err, ErrCorrupt) || !contains(err, fmt.Sprintf("%#016x at data offset ", uint64(h)))) {
					t.Fatalf("start %#x, frames of %d bytes: %v, want ErrCorrupt", start, n, err)
				}
			}
		}
	})
}

func TestProducerAttachesBehindNoHeaderThatCannotBeTrue(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.hostile = true
		for _, v := range hostileWords(uint64(MakeHeader(24, 1, r.p.flags)), r.g.Capacity) {
			clear(r.body[controlSize:])
			r.moveTo(512)
			r.setHeader(r.c.Position(), v)
			p, err := NewSPSCProducer(r.g, r.body)
			if err != nil {
				if !errors.Is(err, ErrCorrupt) {
					t.Errorf("header %#016x: %v", v, err)
				}
				continue
			}
			if h := Header(v); h.Committed() && (!h.Valid() || 512+h.FrameSize() > r.g.Capacity) {
				t.Errorf("header %#016x: attached at %#x", v, p.Position())
			}
			// Wherever it stands, what it writes stays inside.
			for range 20 {
				if b, err := p.Claim(300); err == nil {
					r.inside(b)
					p.Commit(1, 300)
				}
				r.check()
			}
		}
	})
}

func TestConsumerOfARingFullOfFramesTakesOneAtATime(t *testing.T) {
	r := smallRing(t)
	r.hostile = true
	for range 2000 {
		r.setHeader(r.c.Position()+8, uint64(MakeHeader(0, 1, 0)))
		r.setHeader(r.c.Position(), uint64(MakeHeader(0, 1, 0)))
		if m, err := r.c.Next(); err != nil || len(m.Payload) != 0 {
			t.Fatal(err)
		}
		r.giveBack()
	}
	r.setWord(offEnd, r.c.Position()|1)
	r.setHeader(r.c.Position(), 0)
	if _, err := r.c.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}
