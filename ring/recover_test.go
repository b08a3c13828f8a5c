package ring

import (
	"errors"
	"io"
	"maps"
	"testing"
)

func TestMPMCDeadConsumersMessagesAreDeliveredAgain(t *testing.T) {
	r := smallMPMC(t, 4)
	for i := range 6 {
		r.send(0, i, 30)
	}
	r.receive(1, 0, 30, false)
	r.receive(1, 1, 30, false)
	r.c[1].Release()
	r.receive(1, 2, 30, false)
	r.receive(2, 3, 30, false)
	r.receive(1, 4, 30, false)
	r.die(1)
	r.receive(3, 5, 30, false) // nobody swept yet
	r.none(3, ErrEmpty)
	if rec := r.sweep(1); rec != (Recovered{Swept: true, Redelivered: 2}) {
		t.Errorf("the sweep found %+v", rec)
	}
	r.receive(3, 2, 30, true)
	r.c[2].Release()
	r.receive(0, 4, 30, true)
	r.none(3, ErrEmpty)
	r.none(0, ErrEmpty)
	r.c[3].Release()
	r.c[0].Release()
	r.attach(1)
	r.whole(1, 3)
}

func TestMPMCDeadProducersClaimIsPadding(t *testing.T) {
	for _, sweepFirst := range []bool{false, true} {
		r := smallMPMC(t, 3)
		if _, err := r.p[0].Claim(1000); err != nil {
			t.Fatal(err)
		}
		r.send(1, 1, 30)
		r.none(2, ErrEmpty)
		r.p[0] = nil
		r.none(2, ErrEmpty) // a pause and a death look alike until the death is proven
		r.die(0)
		want := Recovered{Swept: true}
		if sweepFirst {
			want.Padded = 1
			if rec := r.sweep(0); rec != want {
				t.Errorf("the sweep found %+v, want %+v", rec, want)
			}
		}
		r.receive(2, 1, 30, false) // who finds it at the head need not wait for a sweep
		if !sweepFirst {
			if rec := r.sweep(0); rec != want {
				t.Errorf("the sweep found %+v, want %+v", rec, want)
			}
		}
		r.c[2].Release()
		r.attach(0)
		r.whole(0, 2)
	}
}

func TestMPMCBatchOfADeadConsumerIsDeliveredAgainAsAWhole(t *testing.T) {
	r := smallMPMC(t, 3)
	if n, err := r.p[0].TrySendBatch(msgType(7), [][]byte{payload(7, 10), payload(8, 0), payload(9, 600), payload(10, 3)}); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	next := func(i, seq, n int, again bool) {
		t.Helper()
		m, err := r.c[i].Next()
		if err != nil || string(m.Payload) != string(payload(seq, n)) || m.Type != msgType(7) || m.Redelivered != again {
			t.Fatalf("message %d: %+v, %v", seq, m, err)
		}
	}
	next(1, 7, 10, false)
	r.none(2, ErrEmpty)
	if r.c[1].Release() {
		t.Error("a part of a batch is released")
	}
	next(1, 8, 0, false)
	r.die(1)
	r.sweep(1)
	next(2, 7, 10, true)
	next(2, 8, 0, true)
	r.c[2].Release()
	next(2, 9, 600, true)
	r.none(0, ErrEmpty)
	next(2, 10, 3, true)
	if !r.c[2].Release() || r.c[2].Release() {
		t.Error("the batch is not released once")
	}
	r.whole(0, 2)
}

func TestMPMCMessageIsGivenUpAfter32Deaths(t *testing.T) {
	r := smallMPMC(t, 3)
	r.send(0, 1, 600)
	r.send(0, 2, 6)
	for i := range 32 {
		r.receive(1, 1, 600, i > 0)
		r.die(1)
		want := Recovered{Swept: true, Redelivered: 1}
		if i == 31 {
			want = Recovered{Swept: true, Dropped: 1}
		}
		if rec := r.sweep(1); rec != want {
			t.Fatalf("death %d: %+v", i, rec)
		}
		r.attach(1)
	}
	if n := Dropped(r.body); n != 1 {
		t.Errorf("%d messages were dropped", n)
	}
	r.receive(1, 2, 6, false)
	r.c[1].Release()
	r.whole(1, 2)
}

func TestMPMCDetachGivesEverythingBack(t *testing.T) {
	r := smallMPMC(t, 3)
	for i := range 4 {
		r.send(0, i, 100)
	}
	r.receive(0, 0, 100, false)
	r.receive(1, 1, 100, false)
	if _, err := r.p[0].Claim(300); err != nil {
		t.Fatal(err)
	}
	r.send(1, 4, 100)
	rec, err := Detach(r.g, r.body, r.t, 0)
	if want := (Recovered{Swept: true, Redelivered: 1, Padded: 1}); rec != want || err != nil {
		t.Errorf("detach: %+v, %v, want %+v", rec, err, want)
	}
	if st := r.t.Slot(0).State(); st != SlotLive {
		t.Errorf("the slot is %d after Detach", st)
	}
	r.receive(2, 0, 100, true)
	r.receive(2, 2, 100, false)
	r.receive(2, 3, 100, false)
	r.receive(2, 4, 100, false)
	r.none(2, ErrEmpty)
	r.c[2].Release()
	r.c[1].Release()
	r.whole(1, 2)
}

func TestMPMCRedeliveryComesBeforeTheEndToAnyConsumer(t *testing.T) {
	r := smallMPMC(t, 4)
	for i := range 3 {
		r.send(0, i, 5)
		r.receive(1, i, 5, false)
	}
	if err := r.p[0].End(); err != nil {
		t.Fatal(err)
	}
	r.none(2, io.EOF)
	r.die(1)
	r.none(2, io.EOF)
	r.sweep(1)
	r.receive(2, 0, 5, true)
	r.receive(2, 1, 5, true)
	// One who attaches later looks, too.
	c, err := NewMPMCConsumer(r.g, r.body, r.t, 3, MPMCOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.c[3] = c
	r.receive(3, 2, 5, true)
	r.none(3, io.EOF)
	r.none(2, io.EOF)
}

func TestMarkDeadAndSweepTouchOnlyWhoIsMeant(t *testing.T) {
	r := smallMPMC(t, 3)
	r.send(0, 1, 5)
	r.receive(1, 1, 5, false)
	before := string(r.body)
	for _, c := range [][2]int{{-1, 1}, {3, 1}, {1, 0}, {1, 2}} {
		if r.t.MarkDead(c[0], uint32(c[1])) {
			t.Errorf("slot %d, incarnation %d is marked dead", c[0], c[1])
		}
	}
	// Not dead, another incarnation, swept already.
	for _, inc := range []uint32{0, 1, 2} {
		if rec, err := Sweep(r.g, r.body, r.t, 1, inc); rec != (Recovered{}) || err != nil {
			t.Errorf("sweep of the living: %+v, %v", rec, err)
		}
	}
	for _, slot := range []int{-1, 3} {
		if _, err := Sweep(r.g, r.body, r.t, slot, 1); !errors.Is(err, ErrBadArgument) {
			t.Errorf("sweep of slot %d: %v", slot, err)
		}
	}
	if string(r.body) != before {
		t.Error("the ring was changed")
	}
	r.die(1)
	if r.t.MarkDead(1, 1) {
		t.Error("a dead one dies")
	}
	if rec, _ := Sweep(r.g, r.body, r.t, 1, 2); rec != (Recovered{}) {
		t.Errorf("sweep of another incarnation: %+v", rec)
	}
	r.die(0)
	if got := maps.Collect(r.t.Unswept()); len(got) != 2 || got[0] != 1 || got[1] != 1 {
		t.Errorf("the unswept are %v", got)
	}
	for slot := range r.t.Unswept() {
		if slot != 0 {
			t.Errorf("the first unswept is %d", slot)
		}
		break
	}
	r.sweep(1)
	if rec, _ := Sweep(r.g, r.body, r.t, 1, 1); rec != (Recovered{}) {
		t.Errorf("a second sweep: %+v", rec)
	}
	r.sweep(0)
	if got := maps.Collect(r.t.Unswept()); len(got) != 0 {
		t.Errorf("the unswept are %v", got)
	}
	// The slot's next holder is another.
	r.attach(1)
	r.receive(1, 1, 5, true)
	if rec, _ := Sweep(r.g, r.body, r.t, 1, 1); rec != (Recovered{}) {
		t.Errorf("sweep of the successor: %+v", rec)
	}
	if r.t.MarkDead(1, 1) {
		t.Error("the successor is marked dead for its predecessor")
	}
	r.c[1].Release()
}

func TestSlotWordsAreThese(t *testing.T) {
	s := MakeSlot(SlotSwept, 0x12345678, 0x9abcdef0)
	if s != 0xd2345678_9abcdef0 || s.State() != SlotSwept || s.Incarnation() != 0x12345678 || s.PID() != 0x9abcdef0 {
		t.Errorf("%x: %d %x %x", uint64(s), s.State(), s.Incarnation(), s.PID())
	}
	if MakeSlot(SlotLive, 1<<30+5, 0).Incarnation() != 5 {
		t.Error("the incarnation does not wrap")
	}
	for want, st := range []SlotState{SlotFree, SlotLive, SlotDead, SlotSwept} {
		if int(st) != want {
			t.Errorf("state %d is %d", want, st)
		}
	}
}
