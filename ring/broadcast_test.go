package ring

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

func TestEverySubscriberGetsEveryMessage(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		subs := []*testSub{r.subscribe(BroadcastOptions{}), r.subscribe(BroadcastOptions{Start: Oldest})}
		if r.g.Gates > 0 {
			subs = append(subs, r.gated(0), r.gated(2))
		}
		for range 200 {
			r.send(7)
			for _, s := range subs {
				s.drain()
				s.Publish()
			}
		}
		r.p.End()
		for i, s := range subs {
			s.ends()
			if s.got != r.sent || s.missed != 0 {
				t.Errorf("subscriber %d got %d of %d messages, missed %d", i, s.got, r.sent, s.missed)
			}
		}
	})
}

func TestALossyPublisherNeverWaits(t *testing.T) {
	r := newCast(t, lossy(), StartPosition, StartSequence)
	r.subscribe(BroadcastOptions{})
	r.send(10000)
	if msgs := batch(r.sent, 8, 100, 1000, 0); true {
		if n, err := r.p.TrySendBatch(0, msgs); n != 4 || err != nil {
			t.Errorf("%d messages of a batch are sent: %v", n, err)
		}
	}
}

func TestALappedSubscriberLearnsExactlyHowMuchItMissed(t *testing.T) {
	for _, resume := range []Start{Oldest, Newest} {
		eachCast(t, func(t *testing.T, r *testCast) {
			s := r.subscribe(BroadcastOptions{Start: Oldest, Resume: resume})
			for round := range 100 {
				r.send(round * 3)
				for !s.rest.done() { // of a batch that it has a copy of
					if err := s.recv(); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.recv(); err != nil && err != ErrEmpty {
					t.Fatal(err)
				}
				if resume == Newest && s.missed > 0 && s.next < r.sent-1 && round*3 > 60 {
					t.Fatalf("it goes on with message %d, the newest is %d", s.next, r.sent-1)
				}
			}
			s.drain()
			if s.got+int(s.missed) != r.sent || s.missed == 0 {
				t.Errorf("%d messages received, %d missed, %d sent", s.got, s.missed, r.sent)
			}
		})
	}
}

func TestOldestIsNoMoreThanAnEighthYoungerThanTheRingIsLong(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		for range 500 {
			r.send(1)
			s := r.subscribe(BroadcastOptions{Start: Oldest})
			behind := r.p.Position() - s.Position()
			if r.p.Position() > StartPosition+castCapacity && behind < castCapacity*7/8-2*256 || behind > castCapacity {
				t.Fatalf("after %d messages the oldest is %d bytes behind", r.sent, behind)
			}
			s.drain()
			if s.missed != 0 {
				t.Fatalf("who begins with the oldest has missed %d", s.missed)
			}
		}
	})
}

func TestNewestIsTheLastMessageThatIsThere(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		s := r.subscribe(BroadcastOptions{Start: Newest})
		s.drain()
		for i := range 1000 {
			r.send(1)
			s := r.subscribe(BroadcastOptions{Start: Newest})
			if s.next != i {
				t.Fatalf("newest is message %d of %d", s.next, r.sent)
			}
			s.drain()
		}
	})
}

func TestSubscriberBeginsWithTheMessageItAsksFor(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		r.send(300)
		oldest := r.subscribe(BroadcastOptions{Start: Oldest}).next
		for i := oldest; i <= r.sent; i++ {
			s := r.subscribe(BroadcastOptions{Start: AtSequence, Sequence: StartSequence + uint64(i)})
			if s.next != i {
				t.Fatalf("asked for message %d, got %d", i, s.next)
			}
			s.drain()
		}
		_, err := NewBroadcastSubscriber(r.g, r.body, BroadcastOptions{Start: AtSequence, Sequence: StartSequence + uint64(r.sent) + 1})
		if !errors.Is(err, ErrBadArgument) || !contains(err, fmt.Sprint(StartSequence+r.sent)) {
			t.Errorf("a message that nobody sent: %v", err)
		}
		// One that is gone.
		s := r.subscribe(BroadcastOptions{Start: AtSequence, Sequence: StartSequence + 5})
		var lap *Lapped
		if _, err := s.Next(); !errors.As(err, &lap) || lap.Messages != uint64(oldest-5) || lap.Next != uint64(StartSequence+oldest) {
			t.Errorf("asked for message 5 when the oldest was %d: %v", oldest, err)
		}
		s.drain()
	})
}

func TestLastIsTheNewestMessageAndConsumesNothing(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		s := r.subscribe(BroadcastOptions{Start: Oldest})
		if _, _, _, err := s.Last(nil); err != ErrEmpty {
			t.Fatalf("the last of none: %v", err)
		}
		for i := range 500 {
			r.send(1)
			b, seq, typ, err := s.Last([]byte("x"))
			if err != nil || string(b) != "x"+string(payload(i, castSize(i))) || seq != uint64(StartSequence+i) || typ != castType(i) {
				t.Fatalf("the last of %d: number %d, type %d, %d bytes, %v", r.sent, seq, typ, len(b), err)
			}
		}
		if s.next != 0 || s.Sequence() != StartSequence {
			t.Errorf("it moved to %d", s.Sequence())
		}
	})
}

func TestMessagesOfEverySizeCome(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		s := r.subscribe(BroadcastOptions{})
		for n := 0; n <= int(r.g.MaxMessage()); n += 1 + n/40 {
			b := payload(n, n)
			var err error
			if n%2 == 0 {
				err = r.p.TrySend(7, b)
			} else {
				var room []byte
				if room, err = r.p.Claim(n + n%3); err == nil {
					copy(room, b)
					r.p.Commit(7, n)
				}
			}
			if err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			m, err := s.Next()
			if err != nil || string(m.Payload) != string(b) || m.Type != 7 {
				t.Fatalf("%d bytes: %d of type %d, %v", n, len(m.Payload), m.Type, err)
			}
		}
		most := int(r.g.MaxMessage())
		if err := r.p.TrySend(0, make([]byte, most+1)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d bytes: %v", most+1, err)
		}
		if _, err := r.p.Claim(most + 1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("a claim of %d bytes: %v", most+1, err)
		}
		if n, err := r.p.TrySendBatch(0, [][]byte{nil, make([]byte, most+1)}); n != 1 || err != nil {
			t.Errorf("a batch with one too large: %d, %v", n, err)
		}
		if n, err := r.p.TrySendBatch(0, [][]byte{make([]byte, most+1)}); n != 0 || !errors.Is(err, ErrTooLarge) {
			t.Errorf("a batch of one too large: %d, %v", n, err)
		}
	})
}

func TestBatchesComeWholeAndInOrder(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		s := r.subscribe(BroadcastOptions{})
		for range 200 {
			var msgs [][]byte
			for i := range 1 + r.sent%40 {
				msgs = append(msgs, payload(r.sent+i, castSize(r.sent+i)))
			}
			for len(msgs) > 0 {
				n, err := r.p.TrySendBatch(9, msgs)
				if n == 0 || err != nil {
					t.Fatalf("%d of %d sent: %v", n, len(msgs), err)
				}
				for range n {
					m, err := s.Next()
					if err != nil || string(m.Payload) != string(msgs[0]) || m.Type != 9 {
						t.Fatalf("%d bytes of type %d, want %d: %v", len(m.Payload), m.Type, len(msgs[0]), err)
					}
					msgs = msgs[1:]
					r.sent++
				}
			}
		}
		if s.Sequence() != uint64(StartSequence+r.sent) || r.p.Sequence() != s.Sequence() {
			t.Errorf("the next is number %d here and %d there, %d are sent", s.Sequence(), r.p.Sequence(), r.sent)
		}
	})
}

func TestRestartedPublisherContinuesTheSequence(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		s := r.subscribe(BroadcastOptions{})
		for i := range 500 {
			r.send(i % 7)
			if i%3 == 0 {
				if b, err := r.p.Claim(150); err == nil {
					copy(b, payload(77, 150)) // and dies
				}
			}
			before := r.p.Sequence()
			r.restart()
			if r.p.Sequence() != before {
				t.Fatalf("the successor begins with number %d, want %d", r.p.Sequence(), before)
			}
			s.drain()
		}
		if s.missed > 0 {
			t.Errorf("%d messages missed", s.missed)
		}
		r.p.End()
		if _, err := NewBroadcastPublisher(r.g, r.body); !errors.Is(err, ErrClosed) {
			t.Errorf("a publisher attaches after the end: %v", err)
		}
		s.ends()
	})
}

func TestNumbersAndPositionsWrapAround(t *testing.T) {
	for _, g := range []Geometry{lossy(), lossless()} {
		for left := uint64(0); left < 3*castCapacity; left += 264 {
			r := newCast(t, g, -left, -(left / 100))
			s := r.subscribe(BroadcastOptions{})
			slow := r.subscribe(BroadcastOptions{Resume: Oldest})
			for range 60 {
				r.send(3)
				s.drain()
				if r.sent%10 == 0 {
					r.restart()
				}
				b, seq, _, err := s.Last(nil)
				if err != nil || seq != r.first+uint64(r.sent-1) || len(b) != castSize(r.sent-1) {
					t.Fatalf("the last is number %d, %v", seq, err)
				}
				late := r.subscribe(BroadcastOptions{Start: AtSequence, Sequence: r.first + uint64(r.sent-2)})
				late.drain()
				if late.got != 2 {
					t.Fatalf("%d received from the last but one on", late.got)
				}
			}
			slow.drain()
			if slow.got+int(slow.missed) != r.sent || slow.missed == 0 {
				t.Fatalf("%d received, %d missed, %d sent", slow.got, slow.missed, r.sent)
			}
			r.p.End()
			s.ends()
			slow.ends()
		}
	}
}

func TestALeaseIsValidUntilItIsOverwritten(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		s := r.subscribe(BroadcastOptions{Resume: Oldest})
		invalid := 0
		for range 300 {
			r.send(2)
			m, err := s.Lease()
			if err != nil {
				if err := s.take(m, err); err != nil {
					t.Fatal(err)
				}
				continue
			}
			number := s.next
			copied := string(m.Payload)
			if !s.Valid() || copied != string(payload(number, castSize(number))) || m.Type != castType(number) {
				t.Fatalf("message %d: %d bytes, type %#x", number, len(m.Payload), m.Type)
			}
			if !s.Leased() { // one of several in a frame: a copy
				r.send(100)
				if !s.Valid() || string(m.Payload) != copied {
					t.Fatalf("message %d became %x", number, m.Payload)
				}
				s.next++
				s.got++
				continue
			}
			// The publisher goes on until the message is gone, or about to be.
			for s.Valid() {
				if string(m.Payload) != copied {
					t.Fatalf("message %d is other than it was, and said to be valid", number)
				}
				r.send(1)
			}
			if s.Valid(); s.Sequence() != r.first+uint64(number) {
				t.Fatalf("it isn't counted as missed: next is %d, it was %d", s.Sequence(), r.first+uint64(number))
			}
			invalid++
		}
		s.drain()
		if s.got+int(s.missed) != r.sent || invalid == 0 {
			t.Errorf("%d received, %d missed, %d sent, %d leases lost", s.got, s.missed, r.sent, invalid)
		}
	})
}

func TestWhatIsCopiedOutStaysAsItIs(t *testing.T) {
	r := newCast(t, lossy(), StartPosition, StartSequence)
	s := r.subscribe(BroadcastOptions{})
	r.send(2)
	if err := s.recv(); err != nil {
		t.Fatal(err)
	}
	m, err := s.Next()
	r.send(1000)
	if err != nil || string(m.Payload) != string(payload(1, castSize(1))) {
		t.Errorf("it became %x: %v", m.Payload, err)
	}
}

func TestEndIsSeenAfterTheLastMessageAlone(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		s := r.subscribe(BroadcastOptions{})
		r.send(3)
		if err := r.p.End(); err != nil {
			t.Fatal(err)
		}
		s.drainTo(3)
		s.ends()
		if err := r.p.End(); err != ErrClosed {
			t.Errorf("a second end: %v", err)
		}
		if err := r.p.TrySend(0, nil); err != ErrClosed {
			t.Errorf("sending after the end: %v", err)
		}
		if _, err := r.p.Claim(100); err != ErrClosed {
			t.Errorf("claiming after the end: %v", err)
		}
		if n, err := r.p.TrySendBatch(0, batch(1, 8)); n != 0 || err != ErrClosed {
			t.Errorf("a batch after the end: %d, %v", n, err)
		}
		late := r.subscribe(BroadcastOptions{Start: Oldest})
		late.drainTo(3)
		late.ends()
	})
}

// drainTo receives n messages.
func (s *testSub) drainTo(n int) {
	s.r.Helper()
	for range n {
		if err := s.recv(); err != nil {
			s.r.Fatal(err)
		}
	}
}

func TestAbortedClaimWasNeverSent(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		s := r.subscribe(BroadcastOptions{})
		for range 100 {
			if b, err := r.p.Claim(100); err != nil || r.p.Claimed() != 100 {
				t.Fatal(err)
			} else {
				copy(b, payload(99, 100))
			}
			r.p.Abort()
			if r.p.Claimed() != -1 {
				t.Fatal("a claim is open")
			}
			r.send(1)
			s.drain()
		}
	})
}

func TestBroadcastPanicsForTheCallersBugs(t *testing.T) {
	r := newCast(t, lossy(), StartPosition, StartSequence)
	for name, f := range map[string]func(){
		"negative claim":   func() { r.p.Claim(-1) },
		"commit of none":   func() { r.p.Abort(); r.p.Commit(0, 0) },
		"commit of more":   func() { r.p.Claim(8); r.p.Commit(0, 9) },
		"commit of -1":     func() { r.p.Claim(8); r.p.Commit(0, -1) },
		"commit a message": func() { r.p.Claim(8); r.p.TrySend(0, nil); r.p.Commit(0, 8) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestBroadcastMessagesAllocateNothing(t *testing.T) {
	if mem.Hooked {
		t.Skip("a hook's description of the access is on the heap")
	}
	for _, g := range []Geometry{lossy(), lossless()} {
		r := newCast(t, g, StartPosition, StartSequence)
		s := r.subscribe(BroadcastOptions{})
		b, msgs, last := payload(1, 64), batch(1, 8, 64), make([]byte, 0, 128)
		if n := testing.AllocsPerRun(500, func() {
			r.p.TrySend(1, b)
			r.p.TrySend(1, b[:8])
			r.p.TrySendBatch(1, msgs)
			r.p.Claim(40)
			r.p.Commit(1, 40)
			for range 5 {
				if _, err := s.Next(); err != nil {
					t.Fatal(err)
				}
			}
			r.p.TrySend(1, b)
			if _, _, _, err := s.Last(last); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Lease(); err != nil || !s.Valid() {
				t.Fatal(err)
			}
			if _, err := s.Next(); err != ErrEmpty {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%g allocations", n)
		}
	}
}
