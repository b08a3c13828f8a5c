//go:build shmtest

package ring

import (
	"errors"
	"io"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// between has other run between the accesses of what follows: at the k-th, or
// at every one if k is 0. The returned function ends that and says how many
// accesses there were.
func between(t *testing.T, k int, other func(a *mem.Access)) (stop func() int) {
	n, busy := 0, false
	hook(t, func(a *mem.Access) {
		if busy {
			return
		}
		if n++; n == k || k == 0 {
			busy = true
			other(a)
			busy = false
		}
	})
	return func() int { mem.Hook = nil; return n }
}

func TestBatchBecomesVisibleAtOnce(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		// Also across the end, where a pad goes before or between.
		for _, left := range []uint64{2048, 512, 240, 48, 8} {
			r.moveTo(r.g.Capacity - left)
			msgs := batch(1, 40, 0, 180, 100, 9)
			seen := 0
			stop := between(t, 0, func(*mem.Access) {
				c, err := NewSPSCConsumer(r.g, r.body)
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				for ; err == nil; n++ {
					_, err = c.Next()
				}
				n--
				if err != ErrEmpty || n != 0 && n != len(msgs) || n < seen {
					t.Fatalf("%d bytes before the end: %d of %d messages are seen after %d, %v", left, n, len(msgs), seen, err)
				}
				seen = n
			})
			if sent, err := r.p.TrySendBatch(3, msgs); sent != len(msgs) || err != nil {
				t.Fatalf("%d sent, %v", sent, err)
			}
			if stop() == 0 || seen != len(msgs) {
				t.Fatalf("in the end %d messages are seen", seen)
			}
			r.receiveBatch(3, msgs)
			r.giveBack()
		}
	})
}

// sides are two scripts that run against each other on one ring.
type sides struct {
	*testRing
	sent, received int
	ended, eof     bool
}

func seqSize(seq int) int { return seq * 97 % 800 }

// produce sends one message, one way or another, or ends the stream.
func (s *sides) produce(most int) {
	s.Helper()
	var err error
	n := seqSize(s.sent)
	switch {
	case s.ended:
		return
	case s.sent >= most:
		s.p.End()
		s.ended = true
		return
	case s.sent%3 == 0:
		err = s.p.TrySend(msgType(s.sent), payload(s.sent, n))
	case s.sent%3 == 1:
		var b []byte
		if b, err = s.p.Claim(n + 30); err == nil {
			copy(b, payload(s.sent, n))
			s.p.Commit(msgType(s.sent), n)
		}
	default:
		_, err = s.p.TrySendBatch(msgType(s.sent), [][]byte{payload(s.sent, n)})
	}
	switch {
	case err == nil:
		s.sent++
	case err != ErrFull:
		s.Fatal(err)
	}
}

// consume receives one message and gives it back.
func (s *sides) consume() {
	s.Helper()
	m, err := s.c.Next()
	switch {
	case err == nil:
		if string(m.Payload) != string(payload(s.received, seqSize(s.received))) || m.Type != msgType(s.received) {
			s.Fatalf("message %d: %d bytes of type %#x", s.received, len(m.Payload), m.Type)
		}
		if s.eof {
			s.Fatalf("message %d after io.EOF", s.received)
		}
		s.received++
		s.giveBack()
	case err == io.EOF:
		s.eof = true
	case err != ErrEmpty:
		s.Fatal(err)
	}
}

// unhooked runs f without the hook.
func unhooked(f func()) {
	h := mem.Hook
	mem.Hook = nil
	f()
	mem.Hook = h
}

// testInterleaved has other run at the k-th access of run, for every k, and at
// every access.
func testInterleaved(t *testing.T, run, other func(s *sides, most int)) {
	for _, sum := range []bool{false, true} {
		for _, start := range []uint64{StartPosition, StartPosition + 4096 - 200, StartPosition + 2048 + 8} {
			const most = 14
			for k, n := 0, 1; k <= n; k++ {
				s := &sides{testRing: newRing(t, Geometry{Kind: SPSC, Capacity: MinCapacity, Checksum: sum}, start)}
				stop := between(t, k, func(*mem.Access) { other(s, most) })
				for i := 0; !s.eof; i++ {
					run(s, most)
					unhooked(func() { other(s, most) })
					if i > 1000 {
						t.Fatalf("k %d: %d sent, %d received, ended %t, io.EOF %t", k, s.sent, s.received, s.ended, s.eof)
					}
				}
				n = max(n, stop())
				if s.received != most || s.sent != most {
					t.Fatalf("k %d: io.EOF after %d messages of %d sent, %d meant", k, s.received, s.sent, most)
				}
				s.check()
			}
		}
	}
}

func TestConsumerMayRunBetweenAnyTwoAccessesOfTheProducer(t *testing.T) {
	testInterleaved(t, (*sides).produce, func(s *sides, _ int) {
		for range 3 {
			s.consume()
		}
	})
}

func TestProducerMayRunBetweenAnyTwoAccessesOfTheConsumer(t *testing.T) {
	testInterleaved(t, func(s *sides, _ int) { s.consume() }, (*sides).produce)
}

func TestEndRightAfterTheLastMessageHidesItNever(t *testing.T) {
	// The last message and the end come at any access of Next, when it has
	// found nothing or is just looking.
	eachKind(t, func(t *testing.T, r *testRing) {
		for k := 1; ; k++ {
			r.setWord(offEnd, 0)
			r.moveTo(8 * uint64(k))
			came := false
			stop := between(t, k, func(*mem.Access) {
				r.send(1, 20)
				r.p.End()
				came = true
			})
			m, err := r.c.Next()
			stop()
			if !came {
				if k < 4 {
					t.Fatalf("Next of an empty ring makes %d accesses", k-1)
				}
				return
			}
			if err == ErrEmpty {
				m, err = r.c.Next()
			}
			if err != nil || string(m.Payload) != string(payload(1, 20)) {
				t.Fatalf("message and end at access %d: %d bytes, %v", k, len(m.Payload), err)
			}
			r.giveBack()
			r.ended()
		}
	})
}

func TestProducerMayAttachWhileTheConsumerRuns(t *testing.T) {
	eachKind(t, func(t *testing.T, r *testRing) {
		for k := 0; k < 60; k++ {
			r.moveTo(uint64(k) * 8)
			for i := range 6 {
				r.send(i, 300)
			}
			i := 0
			stop := between(t, k, func(*mem.Access) {
				if i < 6 {
					r.receive(i, 300)
					r.giveBack()
					i++
				}
			})
			p, err := NewSPSCProducer(r.g, r.body)
			stop()
			if err != nil || p.Position() != r.p.Position() {
				t.Fatalf("access %d: attached at %#x, %v; want %#x", k, p.Position(), err, r.p.Position())
			}
			r.p = p
			for ; i < 6; i++ {
				r.receive(i, 300)
			}
			r.giveBack()
			r.check()
		}
	})
}

func TestEachOperationTakesFewAccesses(t *testing.T) {
	// The costs that the design promises, in accesses to shared words and
	// payloads.
	r := smallRing(t)
	count := func(f func()) int {
		stop := between(t, -1, nil)
		f()
		return stop()
	}
	for what, c := range map[string]struct {
		most int
		do   func()
	}{
		"TrySend":         {8, func() { r.send(1, 8) }}, // four stores of two calls each
		"Next":            {3, func() { r.receive(1, 8) }},
		"Release":         {0, func() { r.c.Release() }},
		"Publish":         {2, func() { r.c.Publish() }},
		"Publish of none": {0, func() { r.c.Publish() }},
	} {
		r.moveTo(0)
		if what != "TrySend" {
			r.send(1, 8)
		}
		if what != "TrySend" && what != "Next" {
			r.receive(1, 8)
		}
		if what == "Publish" {
			r.c.Release()
		}
		if n := count(c.do); n > c.most {
			t.Errorf("%s calls the hook %d times, want at most %d", what, n, c.most)
		}
		if _, err := r.c.Next(); err != nil && !errors.Is(err, ErrEmpty) {
			t.Fatal(err)
		}
	}
}
