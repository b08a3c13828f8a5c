package ring

import (
	"errors"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

func TestLayoutIsThese(t *testing.T) {
	for name, c := range map[string][2]uint64{
		"producer position": {offProducer, 0},
		"consumer position": {offConsumer, 0x80},
		"end":               {offEnd, 0x100},
		"data bell":         {offDataBell, 0x180},
		"space bell":        {offSpaceBell, 0x200},
		"data":              {controlSize, 0x1000},
		"start position":    {StartPosition, 0xffff_f000},
		"least capacity":    {MinCapacity, 0x1000},
		"most capacity":     {MaxCapacity, 0x100_0000_0000},
		"header":            {HeaderSize, 8},
		"kind SPSC":         {uint64(SPSC), 1},
	} {
		if c[0] != c[1] {
			t.Errorf("%s is %#x, want %#x: rings of other builds would be misread", name, c[0], c[1])
		}
	}
}

func TestWordsOfDifferentWritersStand128BytesApart(t *testing.T) {
	// Each pair of neighbours, and the bells' last byte from the data.
	offs := []uint64{offProducer, offConsumer, offEnd, offDataBell, offSpaceBell, controlSize}
	for i := range offs[:len(offs)-1] {
		if d := offs[i+1] - offs[i]; d < 128 || offs[i]%128 != 0 {
			t.Errorf("word at %#x stands %d bytes before the next", offs[i], d)
		}
	}
	body := make([]byte, controlSize+MinCapacity)
	for name, bell := range map[string]struct {
		r   mem.Region
		off uint64
	}{"data": {DataBell(body), 0x180}, "space": {SpaceBell(body), 0x200}} {
		bell.r.Bytes(0, bell.r.Len())[0] = 0xEE
		if bell.r.Len() != 128 || body[bell.off] != 0xEE {
			t.Errorf("the %s bell has %d bytes and is not at %#x", name, bell.r.Len(), bell.off)
		}
	}
}

func TestFormatWritesTheTwoPositionsAndNothingElse(t *testing.T) {
	g := Geometry{Kind: SPSC, Capacity: MinCapacity}
	r := &testRing{TB: t, g: g, body: make([]byte, g.BodySize())}
	Format(g, r.body)
	if r.word(0) != 0xffff_f000 || r.word(0x80) != 0xffff_f000 {
		t.Errorf("positions are %#x and %#x", r.word(0), r.word(0x80))
	}
	r.setWord(0, 0)
	r.setWord(0x80, 0)
	for i, b := range r.body {
		if b != 0 {
			t.Fatalf("byte %#x is %#x", i, b)
		}
	}
}

func TestCheckRefusesWhatNoRingCanBe(t *testing.T) {
	for shift := uint(12); shift <= 40; shift++ {
		if err := (Geometry{Kind: SPSC, Capacity: 1 << shift}).Check(); err != nil {
			t.Errorf("capacity 1<<%d: %v", shift, err)
		}
	}
	for _, g := range []Geometry{
		{}, {Capacity: 4096}, {Kind: 2, Capacity: 4096}, {Kind: 1 << 31, Capacity: 4096},
		{Kind: SPSC}, {Kind: SPSC, Capacity: 1}, {Kind: SPSC, Capacity: 8}, {Kind: SPSC, Capacity: 2048},
		{Kind: SPSC, Capacity: 4095}, {Kind: SPSC, Capacity: 4097}, {Kind: SPSC, Capacity: 4096 + 8},
		{Kind: SPSC, Capacity: 3 << 12}, {Kind: SPSC, Capacity: 1<<40 + 1<<39}, {Kind: SPSC, Capacity: 1 << 41},
		{Kind: SPSC, Capacity: 1 << 63}, {Kind: SPSC, Capacity: 1<<64 - 1},
	} {
		if err := g.Check(); !errors.Is(err, ErrBadArgument) {
			t.Errorf("%+v: %v, want an error that matches ErrBadArgument", g, err)
		}
	}
}

func TestGeometryOfReadsBackWhatParamsWrites(t *testing.T) {
	for _, g := range []Geometry{
		{Kind: SPSC, Capacity: MinCapacity}, {Kind: SPSC, Capacity: 1 << 20, Checksum: true}, {Kind: SPSC, Capacity: MaxCapacity},
	} {
		got, err := GeometryOf(g.Kind, g.Params(), g.BodySize())
		if err != nil || got != g {
			t.Errorf("GeometryOf gives %+v, %v; want %+v", got, err, g)
		}
		if got, err = GeometryOf(g.Kind, g.Params(), 1<<62); err != nil || got != g {
			t.Errorf("in a larger body GeometryOf gives %+v, %v; want %+v", got, err, g)
		}
	}
	if p := (Geometry{Kind: SPSC, Capacity: 1 << 20, Checksum: true}).Params(); p != [8]uint64{1 << 20, 1} {
		t.Errorf("the parameters are %x", p)
	}
}

func TestGeometryOfRefusesWhatIsNotARingThatFits(t *testing.T) {
	const size = controlSize + MinCapacity
	good := [8]uint64{MinCapacity}
	if _, err := GeometryOf(SPSC, good, size); err != nil {
		t.Fatal(err)
	}
	refused := func(kind Kind, p [8]uint64, size uint64) {
		t.Helper()
		if _, err := GeometryOf(kind, p, size); !errors.Is(err, ErrCorrupt) {
			t.Errorf("GeometryOf(%v, %x, %d): %v, want an error that matches ErrCorrupt", kind, p, size, err)
		}
	}
	for _, kind := range []Kind{0, 2, 1<<32 - 1} {
		refused(kind, good, size)
	}
	for _, capacity := range []uint64{0, 1, 4095, 4097, 6144, 1 << 41, 1 << 63, 1<<64 - 1, 1<<64 - 4096, 8192} {
		refused(SPSC, [8]uint64{capacity}, size)
	}
	for _, s := range []uint64{0, 1, MinCapacity, controlSize, size - 1} {
		refused(SPSC, good, s)
	}
	// Every bit that this version does not know.
	for i := 1; i < 8; i++ {
		for bit := range 64 {
			if p := good; i != 1 || bit != 0 {
				p[i] |= 1 << bit
				refused(SPSC, p, size)
			}
		}
	}
}

func TestBodyHoldsControlPageAndData(t *testing.T) {
	for _, c := range []uint64{MinCapacity, 1 << 16, MaxCapacity} {
		if got := (Geometry{Kind: SPSC, Capacity: c}).BodySize(); got != 4096+c {
			t.Errorf("a ring of %d bytes needs %d, want %d", c, got, 4096+c)
		}
	}
}

func TestLargestMessageMakesAFrameAndAHeaderOfHalfTheRing(t *testing.T) {
	for _, c := range []struct {
		g    Geometry
		want uint64
	}{
		{Geometry{Kind: SPSC, Capacity: 4096, Checksum: false}, 2032}, {Geometry{Kind: SPSC, Capacity: 4096, Checksum: true}, 2024},
		{Geometry{Kind: SPSC, Capacity: 1 << 20, Checksum: false}, 1<<19 - 16}, {Geometry{Kind: SPSC, Capacity: 1 << 32, Checksum: false}, 1<<31 - 16},
		{Geometry{Kind: SPSC, Capacity: 1 << 33, Checksum: false}, 1<<32 - 16}, {Geometry{Kind: SPSC, Capacity: 1 << 34, Checksum: false}, 1<<32 - 1}, {Geometry{Kind: SPSC, Capacity: 1 << 40, Checksum: true}, 1<<32 - 1},
	} {
		if got := c.g.MaxMessage(); got != c.want {
			t.Errorf("%+v takes messages of %d bytes, want %d", c.g, got, c.want)
		}
	}
}

func TestKindsHaveNames(t *testing.T) {
	if SPSC.String() != "spsc" || Kind(77).String() != "kind 77" {
		t.Errorf("kinds are called %q and %q", SPSC, Kind(77))
	}
}
