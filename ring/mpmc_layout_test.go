package ring

import (
	"errors"
	"testing"
)

func TestMPMCLayoutIsThis(t *testing.T) {
	for name, c := range map[string][2]uint64{
		"tail": {offTail, 0}, "head": {offHead, 0x80}, "end": {offEnd, 0x100}, "F": {offFree, 0x280},
		"gen": {offGen, 0x300}, "dropped": {offDropped, 0x380}, "kind": {uint64(MPMC), 2}, "start": {StartCell, 0xffff_ffc0},
		"least cell": {MinCellSize, 16}, "most cell": {MaxCellSize, 4096},
	} {
		if c[0] != c[1] {
			t.Errorf("%s is %#x, want %#x: rings of other builds would be misread", name, c[0], c[1])
		}
	}
	for _, c := range []struct {
		g                Geometry
		body, words, max uint64
	}{
		{Geometry{Kind: MPMC, Capacity: 4096, CellSize: 64}, 3 * 4096, 4096, 2040},
		{Geometry{Kind: MPMC, Capacity: 4096, CellSize: 64, Checksum: true}, 3 * 4096, 4096, 2032},
		{Geometry{Kind: MPMC, Capacity: 1 << 20, CellSize: 64}, 4096 + 1<<17 + 1<<20, 1 << 17, 1<<19 - 8},
		{Geometry{Kind: MPMC, Capacity: 1 << 40, CellSize: 16}, 4096 + 1<<39 + 1<<40, 1 << 39, 1<<32 - 1},
	} {
		if got := c.g.BodySize(); got != c.body || c.g.wordsSize() != c.words || c.g.MaxMessage() != c.max {
			t.Errorf("%+v: body %d, words %d, largest message %d", c.g, got, c.g.wordsSize(), c.g.MaxMessage())
		}
		if p := c.g.Params(); p[0] != c.g.Capacity || p[2] != c.g.CellSize {
			t.Errorf("%+v: parameters %x", c.g, p)
		}
		if got, err := GeometryOf(MPMC, c.g.Params(), c.body); err != nil || got != c.g {
			t.Errorf("GeometryOf gives %+v, %v; want %+v", got, err, c.g)
		}
		if _, err := GeometryOf(MPMC, c.g.Params(), c.body-1); !errors.Is(err, ErrCorrupt) {
			t.Errorf("GeometryOf in a body that is too small: %v", err)
		}
	}
	if MPMC.String() != "mpmc" {
		t.Errorf("the kind is called %q", MPMC)
	}
}

func TestMPMCCheckRefusesWhatNoRingCanBe(t *testing.T) {
	for size := uint64(16); size <= 4096; size *= 2 {
		err := Geometry{Kind: MPMC, Capacity: 8192, CellSize: size}.Check()
		if err != nil {
			t.Errorf("cells of %d bytes: %v", size, err)
		}
	}
	for _, g := range []Geometry{
		{Kind: MPMC, Capacity: 4096}, {Kind: MPMC, Capacity: 4096, CellSize: 8}, {Kind: MPMC, Capacity: 8192, CellSize: 8192},
		{Kind: MPMC, Capacity: 4096, CellSize: 48}, {Kind: MPMC, Capacity: 4096, CellSize: 4096}, {Kind: MPMC, Capacity: 5000, CellSize: 64},
		{Kind: SPSC, Capacity: 4096, CellSize: 64}, {Kind: 3, Capacity: 4096, CellSize: 64},
	} {
		if err := g.Check(); !errors.Is(err, ErrBadArgument) {
			t.Errorf("%+v: %v, want an error that matches ErrBadArgument", g, err)
		}
	}
}

func TestMPMCFormatWritesTheHintsAndNothingElse(t *testing.T) {
	body := make([]byte, cells16.BodySize())
	Format(cells16, body)
	r := &testMPMC{TB: t, g: cells16, body: body}
	for _, off := range []uint64{offTail, offHead, offFree} {
		if r.word(off) != StartCell {
			t.Errorf("word at %#x is %#x", off, r.word(off))
		}
		r.setWord(off, 0)
	}
	for i, b := range body {
		if b != 0 {
			t.Fatalf("byte %#x is %#x", i, b)
		}
	}
}

func TestMPMCControlWordsAreDrawnSo(t *testing.T) {
	r := smallMPMC(t, 3)
	const lap = StartCell / 16
	want := func(i uint64, state, pad, times, owner, span, lap uint64) {
		t.Helper()
		if w := lap<<24 | span<<20 | owner<<8 | times<<3 | pad<<2 | state; r.cell(i) != w {
			t.Errorf("word of cell %d is %#x, want %#x", i, r.cell(i), w)
		}
	}
	if _, err := r.p[2].Claim(300); err != nil {
		t.Fatal(err)
	}
	want(0, 1, 0, 0, 2, 2, lap)
	r.p[2].Commit(1, 4)
	want(0, 2, 0, 0, 0, 2, lap)
	if _, err := r.c[1].Next(); err != nil {
		t.Fatal(err)
	}
	want(0, 3, 0, 0, 1, 2, lap)
	r.die(1)
	r.sweep(1)
	want(0, 2, 0, 1, 0, 2, lap)
	if _, err := r.c[0].Next(); err != nil {
		t.Fatal(err)
	}
	want(0, 3, 0, 1, 0, 2, lap)
	r.c[0].Release()
	want(0, 0, 0, 0, 0, 2, lap+1)
	want(1, 0, 0, 0, 0, 0, 0)
	if _, err := r.p[2].Claim(0); err != nil {
		t.Fatal(err)
	}
	r.p[2].Abort()
	want(2, 2, 1, 0, 0, 1, lap)
	if err := r.p[0].End(); err != nil {
		t.Fatal(err)
	}
	want(3, 2, 1, 0, 0, 0, lap)
	if r.word(offEnd) != StartCell+4 {
		t.Errorf("the end is at %#x", r.word(offEnd))
	}
}

// A ring whose frames lie the same way lap after lap leaves the words within
// them alone. Long before these look like words of laps to come they are
// renewed.
func TestMPMCWordsThatNobodyWritesAreRefreshed(t *testing.T) {
	const quarter = 1 << 42 // positions; an eighth of the laps is 2⁴¹
	for _, start := range []uint64{1 << 41, quarter, 3 * quarter, 1<<44 - 1<<41, 1<<44 - 16} {
		r := newMPMCRing(t, cells16, start, 2, MPMCOptions{})
		for i := range 16 {
			r.send(0, i, r.size(2))
			r.receive(1, i, r.size(2), false)
			r.c[1].Release()
		}
		// Two laps with frames of two cells. Words within them are as old as
		// the ring, or of the lap after the one that refreshes.
		old := r.cellWord(start-16, 0, 0, 0, 0, 0)
		refreshed := r.cellWord(start+16, 0, 0, 0, 0, 0)
		for i := uint64(1); i < 16; i += 2 {
			want := refreshed
			if start == 1<<44-16 {
				// Lap 0 refreshes, one later.
				want = old
			}
			if got := r.cell(i); got != want && r.word(offFree) > start+i {
				t.Errorf("from %#x: word of cell %d is %#x, want %#x", start, i, got, want)
			}
		}
		r.whole(0, 1)
	}
	// An idle producer that wakes after half of all laps still finds its way,
	// and so does an idle consumer.
	for _, gone := range []uint64{1 << 30, 1 << 42, 1 << 43, 1<<43 + 16, 3 << 42, 1<<44 - 16} {
		r := newMPMCRing(t, cells16, StartCell, 4, MPMCOptions{})
		idleP, idleC := r.p[2], r.c[3]
		r.format(StartCell + gone)
		r.setWord(offGen, gone>>41)
		for i := range 5 {
			r.send(0, i, r.size(2))
		}
		r.p[2], r.c[3] = idleP, idleC
		r.receive(3, 0, r.size(2), false)
		r.c[3].Release()
		r.send(2, 5, r.size(4))
		for i := 1; i < 5; i++ {
			r.receive(1, i, r.size(2), false)
		}
		r.receive(1, 5, r.size(4), false)
		r.none(3, ErrEmpty)
		r.c[1].Release()
		r.whole(2, 3)
	}
}
