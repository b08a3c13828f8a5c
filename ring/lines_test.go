package ring

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// pass sends a message of n bytes and takes it out again, after which the ring
// must be empty: whatever stood there before is not a message.
func (r *testRing) pass(seq, n int) {
	r.Helper()
	r.send(seq, n)
	r.receive(seq, n)
	if m, err := r.c.Next(); err != ErrEmpty {
		r.Fatalf("at %#x, behind the last message: %d bytes of type %#x, %v; want ErrEmpty", r.p.Position(), len(m.Payload), m.Type, err)
	}
	r.giveBack()
}

func TestHeaderThatAPadSparedIsNoMessage128LapsLater(t *testing.T) {
	r := smallRing(t)
	for i := range 64 {
		r.pass(i, 56) // the last header is at 4032
	}
	r.pass(0, 248)
	for range 127 {
		for i := range 58 {
			r.pass(i, 56)
		}
		// It is 128 bytes before the end and doesn't fit.
		r.pass(1, 248)
	}
	for i := range 60 {
		r.pass(i, 56)
	}
}

func TestHeaderThatAShortFrameSparedIsNoMessage128LapsLater(t *testing.T) {
	r := smallRing(t)
	for i := range 64 {
		r.pass(i, 56) // a header in each line
	}
	for range 127 {
		for i := range 5 {
			r.pass(i, 0)
		}
		// Frames of 32 bytes, of which 17 are written, across every line's
		// start.
		for i := range 126 {
			r.pass(i, 9)
		}
		r.pass(1, 0) // 24 bytes before the end
		r.pass(1, 0)
		r.pass(1, 0)
	}
	for i := range 64 {
		r.pass(i, 56)
	}
}

func TestPayloadOfAFrameThatFilledTheRingIsNoMessageInTheNextLap(t *testing.T) {
	r := smallRing(t)
	lap := func() {
		// From 104 to the ring's end.
		r.send(1, 984)
		r.send(2, 992)
		r.send(3, 1992)
	}
	drain := func(n int) {
		for range n {
			if _, err := r.c.Next(); err != nil {
				t.Fatal(err)
			}
		}
		r.nothing()
		r.giveBack()
	}
	r.send(0, 96)
	drain(1)
	lap()
	r.send(0, 0)
	// A frame from 8 to 104, where the ring is full. At 64, the start of a
	// line, it has what will look like a header a lap later.
	b := make([]byte, 88)
	forged := MakeHeader(8, 0xBAD, 0) ^ Header(r.lap(r.p.Position()+r.g.Capacity))
	binary.LittleEndian.PutUint64(b[48:], uint64(forged))
	if err := r.p.TrySend(1, b); err != nil {
		t.Fatal(err)
	}
	if r.p.Position()-r.word(offConsumer) != r.g.Capacity {
		t.Fatal("the ring isn't full")
	}
	drain(5)
	lap()
	drain(3)
	r.pass(0, 56) // up to 64
}

func TestPayloadThatLooksLikeFramesIsNoMessage(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		rnd := rand.New(rand.NewPCG(5, 5))
		// Every word is a header, for this lap or one of the next two. Sizes
		// are of a few kinds, so that frames begin where payloads were.
		fake := func(n int) []byte {
			b := make([]byte, n+7)
			for i := 0; i+8 <= len(b); i += 8 {
				pos := r.p.Position() + uint64(i) + r.g.Capacity*rnd.Uint64N(3)
				binary.LittleEndian.PutUint64(b[i:], uint64(MakeHeader(8, 0xBAD, r.p.flags))^r.lap(pos))
			}
			return b[:n]
		}
		var sent []string
		for i := range some(60_000) {
			n := []int{0, 8, 17, 24, 40, 56, 64, 120, 200, 248, 500}[rnd.IntN(11)]
			var err error
			b := fake(n)
			switch rnd.IntN(4) {
			case 0, 1:
				err = r.p.TrySend(1, b)
			case 2:
				var buf []byte
				if buf, err = r.p.Claim(n + 40); err == nil {
					copy(buf, fake(n+40))
					copy(buf, b)
					r.p.Commit(1, n)
				}
			case 3:
				_, err = r.p.TrySendBatch(1, [][]byte{b})
			}
			if err == nil {
				sent = append(sent, string(b))
			}
			for err == ErrFull || rnd.IntN(3) == 0 {
				m, e := r.c.Next()
				if len(sent) == 0 && e == ErrEmpty {
					break
				}
				if e != nil || len(sent) == 0 || string(m.Payload) != sent[0] || m.Type != 1 {
					t.Fatalf("message %d: %d bytes of type %#x, %v, with %d sent", i, len(m.Payload), m.Type, e, len(sent))
				}
				sent = sent[1:]
				if r.giveBack(); len(sent) == 0 {
					break
				}
				err = nil
			}
			if i%97 == 0 {
				r.check()
			}
			if i%5000 == 0 {
				// A successor knows nothing of the lines.
				if r.p, err = NewSPSCProducer(r.g, r.body); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestLineMapKnowsWhichLinesBeginInAPayload(t *testing.T) {
	const capacity = 1 << 16
	m := newLineMap(capacity)
	naive := make(map[uint64]bool)
	for off := uint64(0); off < capacity; off += cacheLine {
		naive[off] = true // nothing is known at first
	}
	rnd := rand.New(rand.NewPCG(3, 3))
	for range 20_000 {
		off := 8 * rnd.Uint64N(capacity/8)
		if rnd.IntN(3) > 0 {
			if got := m.suspect(off / 64 * 64); got != naive[off/64*64] {
				t.Fatalf("suspect(%d) is %t", off/64*64, got)
			}
			naive[off/64*64] = false
			continue
		}
		end := min(capacity, off+8+8*rnd.Uint64N([]uint64{2, 9, 100, 2000}[rnd.IntN(4)]))
		m.written(off, end)
		for o := off/64*64 + 64; o < end; o += 64 {
			naive[o] = true
		}
	}
}

func TestLineMapOfAVeryLargeRingIsNoneAndSuspectsAll(t *testing.T) {
	if m := newLineMap(1 << 30); len(m) != 1<<18 {
		t.Errorf("the map of 1 GiB has %d words", len(m))
	}
	m := newLineMap(1 << 31)
	if m != nil {
		t.Errorf("the map of 2 GiB has %d words", len(m))
	}
	m.written(0, 1<<31)
	for range 2 {
		if !m.suspect(0) {
			t.Error("without a map a line is not suspect")
		}
	}
}
