package ring

import (
	"errors"
	"fmt"
	"testing"
)

func TestMessagesArriveOnceInOrder(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		const n = 2000
		sent, received := 0, 0
		for received < n {
			for ; sent < n; sent++ {
				err := r.p.TrySend(msgType(sent), payload(sent, sent%300))
				if err == ErrFull {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			for ; received < sent; received++ {
				r.receive(received, received%300)
				if received%3 == 0 && r.c.Release() {
					r.c.Publish()
				}
			}
			r.nothing()
			r.giveBack()
		}
	})
}

func TestMessagesOfEachSizeAroundAWordArriveWhole(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		seq := 0
		most := int(r.g.MaxMessage())
		for _, span := range [][2]int{{0, 41}, {1000, 1017}, {most - 17, most}} {
			for n := span[0]; n <= span[1]; n++ {
				r.send(seq, n)
				r.receive(seq, n)
				r.nothing()
				r.giveBack()
				seq++
			}
		}
	})
}

func TestMessageOfTypeAndLengthZeroIsAMessage(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		if err := r.p.TrySend(0, nil); err != nil {
			t.Fatal(err)
		}
		m, err := r.c.Next()
		if err != nil || len(m.Payload) != 0 || m.Type != 0 {
			t.Errorf("received %d bytes of type %d, %v; want nothing of type 0", len(m.Payload), m.Type, err)
		}
		r.inside(m.Payload)
		r.nothing()
	})
}

func TestEmptyRingTakesTheLargestMessageWhereverItStands(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		most := int(r.g.MaxMessage())
		for off := uint64(0); off < r.g.Capacity; off += 8 {
			r.moveTo(off)
			r.send(int(off), most)
			r.receive(int(off), most)
			r.giveBack()
			r.check()
		}
	})
}

func TestMessageLargerThanTheLargestIsTooLarge(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		most := int(r.g.MaxMessage())
		for _, n := range []int{most + 1, most + 8, int(r.g.Capacity), 10 * int(r.g.Capacity)} {
			big := make([]byte, n)
			err := r.p.TrySend(1, big)
			if want := fmt.Sprintf("message of %d bytes, the ring takes at most %d", n, most); !errors.Is(err, ErrTooLarge) || !contains(err, want) {
				t.Errorf("TrySend of %d bytes: %v, want ErrTooLarge and %q", n, err, want)
			}
			if _, err := r.p.Claim(n); !errors.Is(err, ErrTooLarge) {
				t.Errorf("Claim of %d bytes: %v, want ErrTooLarge", n, err)
			}
			if sent, err := r.p.TrySendBatch(1, [][]byte{big}); sent != 0 || !errors.Is(err, ErrTooLarge) {
				t.Errorf("batch of %d bytes: %d, %v; want ErrTooLarge", n, sent, err)
			}
			if r.p.Position() != StartPosition {
				t.Fatal("a message that is too large moved the producer")
			}
		}
		r.nothing()
	})
}

func TestHandedOutMessagesStayUntilReleaseAndPublish(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		// Any number of messages is out; the producer fills the rest.
		for i := range 4 {
			r.send(i, 500)
		}
		var out []Message
		for i := range 4 {
			out = append(out, r.receive(i, 500))
		}
		sent := 4
		for ; r.p.TrySend(9, payload(9, 100)) == nil; sent++ {
		}
		for i, m := range out {
			if string(m.Payload) != string(payload(i, 500)) {
				t.Errorf("message %d changed while it was out", i)
			}
		}
		// Released is not published yet: the producer must not know.
		r.c.Release()
		if err := r.p.TrySend(9, payload(9, 100)); err != ErrFull {
			t.Errorf("before Publish: %v, want ErrFull", err)
		}
		if !r.c.Publish() {
			t.Error("Publish of released messages says that nothing is new")
		}
		if err := r.p.TrySend(9, payload(9, 100)); err != nil {
			t.Errorf("after Publish: %v", err)
		}
	})
}

func TestReleaseIsDueAfterAnEighthOfTheRing(t *testing.T) {
	r := smallRing(t)
	for i := range 100 {
		r.send(i, 8) // frames of 16 bytes
		r.receive(i, 8)
		if due, want := r.c.Release(), (i+1)*16%512 == 0; due != want {
			t.Fatalf("after %d bytes Release says %t", (i+1)*16, due)
		} else if due {
			if !r.c.Publish() {
				t.Fatal("Publish says that nothing is new")
			}
			if got := r.word(offConsumer); got != r.c.Position() {
				t.Fatalf("published position is %#x, want %#x", got, r.c.Position())
			}
		}
	}
	if r.c.Publish(); r.c.Publish() {
		t.Error("a second Publish says that something is new")
	}
}

func TestPublishKeepsWhatIsOut(t *testing.T) {
	r := smallRing(t)
	r.send(0, 8)
	r.send(1, 8)
	r.receive(0, 8)
	r.c.Release()
	r.receive(1, 8)
	r.c.Publish()
	if got, want := r.word(offConsumer), uint64(StartPosition+16); got != want {
		t.Errorf("published position is %#x, want %#x: message 1 is still out", got, want)
	}
}

// starts are positions just before a carry into the upper half and around
// the largest, from which a capacity of 4096 is passed soon.
var starts = []uint64{0, 8, StartPosition, 1<<32 - 8, 1<<32 - 16, 1<<32 - 2048, 1 << 32, 1<<33 - 24, 1<<63 - 1024}

func TestPositionsPassTwoToThe32(t *testing.T) {
	for _, start := range starts {
		for _, sum := range []bool{false, true} {
			r := newRing(t, Geometry{Kind: SPSC, Capacity: MinCapacity, Checksum: sum}, start)
			passThrough(r, 300)
		}
	}
}

func TestPositionsPassTwoToThe64(t *testing.T) {
	for _, before := range []uint64{8, 16, 512, 2048, 4088, 4096, 8192, 65536} {
		for _, sum := range []bool{false, true} {
			r := newRing(t, Geometry{Kind: SPSC, Capacity: MinCapacity, Checksum: sum}, -before)
			passThrough(r, 300)
		}
	}
}

// passThrough sends n messages through the ring, which it keeps nearly full.
func passThrough(r *testRing, n int) {
	r.Helper()
	received := 0
	for sent := 0; sent < n; {
		err := r.p.TrySend(msgType(sent), payload(sent, sent*37%400))
		if err == nil {
			sent++
			continue
		}
		if err != ErrFull || sent == received {
			r.Fatalf("message %d, with %d received: %v", sent, received, err)
		}
		if used := r.p.Position() - r.word(offConsumer); used+500+500+16 < r.g.Capacity {
			r.Fatalf("ErrFull with %d of %d bytes used", used, r.g.Capacity)
		}
		r.receive(received, received*37%400)
		received++
		r.giveBack()
		if received%16 == 0 {
			r.check()
		}
	}
	for ; received < n; received++ {
		r.receive(received, received*37%400)
	}
	r.nothing()
	r.giveBack()
	r.check()
}

func TestBothSidesCanAttachAgainAtAnyMoment(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		sent, received, kept := 0, 0, 0
		for i := range 3000 {
			switch i % 5 {
			case 0, 1:
				if err := r.p.TrySend(msgType(sent), payload(sent, sent%200)); err == nil {
					sent++
				}
			case 2:
				p, err := NewSPSCProducer(r.g, r.body)
				if err != nil || p.Position() != r.p.Position() {
					t.Fatalf("producer attaches at %#x, %v; want %#x", p.Position(), err, r.p.Position())
				}
				r.p = p
			case 3:
				if received < sent {
					r.receive(received, received%200)
					received++
				}
				if i%2 == 0 {
					r.giveBack()
					kept = received
				}
			case 4:
				c, err := NewSPSCConsumer(r.g, r.body)
				if err != nil {
					t.Fatal(err)
				}
				// What was not given back is delivered again.
				r.c, received = c, kept
			}
		}
		if kept < 300 {
			t.Errorf("only %d messages got through", kept)
		}
	})
}

func TestOffsetOfTheConsumerThatIsNoMultipleOf8IsCorrupt(t *testing.T) {
	r := smallRing(t)
	r.hostile = true
	for add := uint64(1); add < 8; add++ {
		r.setWord(offConsumer, StartPosition+add)
		if _, err := NewSPSCProducer(r.g, r.body); !errors.Is(err, ErrCorrupt) || !contains(err, fmt.Sprintf("%#x", StartPosition+add)) {
			t.Errorf("producer attaches with %v", err)
		}
		if _, err := NewSPSCConsumer(r.g, r.body); !errors.Is(err, ErrCorrupt) {
			t.Errorf("consumer attaches with %v", err)
		}
	}
}
