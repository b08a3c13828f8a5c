package ring

import (
	"errors"
	"testing"
)

func TestBroadcastLayoutIsThis(t *testing.T) {
	for name, c := range map[string][2]uint64{
		"latest": {offLatest, 0}, "intent": {offIntent, 0x80}, "wish": {offWish, 0x88}, "end": {offEnd, 0x100},
		"kind": {uint64(Broadcast), 3}, "first number": {StartSequence, 1}, "checkpoint": {checkpointSize, 32}, "gate": {gateSize, 128},
		"most gates": {maxGates, 4094},
	} {
		if c[0] != c[1] {
			t.Errorf("%s is %#x, want %#x: rings of other builds would be misread", name, c[0], c[1])
		}
	}
	for _, c := range []struct {
		g                        Geometry
		data, gates, marks, unit uint64
	}{
		{Geometry{Kind: Broadcast, Capacity: 4096}, 0x2000, 0, 4096, 64},
		{Geometry{Kind: Broadcast, Capacity: 1 << 20}, 0x2000, 0, 4096, 16 << 10},
		{Geometry{Kind: Broadcast, Capacity: 1 << 30, Gates: 1}, 0x1000 + 4096 + 2<<20, 4096, 2 << 20, 16 << 10},
		{Geometry{Kind: Broadcast, Capacity: 8192, Gates: 33, Checksum: true}, 0x1000 + 8192 + 4096, 8192, 4096, 128},
	} {
		g := c.g
		if g.Check() != nil || g.dataOffset() != c.data || g.BodySize() != c.data+g.Capacity || g.gatesSize() != c.gates ||
			g.checkpointsSize() != c.marks || g.chunk() != c.unit {
			t.Errorf("%+v: data at %#x of %#x, gates take %d, checkpoints %d, for %d bytes each",
				g, g.dataOffset(), g.BodySize(), g.gatesSize(), g.checkpointsSize(), g.chunk())
		}
		if got, err := GeometryOf(Broadcast, g.Params(), g.BodySize()); err != nil || got != g {
			t.Errorf("GeometryOf gives %+v, %v; want %+v", got, err, g)
		}
		if _, err := GeometryOf(Broadcast, g.Params(), g.BodySize()-1); !errors.Is(err, ErrCorrupt) {
			t.Errorf("GeometryOf in a body that is too small: %v", err)
		}
	}
	for _, g := range []Geometry{
		{Kind: Broadcast, Capacity: 4096, CellSize: 64}, {Kind: Broadcast, Capacity: 4096, Gates: 4095}, {Kind: SPSC, Capacity: 4096, Gates: 1},
		{Kind: MPMC, Capacity: 4096, CellSize: 64, Gates: 1}, {Kind: Broadcast, Capacity: 5000},
	} {
		if err := g.Check(); !errors.Is(err, ErrBadArgument) {
			t.Errorf("%+v: %v, want an error that matches ErrBadArgument", g, err)
		}
	}
	if Broadcast.String() != "broadcast" {
		t.Errorf("the kind is called %q", Broadcast)
	}
}

func TestCheckpointsFitTheirRoom(t *testing.T) {
	for _, capacity := range []uint64{4096, 1 << 16, 1 << 22} {
		g := Geometry{Kind: Broadcast, Capacity: capacity, Gates: 5}
		s := newStream(g, make([]byte, g.BodySize()))
		seen := make(map[uint64]bool)
		for pos := s.chunkOf(StartPosition); pos < s.chunkOf(StartPosition)+capacity; pos += s.chunk {
			m := s.markOf(pos)
			if m+checkpointSize > s.marks.Len() || seen[m] || s.markOf(pos+s.chunk-8) != m || s.markOf(pos+capacity) != m {
				t.Fatalf("capacity %d: the checkpoint of position %#x is at %d of %d", capacity, pos, m, s.marks.Len())
			}
			seen[m] = true
		}
	}
}
