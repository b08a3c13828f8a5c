package ring

import (
	"strings"
	"testing"
)

func contains(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }

func TestFreeSpaceIsTheWholeCapacity(t *testing.T) {
	// Frames of one header need no pad, so this is exact wherever it begins.
	r := smallRing(t)
	for off := uint64(0); off < r.g.Capacity; off += 24 {
		r.moveTo(off)
		n := 0
		for r.p.TrySend(msgType(n), nil) == nil {
			n++
		}
		if uint64(n) != r.g.Capacity/8 {
			t.Fatalf("from offset %d a ring of %d bytes takes %d frames of 8, want %d", off, r.g.Capacity, n, r.g.Capacity/8)
		}
		r.check()
		for i := range n {
			r.receive(i, 0)
		}
		r.nothing()
		r.giveBack()
	}
}

func TestEachReleasedByteCanBeSentAgain(t *testing.T) {
	r := smallRing(t)
	for i := range 512 {
		r.send(i, 0)
	}
	for i := range 2000 {
		if err := r.p.TrySend(1, nil); err != ErrFull {
			t.Fatalf("round %d: a full ring says %v", i, err)
		}
		r.receive(i, 0)
		r.giveBack()
		r.send(512+i, 0)
		r.check()
	}
}

func TestRingThatIsFullToTheLastByteEndsThere(t *testing.T) {
	// Behind the last frame stands the first one, not received yet or not
	// given back. It is neither written over nor taken for one that follows.
	r := smallRing(t)
	for off := uint64(0); off < r.g.Capacity; off += 40 {
		r.moveTo(off)
		for i := range 512 {
			r.send(i, 0)
		}
		p, err := NewSPSCProducer(r.g, r.body)
		if err != nil || p.Position() != r.p.Position() {
			t.Fatalf("producer of a full ring attaches with %v", err)
		}
		r.p = p
		for i := range 512 {
			r.receive(i, 0)
		}
		r.nothing()
		r.giveBack()
		r.nothing()
		r.check()
	}
}

func TestMessageThatFitsToTheLastByteIsTakenAndOneByteMoreIsNot(t *testing.T) {
	for first := 64; first <= 1960; first += 8 {
		r := smallRing(t)
		r.send(0, first)
		r.send(1, 2024-first) // together frames of 2040 bytes
		r.send(2, 1000)
		rest := 4096 - 2040 - 1008 - 8
		if err := r.p.TrySend(1, payload(3, rest+1)); err != ErrFull {
			t.Fatalf("message of one byte more than fits: %v, want ErrFull", err)
		}
		r.send(3, rest)
		if err := r.p.TrySend(1, nil); err != ErrFull {
			t.Fatalf("a ring without room: %v, want ErrFull", err)
		}
		r.check()
		for i, n := range []int{first, 2024 - first, 1000, rest} {
			r.receive(i, n)
		}
		r.nothing()
	}
}

func TestFullRingStaysAsItIs(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for i := 0; r.p.TrySend(1, payload(i, 100)) == nil; i++ {
		}
		before, pos := string(r.body), r.p.Position()
		for range 3 {
			if err := r.p.TrySend(1, payload(0, 100)); err != ErrFull {
				t.Fatalf("TrySend: %v", err)
			}
			if _, err := r.p.Claim(100); err != ErrFull {
				t.Fatalf("Claim: %v", err)
			}
			if n, err := r.p.TrySendBatch(1, [][]byte{payload(0, 100)}); n != 0 || err != ErrFull {
				t.Fatalf("TrySendBatch: %d, %v", n, err)
			}
		}
		if string(r.body) != before || r.p.Position() != pos {
			t.Error("a refused message changed the ring")
		}
	})
}

func TestPadFillsTheRingsEndWhateverIsLeftOfIt(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for left := uint64(8); left < r.g.Capacity; left += 8 {
			for _, n := range []int{int(left), int(r.g.MaxMessage())} {
				size := frameBytes(r.g, n)
				if size <= left || uint64(n) > r.g.MaxMessage() {
					continue
				}
				r.moveTo(r.g.Capacity - left)
				start := r.p.Position()
				r.send(1, n)
				if h := r.header(start); h != MakeHeader(uint32(left-8), 0, FlagPad) {
					t.Fatalf("%d bytes are left and the pad's header is %#x", left, uint64(h))
				}
				frames, _, err := r.walk()
				if err != nil || len(frames) != 2 || !frames[0].pad || frames[0].size != left || frames[1].size != size {
					t.Fatalf("%d bytes are left for a frame of %d: %+v, %v", left, size, frames, err)
				}
				r.receive(1, n)
				r.nothing()
				r.giveBack()
				r.check()
			}
		}
	})
}

func TestFrameThatEndsAtTheRingsEndNeedsNoPad(t *testing.T) {
	r := smallRing(t)
	for _, left := range []uint64{8, 16, 32, 64, 72, 80, 120, 128, 136, 1024, 2032, 2040} {
		r.moveTo(r.g.Capacity - left)
		pos := r.p.Position()
		r.send(3, int(left-8))
		if r.p.Position() != pos+left {
			t.Fatalf("a frame of %d bytes took %d", left, r.p.Position()-pos)
		}
		r.receive(3, int(left-8))
		r.giveBack()
	}
}

func TestPadIsNotCommittedUnlessTheMessageFitsToo(t *testing.T) {
	r := smallRing(t)
	r.moveTo(2032)
	r.send(0, 1008) // up to 3048: 1048 bytes are left before the end, 2032 behind it
	pos := r.p.Position()
	if err := r.p.TrySend(1, payload(1, 2032)); err != ErrFull { // 2040 bytes
		t.Fatalf("pad and message don't fit: %v, want ErrFull", err)
	}
	if r.p.Position() != pos {
		t.Error("the pad was committed without its message")
	}
	// A smaller one still fits before the end.
	r.send(1, 1040)
	r.receive(0, 1008)
	r.receive(1, 1040)
}

func TestConsumerIsPastThePadWhenItFindsNothingBehindIt(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.moveTo(4000)
		if _, err := r.p.Claim(200); err != nil {
			t.Fatal(err)
		}
		r.p.Abort() // the pad stays
		r.nothing()
		r.giveBack()
		if got := r.word(offConsumer); got%4096 != 0 || got != r.p.Position() {
			t.Errorf("consumer published %#x, the producer stands at %#x behind a pad", got, r.p.Position())
		}
		r.send(5, 300)
		r.receive(5, 300)
	})
}
