package ring

import (
	"errors"
	"fmt"
	"testing"
)

// alikes returns k messages of n bytes.
func alikes(seq, k, n int) [][]byte {
	sizes := make([]int, k)
	for i := range sizes {
		sizes[i] = n
	}
	return batch(seq, sizes...)
}

func (r *testRing) sendBatch(typ uint16, msgs [][]byte) {
	r.Helper()
	if sent, err := r.p.TrySendBatch(typ, msgs); sent != len(msgs) || err != nil {
		r.Fatalf("%d of %d sent, %v", sent, len(msgs), err)
	}
}

func TestEqualMessagesOfABatchShareOneHeader(t *testing.T) {
	r := smallRing(t)
	start := r.p.Position()
	r.sendBatch(7, alikes(1, 30, 8))
	if h := r.header(start); h != MakeHeader(240, 7, FlagBatch) || r.word(r.dataOff(start)+8) != 8 {
		t.Errorf("header %#016x, messages of %d bytes", uint64(h), r.word(r.dataOff(start)+8))
	}
	if took := r.p.Position() - start; took != 16+30*8 {
		t.Errorf("30 messages of 8 bytes take %d bytes, want 256", took)
	}
	r.receiveBatch(7, alikes(1, 30, 8))
	r.nothing()
}

func TestASuccessorBeginsWithTheFirstMessageOfABatchThatWasNotReleased(t *testing.T) {
	for _, n := range []int{1, 3, 8, 24, 60} {
		msgs := alikes(1, 4, n)
		for done := range len(msgs) + 1 {
			r := smallRing(t)
			r.send(9, 5)
			r.sendBatch(7, msgs)
			r.send(10, 5)
			r.receive(9, 5)
			r.receiveBatch(7, msgs[:done])
			r.giveBack()
			if done < len(msgs) { // one more that is not released
				r.receiveBatch(7, msgs[done:done+1])
			}
			r.attach()
			r.receiveBatch(7, msgs[done:])
			r.receive(10, 5)
			r.nothing()
		}
	}
}

func TestAMessageOfABatchIsLeasedUntilItIsReleased(t *testing.T) {
	r := smallRing(t)
	r.sendBatch(7, alikes(1, 3, 8))
	for range 3 {
		if r.c.Leased() {
			t.Fatal("nothing is out, and something is leased")
		}
		if _, err := r.c.Next(); err != nil || !r.c.Leased() {
			t.Fatalf("a message is out, and nothing is leased, %v", err)
		}
		r.c.Release()
	}
	if r.c.Leased() {
		t.Error("all was released, and something is leased")
	}
}

func TestABatchIsReceivedInPiecesOfAnySize(t *testing.T) {
	for _, size := range []int{1, 2, 3, 7, 30, 31, 64} {
		r := smallRing(t)
		into := make([]Message, size)
		all := append(append(alikes(1, 30, 8), payload(50, 20)), alikes(60, 12, 13)...)
		r.sendBatch(7, all)
		for at := 0; at < len(all); {
			n, bytes := r.c.NextBatch(into)
			want := 0
			for i, m := range into[:n] {
				if string(m.Payload) != string(all[at+i]) || m.Type != 7 {
					t.Fatalf("message %d in pieces of %d: %d bytes of type %d", at+i, size, len(m.Payload), m.Type)
				}
				r.inside(m.Payload)
				want += len(m.Payload)
			}
			if n != min(size, len(all)-at) || bytes != uint64(want) {
				t.Fatalf("%d messages of %d bytes, want %d of %d", n, bytes, min(size, len(all)-at), want)
			}
			at += n
			r.giveBack()
		}
		r.nothing()
	}
}

func TestReadyTakesNothingOfABatch(t *testing.T) {
	r := smallRing(t)
	msgs := alikes(1, 3, 8)
	r.sendBatch(7, msgs)
	for i := range msgs {
		if !r.c.Ready() {
			t.Fatalf("message %d is there", i)
		}
		r.receiveBatch(7, msgs[i:i+1])
	}
	if r.c.Ready() {
		t.Error("the ring is empty")
	}
}

func TestBatchThatCanNotBeIsCorrupt(t *testing.T) {
	const most = 1<<64 - 1
	for _, c := range []struct {
		len  uint32
		unit uint64
	}{
		{64, 0}, {64, 65}, {64, most}, {64, 1 << 63}, {0, 0}, {0, 1}, {2041, 8}, {4000, 8}, {1<<32 - 1, 8},
	} {
		t.Run(fmt.Sprintf("%d bytes in messages of %d", c.len, c.unit), func(t *testing.T) {
			r := smallRing(t)
			r.hostile = true
			pos := r.c.Position()
			r.setWord(r.dataOff(pos)+8, c.unit)
			r.setHeader(pos, uint64(MakeHeader(c.len, 1, FlagBatch)))
			for range 2 {
				if _, err := r.c.Next(); !errors.Is(err, ErrCorrupt) {
					t.Errorf("Next: %v", err)
				}
			}
			if n, _ := r.c.NextBatch(make([]Message, 4)); n != 0 {
				t.Errorf("NextBatch hands out %d", n)
			}
		})
	}
}

func TestBatchThatChangesWhileItIsReceivedNeverLeadsOutOfTheFrame(t *testing.T) {
	for unit := range uint64(80) {
		for _, len := range []uint32{0, 1, 8, 16, 17, 24, 64, 2000} {
			r := smallRing(t)
			r.hostile = true
			pos := r.c.Position()
			r.sendBatch(7, alikes(1, 8, 8))
			r.receiveBatch(7, alikes(1, 2, 8))
			r.setWord(r.dataOff(pos)+8, unit)
			r.setHeader(pos, uint64(MakeHeader(len, 1, FlagBatch)))
			for range 100 {
				m, err := r.c.Next()
				if err != nil {
					break
				}
				r.inside(m.Payload)
			}
		}
	}
}

func TestTakenIsHeededOnlyWithinABatch(t *testing.T) {
	for _, taken := range []uint64{0, 1, 8, 16, 40, 1 << 40, 1<<64 - 1} {
		r := smallRing(t)
		r.hostile = true
		r.send(1, 100)
		r.setWord(offTaken, r.c.Position()+taken)
		r.attach()
		r.receive(1, 100)
	}
}
