package ring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestMPMCMessagesArriveInOrderAroundTheRing(t *testing.T) {
	for _, g := range []Geometry{
		{Kind: MPMC, Capacity: 4096, CellSize: 2048}, {Kind: MPMC, Capacity: 4096, CellSize: 1024}, cells16,
		{Kind: MPMC, Capacity: 4096, CellSize: 16}, {Kind: MPMC, Capacity: 65536, CellSize: 64, Checksum: true},
		{Kind: MPMC, Capacity: 4096, CellSize: 256, Checksum: true},
	} {
		t.Run(fmt.Sprintf("%+v", g), func(t *testing.T) {
			r := newMPMCRing(t, g, StartCell, 2, MPMCOptions{})
			most := int(g.MaxMessage())
			for seq := range 3000 {
				n := seq * seq % (most + 1)
				r.send(seq%2, seq, n)
				r.receive(seq/2%2, seq, n, false)
				if seq%3 == 0 {
					r.c[0].Release()
					r.c[1].Release()
				}
				// Whatever the spans, half the ring is not more than what
				// was not released.
				if seq%3 != 0 {
					r.c[seq/2%2].Release()
				}
			}
			r.c[0].Release()
			r.c[1].Release()
			r.whole(0, 1)
		})
	}
}

func TestMPMCRingIsFullExactlyWhenACellIsMissing(t *testing.T) {
	r := smallMPMC(t, 2)
	for span := 1; span <= 8; span++ {
		sent, taken := 0, 0
		for r.p[0].TrySend(msgType(sent), payload(sent, r.size(span))) == nil {
			sent++
		}
		free := 16
		for i := range 16 {
			if r.cell(uint64(i))&3 != 0 {
				free -= int(r.cell(uint64(i)) >> 20 & 15)
			}
		}
		if free >= 2*span {
			t.Fatalf("full for %d cells with %d free", span, free)
		}
		for ; taken < sent; taken++ {
			r.receive(1, taken, r.size(span), false)
		}
		r.full(0, r.size(8))
		r.c[1].Release()
		r.none(1, ErrEmpty)
	}
	r.whole(0, 1)
	for i := range 16 {
		r.send(0, i, r.size(1))
	}
	for i := range 16 {
		r.full(0, 0)
		r.full(1, 0)
		r.receive(1, i, r.size(1), false)
		r.full(1, 0)
		r.c[1].Release()
		r.send(0, 16+i, 0)
	}
	r.full(0, 0)
}

func TestMPMCRoomBelongsToTheOldestLease(t *testing.T) {
	r := smallMPMC(t, 2)
	for i := range 16 {
		r.send(0, i, 10)
	}
	r.receive(0, 0, 10, false)
	for i := 1; i < 16; i++ {
		r.receive(1, i, 10, false)
	}
	if r.c[1].Leased() != 15 || !r.c[1].Release() || r.c[1].Release() || r.c[1].Leased() != 0 {
		t.Error("15 leases can't be released once")
	}
	r.full(0, 0)
	r.full(1, 0)
	r.c[0].Release()
	for i := range 16 {
		r.send(1, i, 10)
	}
	r.full(1, 0)
}

func TestMPMCMessageThatCrossesTheEndGoesBehindPadding(t *testing.T) {
	for span := 2; span <= 8; span++ {
		for before := 1; before < span; before++ {
			r := newMPMCRing(t, cells16, StartCell+16-uint64(before), 2, MPMCOptions{})
			r.send(0, 1, r.size(span))
			if want := r.cellWord(StartCell, uint64(before), 2, 1, 0, 0); r.cell(uint64(16-before)) != want {
				t.Errorf("%d cells, %d before the end: word %x, want padding %x", span, before, r.cell(uint64(16-before)), want)
			}
			if want := r.cellWord(StartCell+16, uint64(span), 2, 0, 0, 0); r.cell(0) != want {
				t.Errorf("%d cells, %d before the end: word %x, want %x", span, before, r.cell(0), want)
			}
			r.receive(1, 1, r.size(span), false)
			r.c[1].Release()
			r.whole(0, 1)
		}
	}
}

func TestMPMCPaddingIsClaimedAsSoonAsItFits(t *testing.T) {
	r := smallMPMC(t, 2)
	r.send(0, 0, r.size(8))
	r.send(0, 1, r.size(6))
	// Two cells are left before the end: no room for a message of three, but
	// for the padding before it.
	r.full(0, r.size(3))
	if w, want := r.cell(14), r.cellWord(StartCell+14, 2, 2, 1, 0, 0); w != want {
		t.Errorf("the word before the end is %x, want %x", w, want)
	}
	r.full(0, r.size(1))
	r.receive(1, 0, r.size(8), false)
	r.full(0, r.size(1))
	r.c[1].Release()
	r.send(0, 2, r.size(3))
	r.receive(1, 1, r.size(6), false)
	r.receive(1, 2, r.size(3), false)
	r.c[1].Release()
	r.whole(0, 1)
}

func TestMPMCTakesMessagesUpToHalfTheRing(t *testing.T) {
	for _, sum := range []bool{false, true} {
		g := cells16
		g.Checksum = sum
		r := newMPMCRing(t, g, StartCell, 2, MPMCOptions{})
		most := int(g.MaxMessage())
		if want := r.size(8); most != want {
			t.Errorf("the largest message has %d bytes, want %d", most, want)
		}
		if err := r.p[0].TrySend(1, make([]byte, most+1)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("one byte more: %v", err)
		}
		if _, err := r.p[0].Claim(most + 1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("claiming one byte more: %v", err)
		}
		if n, err := r.p[0].TrySendBatch(1, [][]byte{{1}, make([]byte, most+1), {2}}); n != 1 || !errors.Is(err, ErrTooLarge) {
			t.Errorf("a batch with one byte more: %d, %v", n, err)
		}
		if m, err := r.c[1].Next(); err != nil || !bytes.Equal(m.Payload, []byte{1}) {
			t.Errorf("the first of the batch: %v, %v", m, err)
		}
		r.none(1, ErrEmpty)
		r.c[1].Release()
		for i := range 40 {
			r.send(0, i, most)
			r.receive(1, i, most, false)
			r.c[1].Release()
		}
		r.whole(0, 1)
	}
}

func TestMPMCClaimIsNotSeenBeforeCommit(t *testing.T) {
	r := smallMPMC(t, 3)
	b, err := r.p[0].Claim(700)
	if err != nil || len(b) != 700 || r.p[0].Claimed() != 700 {
		t.Fatal(len(b), err, r.p[0].Claimed())
	}
	r.inside(b)
	r.send(1, 2, 20) // behind it
	r.none(2, ErrEmpty)
	copy(b, payload(1, 300))
	r.p[0].Commit(msgType(1), 300)
	if r.p[0].Claimed() != -1 {
		t.Error("the claim is still open")
	}
	r.receive(2, 1, 300, false)
	r.receive(1, 2, 20, false)
	r.c[1].Release()
	r.c[2].Release()
	r.whole(0, 1)
}

func TestMPMCAbortedClaimIsSkipped(t *testing.T) {
	r := smallMPMC(t, 2)
	for i, abort := range []func(){
		func() { r.p[0].Abort() },
		func() { r.send(0, 100, 1) },
		func() {
			if _, err := r.p[0].TrySendBatch(msgType(100), [][]byte{payload(100, 1)}); err != nil {
				t.Error(err)
			}
		},
		func() {
			b, _ := r.p[0].Claim(1)
			copy(b, payload(100, 1))
			r.p[0].Commit(msgType(100), 1)
		},
	} {
		if _, err := r.p[0].Claim(600); err != nil {
			t.Fatal(err)
		}
		abort()
		r.p[0].Abort()
		r.send(0, 101, 9)
		if i > 0 {
			r.receive(1, 100, 1, false)
		}
		r.receive(1, 101, 9, false)
		r.none(1, ErrEmpty)
		r.c[1].Release()
	}
	r.whole(0, 1)
}

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
