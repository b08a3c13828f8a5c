package ring

import (
	"bytes"
	"errors"
	"fmt"
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

// Whoever needs room sees to it that nobody starts before what he has others
// write over, though nobody else stores a hint.
func TestMPMCHintsAreNeverBehindF(t *testing.T) {
	for _, stay := range []bool{true, false} {
		r := newMPMCRing(t, Geometry{Kind: MPMC, Capacity: 8192, CellSize: 64}, StartCell, 2, MPMCOptions{})
		for i := range 500 {
			if stay {
				// As if it died, or slept, before each store of a hint.
				r.p[0].hinted, r.c[1].hinted = r.p[0].pos, r.c[1].head
			} else {
				r.handles(0)
				r.handles(1)
			}
			n := r.size(1 + i*i%5)
			r.send(0, i, n)
			r.receive(1, i, n, false)
			r.c[1].Release()
			if T, H, F := r.word(offTail), r.word(offHead), r.word(offFree); T < F || H < F {
				t.Fatalf("T %#x H %#x F %#x after %d messages", T, H, F, i)
			}
		}
		if F := r.word(offFree); F < StartCell+256 {
			t.Errorf("F is %#x after 500 messages", F)
		}
		r.handles(1)
		r.handles(0)
		r.whole(0, 1)
	}
}
