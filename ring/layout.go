package ring

import (
	"fmt"
	"math/bits"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
)

// The body of a section, which package shm hands over as bytes (its own pages,
// the descriptor and the table of participants, come before):
//
//	offset   word                      written by
//	┌──────────────────────────────────────────────────────────────────────┐
//	│ 0x000  producer position   u64   the producer; observers read it     │
//	│ 0x080  consumer position   u64   the consumer, with release          │
//	│ 0x100  end of the stream   u64   the producer, once: position | 1    │
//	│ 0x180  data bell           2×u32 consumer sleeps, producer rings     │
//	│ 0x200  space bell          2×u32 producer sleeps, consumer rings     │
//	│ …      zero, up to the page's end                                    │
//	├──────────────────────────────────────────────────────────────────────┤
//	│ 0x1000 data: capacity bytes, a power of two                          │
//	└──────────────────────────────────────────────────────────────────────┘
//
// Words of different writers are mem.Line (128) bytes apart. Everything is
// little endian and the same on every architecture. A position counts bytes
// and only grows; its place in the data is position modulo capacity.
const (
	offProducer  = 0 * mem.Line
	offConsumer  = 1 * mem.Line
	offEnd       = 2 * mem.Line
	offDataBell  = 3 * mem.Line
	offSpaceBell = 4 * mem.Line

	controlSize = 4096
)

// StartPosition is where the positions of a new ring begin: a page before
// 2³², so that the wrap of the data and a carry into the upper half of the
// position happen in the first moments of every ring's life.
const StartPosition = 1<<32 - 4096

// Limits of a ring's capacity in bytes.
const (
	MinCapacity = 4096
	MaxCapacity = 1 << 40
)

// Kind is a ring's topology.
type Kind uint32

// The kinds of rings.
const (
	SPSC Kind = 1 // one producer, one consumer
)

func (k Kind) String() string {
	switch k {
	case SPSC:
		return "spsc"
	}
	return fmt.Sprintf("kind %d", uint32(k))
}

// Geometry is what has to be known of a ring before its memory can be used.
// It is fixed when the ring is created and stands in the section's descriptor.
type Geometry struct {
	Kind     Kind
	Capacity uint64 // bytes of data: a power of two from MinCapacity to MaxCapacity
	Checksum bool   // frames carry an xxhash64 of their payload
}

const paramChecksum = 1 // a bit of the descriptor's second parameter

// Check returns an error that matches [ErrBadArgument] when no ring can have
// this geometry.
func (g Geometry) Check() error {
	bad := func(format string, a ...any) error {
		return &errs.Error{Op: "ring", Detail: fmt.Sprintf(format, a...), Err: ErrBadArgument}
	}
	if g.Kind != SPSC {
		return bad("%v is not a kind this version knows", g.Kind)
	}
	if bits.OnesCount64(g.Capacity) != 1 || g.Capacity < MinCapacity || g.Capacity > MaxCapacity {
		return bad("capacity of %d bytes is not a power of two from %d to %d", g.Capacity, MinCapacity, uint64(MaxCapacity))
	}
	return nil
}

// BodySize returns the number of bytes that a ring of this geometry needs.
func (g Geometry) BodySize() uint64 { return controlSize + g.Capacity }

// MaxMessage returns the largest payload in bytes: a frame of at most half the
// ring, so that it fits whatever lies before it at the ring's end.
func (g Geometry) MaxMessage() uint64 {
	n := g.Capacity/2 - 2*HeaderSize
	if g.Checksum {
		n -= HeaderSize
	}
	return min(n, 1<<32-1)
}

// Params encodes the geometry for the section's descriptor.
func (g Geometry) Params() (p [8]uint64) {
	p[0] = g.Capacity
	if g.Checksum {
		p[1] |= paramChecksum
	}
	return p
}

// GeometryOf decodes a descriptor's parameters, which another program may have
// written, for a body of size bytes. The error matches [ErrCorrupt] when they
// don't describe a ring that fits.
func GeometryOf(kind Kind, p [8]uint64, size uint64) (Geometry, error) {
	g := Geometry{Kind: kind, Capacity: p[0], Checksum: p[1]&paramChecksum != 0}
	if err := g.Check(); err != nil {
		return g, corrupt("open", "the descriptor's geometry: %v", err)
	}
	if p != g.Params() {
		return g, corrupt("open", "the descriptor's parameters %x hold more than this version knows", p)
	}
	if g.BodySize() > size {
		return g, corrupt("open", "a ring of %d bytes needs a body of %d, there are %d", g.Capacity, g.BodySize(), size)
	}
	return g, nil
}

// Format writes an empty ring into body, which must be zero, before anybody
// else sees it.
func Format(g Geometry, body []byte) {
	r := mem.Of(body)
	r.StoreRelease64(offProducer, StartPosition)
	r.StoreRelease64(offConsumer, StartPosition)
}

// DataBell returns where the consumer sleeps until the producer rings.
func DataBell(body []byte) mem.Region { return mem.Of(body).Slice(offDataBell, mem.Line) }

// SpaceBell returns where the producer sleeps until the consumer rings.
func SpaceBell(body []byte) mem.Region { return mem.Of(body).Slice(offSpaceBell, mem.Line) }

// data returns the part of a body that holds the frames.
func (g Geometry) data(body []byte) mem.Region {
	return mem.Of(body).Slice(controlSize, g.Capacity)
}
