package ring

import (
	"errors"
	"testing"
)

func TestTheSlowestSubscriberGatesALosslessPublisher(t *testing.T) {
	for _, sum := range []bool{false, true} {
		g := lossless()
		g.Checksum = sum
		r := newCast(t, g, StartPosition, StartSequence)
		fast, slow := r.gated(0), r.gated(2)
		for range 50 {
			for {
				err := r.p.TrySend(castType(r.sent), payload(r.sent, castSize(r.sent)))
				if err == ErrFull {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				r.sent++
				fast.drain()
				fast.Publish()
			}
			if n := r.p.Slowest().Number; n != 2 || !r.p.Slowest().Incarnation(1) || r.p.Slowest().Incarnation(2) {
				t.Fatalf("full because of gate %d", n)
			}
			if r.p.Poll(1, 1) {
				t.Fatal("there may be room, though nobody read")
			}
			if behind := r.p.Position() - slow.Position(); behind < castCapacity-3*256 {
				t.Fatalf("full when the slowest is %d bytes behind", behind)
			}
			slow.drainTo(20)
			slow.Publish()
			if !r.p.Poll(1, 1) {
				t.Fatal("no room is seen")
			}
		}
		slow.drain()
		if slow.missed+fast.missed != 0 || slow.got != r.sent {
			t.Errorf("%d and %d of %d messages received, %d and %d missed", slow.got, fast.got, r.sent, slow.missed, fast.missed)
		}
	}
}

// fill sends until a lossless ring is full.
func (r *testCast) fill() {
	r.Helper()
	for {
		err := r.p.TrySend(castType(r.sent), payload(r.sent, castSize(r.sent)))
		if err == ErrFull {
			return
		}
		if err != nil {
			r.Fatal(err)
		}
		r.sent++
	}
}

func TestADeadSubscriberIsBuriedAndGatesNoMore(t *testing.T) {
	r := newCast(t, lossless(), StartPosition, StartSequence)
	r.gated(1)
	r.fill()
	g := r.p.Slowest()
	if !r.p.Bury(g) || r.p.Bury(g) {
		t.Error("it is buried once")
	}
	r.send(500)
}

func TestANewHolderOfTheGateIsNotTakenForTheDeadOne(t *testing.T) {
	r := newCast(t, lossless(), StartPosition, StartSequence)
	r.gated(1)
	r.fill()
	g := r.p.Slowest()
	// The next one begins at the very same place.
	s := r.subscribe(BroadcastOptions{Start: Oldest, Gated: true, Gate: 1, Incarnation: 2})
	if r.p.Bury(g) {
		t.Fatal("the gate of the living one is taken away")
	}
	if err := r.p.TrySend(0, make([]byte, 1000)); err != ErrFull || !r.p.Slowest().Incarnation(2) {
		t.Errorf("the living one does not gate: %v", err)
	}
	s.drain()
}

func TestAnEvictedSubscriberLearnsWhatItMissedAndGatesAgain(t *testing.T) {
	r := newCast(t, lossless(), StartPosition, StartSequence)
	s := r.gated(1)
	r.fill()
	if !r.p.Bury(r.p.Slowest()) {
		t.Fatal("not evicted")
	}
	r.send(500)
	if err := s.recv(); err != nil || s.missed == 0 {
		t.Fatalf("nothing missed: %v", err)
	}
	missed := s.missed
	r.fill()
	s.drain()
	if s.missed != missed {
		t.Errorf("it missed %d more since it is back", s.missed-missed)
	}
}

func TestASubscriberEvictedTooEarlyLosesNothing(t *testing.T) {
	r := newCast(t, lossless(), StartPosition, StartSequence)
	s := r.gated(1)
	r.fill()
	r.p.Bury(r.p.Slowest())
	s.drain()
	if !s.Publish() {
		t.Error("the publisher isn't told")
	}
	r.fill()
	if n := r.p.Slowest().Number; n != 1 {
		t.Errorf("it doesn't gate any more, gate %d does", n)
	}
	s.drain()
	if s.missed != 0 {
		t.Errorf("%d missed", s.missed)
	}
}

func TestWhoLeavesGatesNoMore(t *testing.T) {
	r := newCast(t, lossless(), StartPosition, StartSequence)
	s := r.gated(1)
	r.fill()
	if !s.Leave() {
		t.Error("the publisher isn't told")
	}
	r.send(500)
	if s.Leave() {
		t.Error("it leaves twice")
	}
}

func TestALeaseIsNotOverwrittenInALosslessRing(t *testing.T) {
	r := newCast(t, lossless(), StartPosition, StartSequence)
	s := r.gated(0)
	for range 300 {
		r.fill()
		for range 5 {
			m, err := s.Lease()
			s.Publish()
			r.fill()
			if !s.Valid() {
				t.Fatal("a lease is not valid")
			}
			if err := s.take(m, err); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestNonsenseInAGateHoldsNobodyUp(t *testing.T) {
	r := newCast(t, lossless(), StartPosition, StartSequence)
	s := r.gated(0)
	for i := range 64 {
		r.setWord(controlSize+gateSize, 1<<i|gateSet)
		r.setWord(controlSize+2*gateSize, ^uint64(0)<<i)
		r.sendBurying(5)
		s.drain()
		s.Publish()
	}
	r.setWord(controlSize+gateSize, gateWord(r.p.Position()+8, 1)) // the future
	for range 200 {
		r.sendBurying(5)
		s.drain()
		s.Publish()
	}
	if s.missed != 0 {
		t.Errorf("%d missed", s.missed)
	}
}

// sendBurying sends n messages. A gate that is in the way, other than gate 0, may
// look like that of somebody, but it's nobody's: it is buried.
func (r *testCast) sendBurying(n int) {
	r.Helper()
	for end := r.sent + n; r.sent < end; {
		err := r.p.TrySend(castType(r.sent), payload(r.sent, castSize(r.sent)))
		if err == nil {
			r.sent++
		} else if err != ErrFull || r.p.Slowest().Number == 0 || !r.p.Bury(r.p.Slowest()) {
			r.Fatal(err)
		}
	}
}

func TestASubscriberNeedsAGateThatThereIs(t *testing.T) {
	for _, n := range []int{-1, 3, 1 << 30} {
		r := newCast(t, lossless(), StartPosition, StartSequence)
		if _, err := NewBroadcastSubscriber(r.g, r.body, BroadcastOptions{Gated: true, Gate: n}); !errors.Is(err, ErrBadArgument) {
			t.Errorf("gate %d: %v", n, err)
		}
	}
}

func TestASubscriberThatCantBeginLeavesNoGateBehind(t *testing.T) {
	r := newCast(t, lossless(), StartPosition, StartSequence)
	o := BroadcastOptions{Start: AtSequence, Sequence: 77, Gated: true, Gate: 1}
	if _, err := NewBroadcastSubscriber(r.g, r.body, o); !errors.Is(err, ErrBadArgument) {
		t.Fatal(err)
	}
	r.send(500)
}

func TestThePublisherIsToldWhenAnEighthIsRead(t *testing.T) {
	r := newCast(t, lossless(), StartPosition, StartSequence)
	s := r.gated(1)
	r.fill()
	for range 20 {
		from := s.Position()
		for !s.Due() {
			if err := s.recv(); err == ErrEmpty {
				r.fill()
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if n := s.Position() - from; n < castCapacity/8 || n > castCapacity/8+512 {
			t.Errorf("due after %d bytes", n)
		}
		if !s.Publish() || s.Publish() {
			t.Error("it is told once")
		}
		r.fill()
	}
}
