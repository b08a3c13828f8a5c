package ring

import (
	"strings"
	"testing"
)

func contains(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }

func TestFreeSpaceIsTheCapacityMinusOneHeader(t *testing.T) {
	// Frames of one header need no pad, so this is exact wherever it begins.
	r := smallRing(t)
	for off := uint64(0); off < r.g.Capacity; off += 8 {
		r.moveTo(off)
		n := 0
		for r.p.TrySend(msgType(n), nil) == nil {
			n++
		}
		if uint64(n) != r.g.Capacity/8-1 {
			t.Fatalf("from offset %d a ring of %d bytes takes %d frames of 8, want %d", off, r.g.Capacity, n, r.g.Capacity/8-1)
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
	for i := range 511 {
		r.send(i, 0)
	}
	for i := range 2000 {
		if err := r.p.TrySend(1, nil); err != ErrFull {
			t.Fatalf("round %d: a full ring says %v", i, err)
		}
		r.receive(i, 0)
		r.giveBack()
		r.send(511+i, 0)
	}
}

func TestMessageThatFitsToTheLastByteIsTakenAndOneByteMoreIsNot(t *testing.T) {
	// The frame and the zero header behind it take what a first one leaves.
	for first := 0; first <= 2024; first += 8 {
		r := smallRing(t)
		r.send(0, first)
		r.receive(0, first)
		r.giveBack()
		r.moveTo(0)
		r.send(0, first)
		r.send(1, 2024-first) // together 2040 bytes
		rest := 4096 - 2040 - 8 - 8
		if err := r.p.TrySend(1, payload(2, rest+1)); kindOf(err) != ErrTooLarge && err != ErrFull {
			t.Fatalf("%d bytes more than fit: %v", 1, err)
		}
		// In two, since the largest is smaller.
		r.send(2, 1000)
		rest = 4096 - 2040 - 1008 - 8 - 8
		if err := r.p.TrySend(1, payload(3, rest+1)); err != ErrFull {
			t.Fatalf("message of one byte more than fits: %v, want ErrFull", err)
		}
		r.send(3, rest)
		if err := r.p.TrySend(1, nil); err != ErrFull {
			t.Fatalf("a ring with room for the zero header only: %v, want ErrFull", err)
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
		header := uint64(8)
		if r.g.Checksum {
			header = 16
		}
		for left := uint64(8); left < r.g.Capacity; left += 8 {
			for _, size := range []uint64{left + 8, header + r.g.MaxMessage()} {
				if size <= left || size < header || size-header > r.g.MaxMessage() {
					continue
				}
				start := StartPosition + r.g.Capacity - left
				r.setWord(offProducer, start)
				r.setWord(offConsumer, start)
				clear(r.body[controlSize:])
				r.attach()
				n := int(size - header)
				r.send(1, n)
				if h := Header(r.word(r.dataOff(start))); h != MakeHeader(uint32(left-8), 0, FlagPad) {
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
	for left := uint64(8); left <= 2040; left += 8 {
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
	r.moveTo(2040)
	r.send(0, 1008) // up to 3056: 1040 bytes are left before the end, 2040 behind it
	pos := r.p.Position()
	// The pad and a frame of 2040 bytes leave no room for the zero header.
	if err := r.p.TrySend(1, payload(1, 2032)); err != ErrFull {
		t.Fatalf("pad and message don't fit: %v, want ErrFull", err)
	}
	if r.p.Position() != pos || r.word(r.dataOff(pos)) != 0 {
		t.Error("the pad was committed without its message")
	}
	// A smaller one still fits before the end.
	r.send(1, 1032)
	r.receive(0, 1008)
	r.receive(1, 1032)
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
