package ring

import (
	"errors"
	"io"
	"testing"
)

func TestMPMCEndComesAfterWhatWasClaimedAndBeforeAllElse(t *testing.T) {
	for _, skip := range []bool{false, true} {
		r := newMPMCRing(t, cells16, StartCell+14, 3, MPMCOptions{SkipStalled: skip})
		r.send(1, 1, 40)
		if _, err := r.p[1].Claim(60); err != nil {
			t.Fatal(err)
		}
		if err := r.p[0].End(); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if i != 1 {
				if err := r.p[i].TrySend(1, nil); err != ErrClosed {
					t.Errorf("producer %d sends after the end: %v", i, err)
				}
				if n, err := r.p[i].TrySendBatch(1, [][]byte{{1}}); n != 0 || err != ErrClosed {
					t.Errorf("producer %d sends after the end: %d, %v", i, n, err)
				}
				if err := r.p[i].End(); err != ErrClosed {
					t.Errorf("producer %d ends it again: %v", i, err)
				}
			}
		}
		if _, err := NewMPMCProducer(r.g, r.body, r.t, 0); !errors.Is(err, ErrClosed) {
			t.Errorf("attaching after the end: %v", err)
		}
		r.receive(0, 1, 40, false)
		r.none(0, ErrEmpty)
		copy(r.p[1].data.Bytes(r.p[1].claimAt&15*256+8, 60), payload(2, 60))
		r.p[1].Commit(msgType(2), 60)
		if err := r.p[1].TrySend(1, nil); err != ErrClosed {
			t.Errorf("the late one sends: %v", err)
		}
		r.receive(2, 2, 60, false)
		for i := range 3 {
			r.none(i, io.EOF)
			r.none(i, io.EOF)
		}
		// What a dead consumer had comes after the end.
		r.die(2)
		r.sweep(2)
		r.receive(1, 2, 60, true)
		r.none(1, io.EOF)
		r.none(0, io.EOF)
	}
}

func TestMPMCEndNeedsTheRoomOfACell(t *testing.T) {
	r := smallMPMC(t, 2)
	for i := range 16 {
		r.send(0, i, 1)
	}
	if err := r.p[0].End(); err != ErrFull {
		t.Fatalf("end of a full ring: %v", err)
	}
	r.receive(1, 0, 1, false)
	r.c[1].Release()
	if err := r.p[0].End(); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 16; i++ {
		r.receive(1, i, 1, false)
	}
	r.none(1, io.EOF)
}

func TestMPMCCallersErrorsPanic(t *testing.T) {
	r := smallMPMC(t, 1)
	for name, f := range map[string]func(){
		"commit without a claim": func() { r.p[0].Abort(); r.p[0].Commit(1, 0) },
		"negative claim":         func() { _, _ = r.p[0].Claim(-1) },
		"commit of too much":     func() { _, _ = r.p[0].Claim(5); r.p[0].Commit(1, 6) },
		"negative commit":        func() { _, _ = r.p[0].Claim(5); r.p[0].Commit(1, -1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", name)
				}
			}()
			f()
		}()
	}
}

func TestMPMCAttachRefusesWhoIsNotThere(t *testing.T) {
	r := smallMPMC(t, 3)
	r.die(1)
	for name, c := range map[string]struct {
		g     Geometry
		body  []byte
		owner int
	}{
		"below":   {r.g, r.body, -1},
		"beyond":  {r.g, r.body, 3},
		"dead":    {r.g, r.body, 1},
		"short":   {r.g, r.body[:len(r.body)-8], 0},
		"kind":    {Geometry{Kind: SPSC, Capacity: 4096}, r.body, 0},
		"no ring": {Geometry{Kind: MPMC, Capacity: 4096, CellSize: 17}, r.body, 0},
	} {
		_, perr := NewMPMCProducer(c.g, c.body, r.t, c.owner)
		_, cerr := NewMPMCConsumer(c.g, c.body, r.t, c.owner, MPMCOptions{})
		if !errors.Is(perr, ErrBadArgument) || !errors.Is(cerr, ErrBadArgument) {
			t.Errorf("%s: %v, %v", name, perr, cerr)
		}
	}
	for _, size := range []uint64{0, 4, 12} {
		if _, err := TableOf(r.table, size); !errors.Is(err, ErrBadArgument) {
			t.Errorf("entries of %d bytes: %v", size, err)
		}
	}
}

func TestMPMCPollSeesWhatIsAwaited(t *testing.T) {
	r := smallMPMC(t, 2)
	r.none(1, ErrEmpty)
	if r.c[1].Poll(2, 1) {
		t.Error("something comes to an empty ring")
	}
	r.send(0, 0, 1)
	if !r.c[1].Poll(2, 1) {
		t.Error("a message is not seen")
	}
	for i := 1; i < 16; i++ {
		r.send(0, i, 1)
	}
	r.full(0, 1)
	r.receive(1, 0, 1, false)
	r.full(0, 1)
	if r.p[0].Poll(2, 1) {
		t.Error("room in a full ring")
	}
	r.c[1].Release()
	if !r.p[0].Poll(2, 1) {
		t.Error("room is not seen")
	}
}
