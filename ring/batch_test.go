package ring

import (
	"errors"
	"testing"
)

// batch returns messages number seq and following, of the given sizes, which
// share the type of the first.
func batch(seq int, sizes ...int) (msgs [][]byte) {
	for i, n := range sizes {
		msgs = append(msgs, payload(seq+i, n))
	}
	return msgs
}

// receiveBatch takes messages that were sent as a batch of type typ.
func (r *testRing) receiveBatch(typ uint16, msgs [][]byte) {
	r.Helper()
	for i, want := range msgs {
		m, err := r.c.Next()
		if err != nil || string(m.Payload) != string(want) || m.Type != typ {
			r.Fatalf("message %d of the batch: %d bytes of type %d, %v; want %d of type %d", i, len(m.Payload), m.Type, err, len(want), typ)
		}
		r.inside(m.Payload)
	}
}

func TestBatchArrivesInOrder(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for i := range 300 {
			msgs := batch(i, i%50, 0, 8, 1, i%99, 200)
			sent, err := r.p.TrySendBatch(uint16(i), msgs)
			if sent != len(msgs) || err != nil {
				t.Fatalf("%d of %d sent, %v", sent, len(msgs), err)
			}
			r.check()
			r.receiveBatch(uint16(i), msgs)
			r.nothing()
			r.giveBack()
		}
		if sent, err := r.p.TrySendBatch(1, nil); sent != 0 || err != nil {
			t.Errorf("a batch of nothing: %d, %v", sent, err)
		}
		r.nothing()
	})
}

func TestBatchCrossesTheRingsEndAnywhere(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		msgs := batch(1, 100, 33, 0, 250, 7, 64)
		for left := uint64(8); left <= 800; left += 8 {
			r.moveTo(r.g.Capacity - left)
			sent, err := r.p.TrySendBatch(3, msgs)
			if sent != len(msgs) || err != nil {
				t.Fatalf("%d bytes before the end: %d of %d sent, %v", left, sent, len(msgs), err)
			}
			r.check()
			r.receiveBatch(3, msgs)
			r.nothing()
			r.giveBack()
		}
	})
}

func TestBatchStopsAtAFullRingAndSendsWhatFits(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for n := 1; n < 40; n++ {
			msgs := make([][]byte, n)
			for i := range msgs {
				msgs[i] = payload(i, 192)
			}
			want := min(n, 4096/200)
			if r.g.Checksum {
				want = min(n, 4096/208)
			}
			r.moveTo(0)
			sent, err := r.p.TrySendBatch(1, msgs)
			if sent != want || sent < n && err != ErrFull || sent == n && err != nil {
				t.Fatalf("%d of %d sent, %v; want %d", sent, n, err, want)
			}
			r.check()
			r.receiveBatch(1, msgs[:sent])
			r.nothing()
			r.giveBack()
		}
	})
}

func TestBatchTakesRoomThatWasGivenBackMeanwhile(t *testing.T) {
	r := smallRing(t)
	for i := range 15 {
		r.send(i, 248)
	}
	for i := range 15 {
		r.receive(i, 248)
	}
	r.giveBack()
	msgs := batch(1, 500, 500, 500, 500)
	if sent, err := r.p.TrySendBatch(1, msgs); sent != 4 || err != nil {
		t.Fatalf("%d sent, %v", sent, err)
	}
	r.receiveBatch(1, msgs)
}

func TestBatchStopsAtAMessageThatIsTooLarge(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for at := range 5 {
			msgs := batch(1, 10, 20, 30, 40, 50)
			msgs[at] = make([]byte, r.g.MaxMessage()+1)
			sent, err := r.p.TrySendBatch(1, msgs)
			if sent != at || !errors.Is(err, ErrTooLarge) {
				t.Fatalf("message %d is too large: %d sent, %v", at, sent, err)
			}
			r.receiveBatch(1, msgs[:at])
			r.nothing()
			r.check()
		}
	})
}

func TestBatchThatFindsTheRingCorruptSendsWhatCameBefore(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.hostile = true
		msgs := make([][]byte, 40)
		for i := range msgs {
			msgs[i] = payload(i, 192)
		}
		r.setWord(offConsumer, StartPosition+1<<20)
		sent, err := r.p.TrySendBatch(1, msgs)
		if want := int(r.g.Capacity / frameBytes(r.g, 192)); sent != want || !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%d sent, %v; want %d and ErrCorrupt", sent, err, want)
		}
		r.receiveBatch(1, msgs[:sent])
		r.nothing()
	})
}
