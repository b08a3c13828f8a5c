package ring

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// vandal writes nonsense, and what might look like sense, into the words of a
// ring.
type vandal struct {
	*testMPMC
	rnd   *rand.Rand
	words bool // only into control words, hints and slots, not into frames
}

// value is something that might stand in a word.
func (v *vandal) value() uint64 {
	pos := v.word([]uint64{offTail, offHead, offFree}[v.rnd.IntN(3)]) + v.rnd.Uint64N(3*v.g.cells()) - v.g.cells()
	switch v.rnd.IntN(8) {
	case 0:
		return v.rnd.Uint64()
	case 1:
		return 0
	case 2:
		return ^uint64(0)
	case 3:
		return pos
	case 4:
		return v.cell(v.rnd.Uint64N(v.g.cells()))
	case 5:
		return v.cellWord(pos, v.rnd.Uint64N(v.g.cells()), 2, 1, 0, 0)
	case 6:
		return uint64(MakeHeader(v.rnd.Uint32N(600), 1, v.flag()))
	}
	return v.cellWord(pos, v.rnd.Uint64N(v.g.cells()), v.rnd.IntN(4), v.rnd.IntN(2), v.rnd.IntN(32), v.rnd.IntN(v.t.Len()+2))
}

func (v *vandal) flag() Flags {
	if v.rnd.IntN(2) == 0 {
		return Flags(v.rnd.Uint32())
	}
	return 0
}

func (v *vandal) strike() {
	switch k := v.rnd.IntN(10); {
	case k < 5:
		v.setCell(v.rnd.Uint64N(v.g.cells()), v.value())
	case k < 8:
		v.setWord([]uint64{offTail, offHead, offFree, offGen, offEnd, offDropped}[v.rnd.IntN(6)], v.value())
	case k < 9 && !v.words:
		v.setWord(v.dataOff()+v.rnd.Uint64N(v.g.Capacity/8)*8, v.value())
	default:
		at := v.rnd.IntN(v.t.Len()) * testEntry
		s := MakeSlot(SlotState(v.rnd.IntN(4)), v.rnd.Uint32N(4), 7)
		for i := range 8 {
			v.table[at+i] = byte(s >> (8 * i))
		}
	}
}

// use does one operation. What it gives must be documented, and in the ring.
func (v *vandal) use() {
	v.Helper()
	i := v.rnd.IntN(v.t.Len())
	known := func(err error) {
		v.Helper()
		for _, want := range []error{nil, ErrFull, ErrEmpty, ErrClosed, ErrCorrupt, io.EOF} {
			if errors.Is(err, want) {
				return
			}
		}
		v.Fatalf("error %v", err)
	}
	n := v.rnd.IntN(int(v.g.MaxMessage()) + 1)
	switch v.rnd.IntN(9) {
	case 0, 1:
		known(v.p[i].TrySend(1, make([]byte, n)))
	case 2:
		_, err := v.p[i].TrySendBatch(1, [][]byte{make([]byte, n), {1, 2, 3}, nil, make([]byte, n)})
		known(err)
	case 3:
		b, err := v.p[i].Claim(n)
		known(err)
		if err == nil {
			v.inside(b)
			v.p[i].Commit(1, n/2)
		}
	case 4, 5, 6:
		m, err := v.c[i].Next()
		known(err)
		if err == nil && len(m.Payload) > 0 {
			v.inside(m.Payload)
		}
	case 7:
		v.c[i].Release()
	case 8:
		switch v.rnd.IntN(5) {
		case 0:
			_, err := Sweep(v.g, v.body, v.t, i, v.t.Slot(i).Incarnation())
			known(err)
		case 1:
			_, err := Detach(v.g, v.body, v.t, i)
			known(err)
		case 2:
			p, err := NewMPMCProducer(v.g, v.body, v.t, i)
			if err == nil {
				v.p[i] = p
			} else if !errors.Is(err, ErrBadArgument) {
				known(err)
			}
		case 3:
			c, err := NewMPMCConsumer(v.g, v.body, v.t, i, MPMCOptions{SkipStalled: v.rnd.IntN(2) == 0})
			if err == nil {
				v.c[i] = c
			} else if !errors.Is(err, ErrBadArgument) {
				known(err)
			}
		case 4:
			if v.rnd.IntN(20) == 0 {
				known(v.p[i].End())
			}
		}
	}
}

// newVandal makes the ring a new one, with somebody at work in it.
func newVandal(t testing.TB, g Geometry, rnd *rand.Rand, words bool) *vandal {
	return &vandal{newMPMCRing(t, g, StartCell-rnd.Uint64N(40), 3, MPMCOptions{SkipStalled: rnd.IntN(2) == 0}), rnd, words}
}

func TestMPMCVandalGetsNothingButErrors(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for _, g := range []Geometry{
		{Kind: MPMC, Capacity: 4096, CellSize: 2048}, cells16, {Kind: MPMC, Capacity: 4096, CellSize: 256, Checksum: true},
		{Kind: MPMC, Capacity: 4096, CellSize: 16},
	} {
		t.Run(fmt.Sprintf("%+v", g), func(t *testing.T) {
			corrupts := 0
			for round := range uint64(300) {
				v := newVandal(t, g, rand.New(rand.NewPCG(seed, round)), round%2 == 0)
				for range 60 {
					if v.rnd.IntN(8) == 0 {
						v.strike()
					}
					v.use()
					if _, err := v.c[0].Next(); errors.Is(err, ErrCorrupt) {
						corrupts++
					}
				}
			}
			if corrupts < 100 {
				t.Errorf("only %d times corrupt", corrupts)
			}
		})
	}
}

func TestMPMCCorruptWordIsNamed(t *testing.T) {
	// A span that crosses the end, with what could be a frame.
	for _, send := range []bool{false, true} {
		r := newMPMCRing(t, cells16, StartCell+15, 3, MPMCOptions{})
		r.none(0, ErrEmpty)
		r.setCell(15, smallWord(2, 2, 0))
		r.setWord(r.dataOff()+15*256, uint64(MakeHeader(500, 1, 0)))
		_, err := r.c[0].Next()
		if send {
			err = r.p[0].TrySend(1, nil)
		}
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "of cell 15 (body offset 0x1078), no frame at") {
			t.Errorf("a frame across the end: %v", err)
		}
	}
	for name, c := range map[string]struct {
		word   uint64
		send   bool
		expect string
	}{
		"span 0":         {smallWord(0, 2, 0), false, "ringway: receive: corrupt: control word 0x000ffffffc000002 of cell 0 (body offset 0x1000), no frame at position 0xffffffc0"},
		"span of 9":      {smallWord(9, 2, 0), false, "ringway: receive: corrupt: control word 0x000ffffffc900002 of cell 0 (body offset 0x1000), no frame at position 0xffffffc0"},
		"claim of 9":     {smallWord(9, 1, 0), true, "ringway: send: corrupt: control word 0x000ffffffc900001 of cell 0 (body offset 0x1000), no frame at position 0xffffffc0"},
		"owner 3 of 3":   {smallWord(1, 3, 3), true, "ringway: send: corrupt: control word 0x000ffffffc100303 of cell 0 (body offset 0x1000), no frame at position 0xffffffc0"},
		"two laps ahead": {smallWord(1, 0, 0) + 32<<20, true, "ringway: send: corrupt: control word 0x000ffffffe100000 of cell 0 (body offset 0x1000), another lap at position 0xffffffc0"},
	} {
		r := smallMPMC(t, 3)
		r.setCell(0, c.word)
		_, err := r.c[0].Next()
		if c.send {
			err = r.p[0].TrySend(1, nil)
		}
		if !errors.Is(err, ErrCorrupt) || err.Error() != c.expect {
			t.Errorf("%s: %v\nwant %s", name, err, c.expect)
		}
	}
}

// smallWord is a word for the first cell of a new ring of 16.
func smallWord(span, state, owner uint64) uint64 {
	return StartCell<<20 | span<<20 | owner<<8 | state
}

func TestMPMCBadFrameInAClaimIsNotHandedOut(t *testing.T) {
	for _, sum := range []bool{false, true} {
		g := cells16
		g.Checksum = sum
		for name, h := range map[string]uint64{
			"nothing":     0,
			"of 505":      uint64(MakeHeader(505, 1, 0)),
			"of 2³²-1":    uint64(MakeHeader(1<<32-1, 1, 0)),
			"padding":     uint64(MakeHeader(1, 1, FlagPad)),
			"other sum":   uint64(MakeHeader(1, 1, FlagChecksum)),
			"no mark":     uint64(MakeHeader(1, 1, 0)) &^ (0xff << 56),
			"other flags": uint64(MakeHeader(1, 1, FlagMore)),
		} {
			for second := range 2 {
				r := newMPMCRing(t, g, StartCell, 2, MPMCOptions{})
				if _, err := r.p[0].TrySendBatch(1, [][]byte{make([]byte, 100), make([]byte, 200), make([]byte, 30)}); err != nil {
					t.Fatal(err)
				}
				at, freed := r.dataOff(), r.cellWord(StartCell+16, 2, 0, 0, 0, 0)
				if second == 1 {
					at += 8 + 104
					if sum {
						at += 8
					}
					if name == "nothing" {
						continue // that is the end
					}
				}
				r.setWord(at, h)
				if second == 1 {
					if _, err := r.c[1].Next(); err != nil {
						t.Fatal(err)
					}
				}
				for range 2 {
					if _, err := r.c[1].Next(); !errors.Is(err, ErrCorrupt) {
						t.Errorf("checksum %t, frame %d, %s: %v", sum, second, name, err)
					}
				}
				if r.c[1].Release() || r.cell(0) == freed {
					t.Errorf("checksum %t, frame %d, %s: the claim was released", sum, second, name)
				}
			}
		}
	}
}
