package ring

import (
	"errors"
	"io"
	"os"
	"testing"
)

// ended fails the test unless the stream is over, for good.
func (r *testRing) ended() {
	r.Helper()
	for range 3 {
		if m, err := r.c.Next(); err != io.EOF {
			r.Fatalf("Next gives %d bytes and %v, want io.EOF", len(m.Payload), err)
		}
	}
}

func TestEndOfAnEmptyRingIsEOF(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.nothing()
		r.p.End()
		r.ended()
	})
}

func TestMessagesBeforeTheEndAreDelivered(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for i := range 10 {
			r.send(i, 300)
		}
		r.p.End()
		for i := range 10 {
			r.receive(i, 300)
		}
		r.ended()
		r.giveBack()
		r.ended()
	})
}

func TestEndIsFoundBehindAPad(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.moveTo(4000)
		r.claim(500)
		r.p.Abort()
		r.p.End()
		r.ended()
	})
}

func TestEndIsFoundByTheConsumersSuccessor(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.send(0, 100)
		r.send(1, 100)
		r.receive(0, 100)
		r.giveBack()
		r.p.End()
		r.receive(1, 100)
		r.ended()
		var err error
		if r.c, err = NewSPSCConsumer(r.g, r.body); err != nil {
			t.Fatal(err)
		}
		r.receive(1, 100) // not given back, so it comes again
		r.ended()
	})
}

func TestEndAtPositionZeroIsAnEnd(t *testing.T) {
	for _, start := range []uint64{0, 1<<64 - 64} {
		r := newRing(t, Geometry{Kind: SPSC, Capacity: MinCapacity, Checksum: false}, start)
		for range -start / 8 {
			r.send(0, 0)
			r.receive(0, 0)
			r.giveBack()
		}
		r.nothing()
		r.p.End()
		r.ended()
	}
}

func TestNoProducerAttachesAfterTheEnd(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		r.send(0, 10)
		r.p.End()
		_, err := NewSPSCProducer(r.g, r.body)
		if !errors.Is(err, ErrClosed) || !errors.Is(err, os.ErrClosed) {
			t.Errorf("attaching after the end: %v, want ErrClosed", err)
		}
		r.receive(0, 10)
		r.ended()
	})
}

func TestEndElsewhereThanWhereTheMessagesEndIsNone(t *testing.T) {
	// A producer that says it ended where it didn't can't hide messages,
	// nor end the stream before or after.
	r := smallRing(t)
	r.hostile = true
	for _, end := range []uint64{1, StartPosition, StartPosition + 16 | 1, StartPosition - 8 | 1, 1<<64 - 1} {
		r.setWord(offEnd, end)
		r.nothing()
	}
	r.setWord(offEnd, StartPosition|1)
	r.send(0, 8)
	r.receive(0, 8)
	r.nothing()
}
