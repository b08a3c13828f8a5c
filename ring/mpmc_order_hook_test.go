//go:build shmtest

package ring

import (
	"reflect"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// meanwhile has f run once, by others, when what is reported true of an access
// to the word at off of the body.
func (r *testMPMC) meanwhile(off uint64, what func(*mem.Access) bool, f func()) {
	body := reflect.ValueOf(r.body).Pointer()
	done := false
	hook(r.TB, func(a *mem.Access) {
		if !done && a.Addr-body == uintptr(off) && what(a) {
			done = true
			f()
		}
	})
	r.Cleanup(func() {
		if !done {
			r.Error("it never came to that")
		}
	})
}

func TestMPMCSkipLooksAgainAtWhatItWentPast(t *testing.T) {
	r := stallRing(t, 3)
	r.none(1, ErrEmpty)
	b, err := r.p[0].Claim(10)
	if err != nil {
		t.Fatal(err)
	}
	copy(b, payload(1, 10))
	// The consumer has gone past the claim, and is about to look behind it.
	r.meanwhile(0x1000+61*8, func(a *mem.Access) bool { return a.Op == mem.OpLoad && !a.After }, func() {
		r.p[0].Commit(msgType(1), 10)
		r.send(0, 2, 10)
	})
	r.receive(1, 1, 10, false)
	r.receive(1, 2, 10, false)
}

func TestMPMCSweepDuringNextIsNoticed(t *testing.T) {
	for _, skip := range []bool{false, true} {
		r := newMPMCRing(t, cells16, StartCell, 3, MPMCOptions{SkipStalled: skip})
		r.send(0, 1, 10)
		r.receive(0, 1, 10, false)
		r.die(0)
		r.none(1, ErrEmpty)
		r.meanwhile(0x1000+8, func(a *mem.Access) bool { return a.Op == mem.OpLoad && a.After }, func() { r.sweep(0) })
		r.receive(1, 1, 10, true)
		mem.Hook = nil
		r.none(2, ErrEmpty)
	}
}

func TestMPMCSweepThatSleptLeavesTheSuccessorAlone(t *testing.T) {
	r := smallMPMC(t, 4)
	r.send(1, 1, 10)
	if _, err := r.p[0].Claim(10); err != nil {
		t.Fatal(err)
	}
	r.receive(0, 1, 10, false)
	r.die(0)
	// A sweeper has loaded the first word. Another one finishes, and the slot
	// has a new holder, who has the same frames.
	var claim []byte
	r.meanwhile(0x1000, func(a *mem.Access) bool { return a.Op == mem.OpLoad && a.After }, func() {
		r.sweep(0)
		r.attach(0)
		r.receive(0, 1, 10, true)
		var err error
		if claim, err = r.p[0].Claim(10); err != nil {
			t.Fatal(err)
		}
	})
	rec, err := Sweep(r.g, r.body, r.t, 0, 1)
	mem.Hook = nil
	if rec != (Recovered{}) || err != nil {
		t.Errorf("the late sweep did %+v, %v", rec, err)
	}
	if w, want := r.cell(2), r.cellWord(StartCell+2, 1, 1, 0, 0, 0); w != want {
		t.Errorf("the successor's claim is %x, want %x", w, want)
	}
	copy(claim, payload(2, 10))
	r.p[0].Commit(msgType(2), 10)
	r.c[0].Release()
	r.receive(2, 2, 10, false)
	r.c[2].Release()
	r.whole(0, 2)
}

func TestMPMCSweepThatSleptDoesNotMarkTheSuccessor(t *testing.T) {
	r := smallMPMC(t, 2)
	r.die(0)
	r.meanwhile(offGen, func(a *mem.Access) bool { return a.Op == mem.OpAdd && a.After }, func() {
		r.sweep(0)
		r.attach(0)
	})
	if rec, err := Sweep(r.g, r.body, r.t, 0, 1); rec != (Recovered{}) || err != nil {
		t.Errorf("the late sweep did %+v, %v", rec, err)
	}
	if s := r.t.Slot(0); s != MakeSlot(SlotLive, 2, 1000) {
		t.Errorf("the successor's slot is %x", s)
	}
}

func TestMPMCHintsAreNotStoredBehindF(t *testing.T) {
	r := newMPMCRing(t, cells16, StartCell+14, 4, MPMCOptions{})
	body := reflect.ValueOf(r.body).Pointer()
	others := false
	left, rounds := 0, 0 // accesses until the others move, and what they sent
	hook(t, func(a *mem.Access) {
		off := uint64(a.Addr - body)
		if (off == offTail || off == offHead) && (a.Op == mem.OpStoreRelease || a.Op == mem.OpCAS) && !a.After && a.Value < r.word(offFree) {
			t.Errorf("hint at %#x becomes %#x, F is %#x", off, a.Value, r.word(offFree))
		}
		// After some step of participant 0, and when it has claimed padding,
		// the others go around the ring, if they can.
		left--
		padding := a.Op == mem.OpCAS && a.After && a.OK && a.Value&7 == 6
		if others || left != 0 && !padding {
			return
		}
		others = true
		defer func() { others = false }()
		for i := range 40 {
			if r.p[1].TrySend(1, make([]byte, r.size(1+i%3))) == nil {
				rounds++
			}
			if _, err := r.c[2].Next(); err == nil {
				r.c[2].Release()
			}
		}
	})
	for i := range 4000 {
		left = 1 + i/4%70
		switch i % 4 {
		case 0:
			_ = r.p[0].TrySend(1, make([]byte, r.size(1+i/4%8)))
		case 1:
			_, _ = r.p[0].TrySendBatch(1, [][]byte{make([]byte, 300), make([]byte, 900)})
		case 2:
			_, _ = r.c[0].Next()
		case 3:
			r.c[0].Release()
		}
	}
	others = true
	if rounds < 1000 {
		t.Errorf("the others sent only %d messages", rounds)
	}
	for err := error(nil); err == nil; _, err = r.c[3].Next() {
		r.c[3].Release()
	}
	for r.c[0].Release(); r.c[0].Leased() > 0; r.c[0].Release() {
		_, _ = r.c[0].Next() // the rest of a batch
	}
	r.c[2].Release()
	r.c[3].Release()
	r.whole(1, 2)
}
