package ring

import (
	"errors"
	"testing"
)

// straightMPMC is a ring in its second lap, whose producer and consumer go the
// straight way for messages of 8 bytes and type 3, the last of which is out.
func straightMPMC(t *testing.T) *testMPMC {
	t.Helper()
	r := smallMPMC(t, 2)
	for i := range 18 {
		r.sendStraight(payload(i, 8))
		r.passed(payload(i, 8))
	}
	return r
}

func (r *testMPMC) sendStraight(b []byte) {
	r.Helper()
	if err := r.p[0].TrySend(3, b); err != nil {
		r.Fatal(err)
	}
}

// passed receives b, the straight way if that is possible.
func (r *testMPMC) passed(b []byte) {
	r.Helper()
	m, err := newQueueOf(r).pass(1)
	if err != nil || string(m.Payload) != string(b) || m.Type != 3 {
		r.Fatalf("received %x of type %d, %v; want %x", m.Payload, m.Type, err, b)
	}
}

func newQueueOf(r *testMPMC) *queue {
	q := newQueue(r, StartCell)
	for range r.c[1].Leased() {
		q.held[1] = append(q.held[1], &qframe{})
	}
	return q
}

func TestMPMCStraightWayIsLeftWhenSomethingElseIsDue(t *testing.T) {
	for name, change := range map[string]func(r *testMPMC){
		"nothing":     func(*testMPMC) {},
		"a sweep":     func(r *testMPMC) { r.setWord(offGen, r.word(offGen)+1) },
		"two are out": func(r *testMPMC) { r.sendStraight(payload(9, 8)); _, _ = r.c[1].Next(); r.sendStraight(payload(9, 8)) },
		"none is out": func(r *testMPMC) { r.c[1].Release() },
	} {
		r := straightMPMC(t)
		r.sendStraight(payload(3, 8))
		blind := !r.p[0].Straight(3, 8)
		change(r)
		if got, want := r.c[1].Straight(), name == "nothing"; got != want {
			t.Errorf("%s: the consumer goes straight on: %t", name, got)
		}
		if name == "a sweep" && (blind || r.p[0].Straight(3, 8)) {
			t.Errorf("%s: the producer goes straight on, or never did (%t)", name, blind)
		}
	}
}

func TestMPMCStraightWayKnowsOneKindAtATime(t *testing.T) {
	r := straightMPMC(t)
	for i, n := range []int{8, 8, 16, 8, 264, 8, 8, 8, 264, 264, 8, 8} {
		r.sendStraight(payload(i, n))
		r.passed(payload(i, n))
	}
}

func TestMPMCMessageBehindOneThatIsAlikeIsNotLost(t *testing.T) {
	r := straightMPMC(t)
	msgs := [][]byte{payload(7, 8), payload(8, 13)}
	if sent, err := r.p[0].TrySendBatch(3, msgs); sent != 2 || err != nil {
		t.Fatal(sent, err)
	}
	if !r.c[1].Straight() || !r.c[1].Win() {
		t.Fatal("this test is blind: the batch doesn't look like the messages before it")
	}
	if r.c[1].Pass(); r.c[1].Alike() {
		t.Fatal("a claim with two messages is taken for one with one")
	}
	r.c[1].Odd()
	for _, want := range msgs {
		if m, err := r.c[1].Next(); err != nil || string(m.Payload) != string(want) {
			t.Fatal(m, err)
		}
	}
}

func TestMPMCMessageThatGoesStraightAbortsTheOpenClaim(t *testing.T) {
	r := straightMPMC(t)
	if !r.p[0].Straight(3, 8) {
		t.Fatal("this test is blind: the next message doesn't go straight on")
	}
	if _, err := r.p[0].Claim(8); err != nil {
		t.Fatal(err)
	}
	r.sendStraight(payload(2, 8))
	r.passed(payload(2, 8))
	if r.p[0].Claimed() >= 0 {
		t.Error("the claim is still open")
	}
}

func TestMPMCStraightWayDoesNotLeaveTheRing(t *testing.T) {
	r := smallMPMC(t, 2)
	for i := range 5 { // of three cells each; one is left
		r.sendStraight(payload(i, 600))
	}
	for i := range 5 {
		r.passed(payload(i, 600))
	}
	r.setCell(15, smallWord(3, 2, 0))
	if r.c[1].Straight() {
		t.Error("a frame that crosses the ring's end is taken")
	}
}

func TestMPMCFreedFrameAcrossTheEndIsCorrupt(t *testing.T) {
	r := smallMPMC(t, 2)
	for i := range 5 {
		r.sendStraight(payload(i, 600))
		r.passed(payload(i, 600))
	}
	r.c[1].Release()
	r.sendStraight(payload(5, 600)) // behind padding of a cell
	r.setCell(15, r.cell(12))
	for range 16 {
		if err := r.p[0].TrySend(3, payload(1, 600)); errors.Is(err, ErrCorrupt) {
			return
		}
		if _, err := newQueueOf(r).pass(1); errors.Is(err, ErrCorrupt) {
			return
		}
	}
	t.Error("nobody noticed")
}
