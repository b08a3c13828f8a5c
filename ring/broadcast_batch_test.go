package ring

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// recvBatch receives up to n messages at once, or if that gives none, one. It
// returns the error that is none of what was missed.
func (s *testSub) recvBatch(n int) error {
	s.r.Helper()
	into := make([]Message, n)
	before := s.Sequence()
	k, size := s.NextBatch(into)
	if k == 0 {
		return s.recv()
	}
	if s.Sequence() != before+uint64(k) || size != castBytes(s.next, s.next+k) {
		s.r.Fatalf("a batch of %d messages, %d bytes, moves on from number %d to %d", k, size, before, s.Sequence())
	}
	for _, m := range into[:k] {
		if err := s.take(m, nil); err != nil {
			return err
		}
	}
	return nil
}

func TestABatchHoldsWhatNextWouldHandOut(t *testing.T) {
	for _, most := range []int{1, 7, 1000} {
		eachCast(t, func(t *testing.T, r *testCast) {
			s := r.subscribe(BroadcastOptions{Start: Oldest})
			batches := 0
			for round := range 200 {
				r.send(round % 25)
				for s.next < r.sent {
					batches++
					if err := s.recvBatch(most); err != nil {
						t.Fatal(err)
					}
				}
				if k, size := s.NextBatch(make([]Message, most)); k != 0 || size != 0 {
					t.Fatalf("%d messages of %d bytes when all are received", k, size)
				}
			}
			if s.missed > 0 || most > 1 && batches > r.sent*3/4 {
				t.Errorf("%d missed; %d batches for %d messages", s.missed, batches, r.sent)
			}
			if k, size := s.NextBatch(nil); k != 0 || size != 0 {
				t.Errorf("a batch of none has %d messages of %d bytes", k, size)
			}
		})
	}
}

func TestABatchSurvivesWhatThePublisherOverwrites(t *testing.T) {
	r := newCast(t, lossy(), StartPosition, StartSequence)
	s := r.subscribe(BroadcastOptions{Start: Oldest})
	var msgs [][]byte
	for i := range 8 {
		msgs = append(msgs, payload(i, 40+i))
	}
	if _, err := r.p.TrySendBatch(5, msgs); err != nil {
		t.Fatal(err)
	}
	got := make([]Message, 8)
	if n, _ := s.NextBatch(got); n != 8 {
		t.Fatalf("%d messages", n)
	}
	for range 200 {
		if err := r.p.TrySend(6, payload(77, 100)); err != nil {
			t.Fatal(err)
		}
	}
	for i, m := range got {
		if string(m.Payload) != string(msgs[i]) || m.Type != 5 {
			t.Errorf("message %d is %x of type %d", i, m.Payload, m.Type)
		}
		if cap(m.Payload)-len(m.Payload) >= 64 {
			t.Errorf("appending to message %d overwrites the next: it is %d long and has room for %d", i, len(m.Payload), cap(m.Payload))
		}
	}
}

func TestALappedSubscriberGetsNoBatchBeforeItIsTold(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		s := r.subscribe(BroadcastOptions{Start: Oldest, Resume: Oldest})
		for range 50 {
			r.send(150) // several laps
			if k, _ := s.NextBatch(make([]Message, 4)); k != 0 {
				t.Fatalf("%d messages in place of those that were overwritten", k)
			}
			for s.next < r.sent {
				if err := s.recvBatch(4); err != nil {
					t.Fatal(err)
				}
			}
		}
		if s.missed == 0 || s.got+int(s.missed) != r.sent {
			t.Errorf("%d received, %d missed, %d sent", s.got, s.missed, r.sent)
		}
	})
}

func TestWhoIsOwedANoticeOrHasALeaseGetsNoBatch(t *testing.T) {
	r := newCast(t, lossy(), StartPosition, StartSequence)
	r.send(200)
	s := r.subscribe(BroadcastOptions{Start: AtSequence, Sequence: 1, Resume: Oldest})
	into := make([]Message, 4)
	if k, _ := s.NextBatch(into); k != 0 {
		t.Errorf("%d messages before it learns how many it is too late for", k)
	}
	if _, err := s.Next(); !errors.Is(err, ErrLapped) {
		t.Fatal(err)
	}
	if _, err := s.Lease(); err != nil {
		t.Fatal(err)
	}
	if k, _ := s.NextBatch(into); k != 0 {
		t.Errorf("%d messages while one is leased", k)
	}
	if !s.Valid() || !s.Leased() {
		t.Error("the lease is over")
	}
}

func TestABatchEndsBeforeAMessageWithAnotherChecksum(t *testing.T) {
	g := lossy()
	g.Checksum = true
	r := newCast(t, g, StartPosition, StartSequence)
	s := r.subscribe(BroadcastOptions{Start: Oldest})
	pos := make([]uint64, 4)
	for i := range pos {
		pos[i] = r.p.Position()
		if err := r.p.TrySend(3, payload(i, 100)); err != nil {
			t.Fatal(err)
		}
	}
	r.body[r.dataOff(pos[2])+50] ^= 1
	into := make([]Message, 8)
	if k, size := s.NextBatch(into); k != 2 || size != 200 || string(into[1].Payload) != string(payload(1, 100)) {
		t.Errorf("%d messages of %d bytes", k, size)
	}
	if k, _ := s.NextBatch(into); k != 0 {
		t.Errorf("%d messages more", k)
	}
	if _, err := s.Next(); !errors.Is(err, ErrCorrupt) || s.Sequence() != StartSequence+2 {
		t.Errorf("then, before number %d, %v", s.Sequence(), err)
	}
}

func TestABatchAllocatesNothing(t *testing.T) {
	if mem.Hooked {
		t.Skip("a hook's description of the access is on the heap")
	}
	for _, sum := range []bool{false, true} {
		g := Geometry{Kind: Broadcast, Capacity: 1 << 16, Checksum: sum}
		r := newCast(t, g, StartPosition, StartSequence)
		s := r.subscribe(BroadcastOptions{Start: Oldest, Resume: Oldest})
		msgs, into := batch(1, 10, 20, 400, 0), make([]Message, 32)
		got := 0
		n := testing.AllocsPerRun(500, func() {
			_, _ = r.p.TrySendBatch(1, msgs)
			k, _ := s.NextBatch(into)
			if got += k; k == 0 {
				_, _ = s.Next() // around the ring's end
			}
		})
		if n != 0 || got < 1900 {
			t.Errorf("checksum %t: %v allocations a batch, %d messages received", sum, n, got)
		}
	}
}

func BenchmarkBroadcastBatch(b *testing.B) {
	for _, size := range []int{8, 64, 1024} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			g := Geometry{Kind: Broadcast, Capacity: benchCapacity}
			r := newCast(b, g, StartPosition, StartSequence)
			s := r.subscribe(BroadcastOptions{Start: Oldest, Resume: Oldest})
			msgs, into := make([][]byte, 32), make([]Message, 32)
			for i := range msgs {
				msgs[i] = make([]byte, size)
			}
			b.SetBytes(int64(32 * size))
			b.ReportAllocs()
			for b.Loop() {
				sent, err := r.p.TrySendBatch(0, msgs)
				if err != nil {
					b.Fatal(err)
				}
				for got := 0; got < sent; {
					n, _ := s.NextBatch(into)
					if got += n; n == 0 {
						if _, err := s.Next(); err != nil {
							b.Fatal(err)
						}
						got++
					}
				}
			}
		})
	}
}
