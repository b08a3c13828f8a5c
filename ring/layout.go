package ring

import (
	"fmt"
	"math"
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
//	│ 0x088  taken               u64   the consumer: up to where, if that  │
//	│                                  is within the frame at 0x080        │
//	│ 0x100  end of the stream   u64   the producer, once: position | 1    │
//	│ 0x180  data bell           2×u32 consumer sleeps, producer rings     │
//	│ 0x200  space bell          2×u32 producer sleeps, consumer rings     │
//	│ …      zero, up to the page's end                                    │
//	├──────────────────────────────────────────────────────────────────────┤
//	│ 0x1000 data: capacity bytes, a power of two                          │
//	└──────────────────────────────────────────────────────────────────────┘
//
// Behind the data of a ring of any kind there are stamps and histograms if its
// creator wanted messages timed: see latency.go. Who knows nothing of them finds
// parameters in the descriptor that it doesn't know, and refuses the section.
//
// Words of different writers are mem.Line (128) bytes apart. Everything is
// little endian and the same on every architecture. A position counts bytes
// and only grows; its place in the data is position modulo capacity.
const (
	offProducer  = 0 * mem.Line
	offConsumer  = 1 * mem.Line
	offTaken     = offConsumer + 8
	offEnd       = 2 * mem.Line
	offDataBell  = 3 * mem.Line
	offSpaceBell = 4 * mem.Line

	controlSize = 4096
)

// An MPMC ring's body has the same words in the same places, and three more.
// Its positions count cells. See [MPMCProducer] for what they mean.
//
//	offset   word                      written by
//	┌──────────────────────────────────────────────────────────────────────┐
//	│ 0x000  T: hint at the tail   u64   every producer, now and then      │
//	│ 0x080  H: hint at the head   u64   every consumer, now and then      │
//	│ 0x100  end of the stream     u64   who ends it, once: position + 1   │
//	│ 0x180  data bell           2×u32   consumers sleep, producers ring   │
//	│ 0x200  space bell          2×u32   producers sleep, consumers ring   │
//	│ 0x280  F: below, all is free u64   producers in need of room         │
//	│ 0x300  gen: takers recovered u64   who sweeps after a death          │
//	│ 0x380  dropped messages      u64   who sweeps after a death          │
//	│ …      zero, up to the page's end                                    │
//	├──────────────────────────────────────────────────────────────────────┤
//	│ 0x1000 control words: one u64 for each cell, then zero up to a page  │
//	├──────────────────────────────────────────────────────────────────────┤
//	│ data: the cells, capacity bytes                                      │
//	└──────────────────────────────────────────────────────────────────────┘
const (
	offTail    = offProducer
	offHead    = offConsumer
	offFree    = 5 * mem.Line
	offGen     = 6 * mem.Line
	offDropped = 7 * mem.Line
)

// A broadcast ring's body has these words. Its positions count bytes. See
// [BroadcastPublisher] for what they mean.
//
//	offset   word                      written by
//	┌──────────────────────────────────────────────────────────────────────┐
//	│ 0x000  latest checkpoint     u64   the publisher: its position       │
//	│ 0x080  intent                u64   the publisher, before it          │
//	│                                    overwrites: what is a lap or more │
//	│                                    behind it is gone                 │
//	│ 0x088  wish                  u64   the publisher, lossless: what the │
//	│                                    intent will be, gates permitting  │
//	│ 0x100  end of the stream     u64   the publisher, once: position | 1 │
//	│ 0x180  data bell           2×u32   subscribers sleep, it rings       │
//	│ 0x200  space bell          2×u32   it sleeps, subscribers ring       │
//	│ …      zero, up to the page's end                                    │
//	├──────────────────────────────────────────────────────────────────────┤
//	│ 0x1000 lossless: gates, a line each: u64, a subscriber and, to       │
//	│        evict or bury it, the publisher; then zero up to a page       │
//	├──────────────────────────────────────────────────────────────────────┤
//	│ checkpoints, one for each chunk of the data, then zero up to a page  │
//	│  +0  position                u64   the publisher, last; odd meanwhile│
//	│  +8  sequence number         u64   of the next message from there    │
//	│ +16  payload bytes           u64   of all messages before            │
//	│ +24  zero                                                            │
//	├──────────────────────────────────────────────────────────────────────┤
//	│ data: capacity bytes                                                 │
//	└──────────────────────────────────────────────────────────────────────┘
//
// Only what a lossless ring's subscribers write, gates and bells, is ever
// written by anybody but the publisher. Subscribers of a lossy ring need no
// right to write, except for sleeping on the bell.
const (
	offLatest = offProducer
	offIntent = offConsumer
	offWish   = offIntent + 8

	checkpointSize = 32
	minChunk       = 64
	maxChunk       = 16 << 10
	maxGates       = maxOwners - 1
)

// StartSequence is the sequence number of a broadcast ring's first message.
const StartSequence = 1

// StartPosition is where the positions of a new ring begin: a page before
// 2³², so that the wrap of the data and a carry into the upper half of the
// position happen in the first moments of every ring's life.
const StartPosition = 1<<32 - 4096

// StartCell is where the positions of a new MPMC ring begin: its StartPosition,
// in cells.
const StartCell = 1<<32 - 64

// Limits of a ring's capacity in bytes.
const (
	MinCapacity = 4096
	MaxCapacity = 1 << 40
)

// Limits of an MPMC ring's cells in bytes. A ring has at least two of them.
const (
	MinCellSize = 16
	MaxCellSize = 4096
)

// Kind is a ring's topology.
type Kind uint32

// The kinds of rings.
const (
	SPSC Kind = 1 // one producer, one consumer
	MPMC Kind = 2 // several producers, several consumers; each message goes to one of them

	Broadcast Kind = 3 // one publisher, any number of subscribers; each message goes to all of them
)

func (k Kind) String() string {
	switch k {
	case SPSC:
		return "spsc"
	case MPMC:
		return "mpmc"
	case Broadcast:
		return "broadcast"
	}
	return fmt.Sprintf("kind %d", uint32(k))
}

// Geometry is what has to be known of a ring before its memory can be used.
// It is fixed when the ring is created and stands in the section's descriptor.
type Geometry struct {
	Kind     Kind
	Capacity uint64 // bytes of data: a power of two from MinCapacity to MaxCapacity
	Checksum bool   // frames carry an xxhash64 of their payload

	// CellSize is the unit in bytes that an MPMC ring's messages take room in,
	// a power of two from MinCellSize to MaxCellSize; 64 suits most. It is zero
	// for the other kinds.
	CellSize uint64

	// SampleEvery, if not zero, has one of so many messages timed on its way, and
	// Histograms is then for how many participants there is room to count that. See
	// latency.go for where it stands.
	SampleEvery, Histograms uint64

	// Gates, if not zero, says that a broadcast ring is lossless: its publisher
	// waits for up to so many subscribers, which have a gate each. In a lossy
	// one it waits for nobody.
	Gates uint64
}

const paramChecksum = 1 // a bit of the descriptor's second parameter

// Check returns an error that matches [ErrBadArgument] when no ring can have
// this geometry.
func (g Geometry) Check() error {
	bad := func(format string, a ...any) error {
		return &errs.Error{Op: "ring", Detail: fmt.Sprintf(format, a...), Err: ErrBadArgument}
	}
	if g.Kind != SPSC && g.Kind != MPMC && g.Kind != Broadcast {
		return bad("%v is not a kind this version knows", g.Kind)
	}
	if bits.OnesCount64(g.Capacity) != 1 || g.Capacity < MinCapacity || g.Capacity > MaxCapacity {
		return bad("capacity of %d bytes is not a power of two from %d to %d", g.Capacity, MinCapacity, uint64(MaxCapacity))
	}
	if g.Gates != 0 && g.Kind != Broadcast || g.Gates > maxGates {
		return bad("%d gates in a ring of kind %v: broadcast rings have up to %d", g.Gates, g.Kind, maxGates)
	}
	if (g.SampleEvery == 0) != (g.Histograms == 0) || g.SampleEvery > math.MaxUint32 || g.Histograms > maxOwners {
		return bad("one of %d messages is timed, for %d participants: there are up to %d", g.SampleEvery, g.Histograms, maxOwners)
	}
	if g.Kind != MPMC {
		if g.CellSize != 0 {
			return bad("cells of %d bytes in a ring of kind %v", g.CellSize, g.Kind)
		}
		return nil
	}
	if bits.OnesCount64(g.CellSize) != 1 || g.CellSize < MinCellSize || g.CellSize > MaxCellSize {
		return bad("cell size of %d bytes is not a power of two from %d to %d", g.CellSize, MinCellSize, MaxCellSize)
	}
	if g.Capacity/g.CellSize < 2 {
		return bad("%d bytes are less than two cells of %d", g.Capacity, g.CellSize)
	}
	return nil
}

// BodySize returns the number of bytes that a ring of this geometry needs.
func (g Geometry) BodySize() uint64 { return g.latencyOffset() + g.latencySize() }

// dataOffset is where in the body the data begins.
func (g Geometry) dataOffset() uint64 {
	switch g.Kind {
	case MPMC:
		return controlSize + g.wordsSize()
	case Broadcast:
		return controlSize + g.gatesSize() + g.checkpointsSize()
	}
	return controlSize
}

// gatesSize is what the gates take, rounded up to pages.
func (g Geometry) gatesSize() uint64 { return (g.Gates*mem.Line + 4095) &^ 4095 }

// chunk is how many bytes of a broadcast ring's data have a checkpoint, a power
// of two.
func (g Geometry) chunk() uint64 { return max(min(g.Capacity/64, maxChunk), minChunk) }

// checkpointsSize is what the checkpoints take, rounded up to pages.
func (g Geometry) checkpointsSize() uint64 {
	return (g.Capacity/g.chunk()*checkpointSize + 4095) &^ 4095
}

// cells is the number of an MPMC ring's cells, and of its control words.
func (g Geometry) cells() uint64 { return g.Capacity / g.CellSize }

// wordsSize is what the control words take, rounded up to pages.
func (g Geometry) wordsSize() uint64 { return (8*g.cells() + 4095) &^ 4095 }

// MaxMessage returns the largest payload in bytes: a frame of at most half the
// ring, so that it fits whatever lies before it at the ring's end.
func (g Geometry) MaxMessage() uint64 {
	n := g.Capacity/2 - 2*HeaderSize
	if g.Kind == MPMC {
		n = g.Capacity/2 - HeaderSize
	}
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
	p[2] = g.CellSize
	p[3] = g.Gates
	p[4], p[5] = g.SampleEvery, g.Histograms
	return p
}

// GeometryOf decodes a descriptor's parameters, which another program may have
// written, for a body of size bytes. The error matches [ErrCorrupt] when they
// don't describe a ring that fits.
func GeometryOf(kind Kind, p [8]uint64, size uint64) (Geometry, error) {
	g := Geometry{Kind: kind, Capacity: p[0], Checksum: p[1]&paramChecksum != 0, CellSize: p[2], Gates: p[3],
		SampleEvery: p[4], Histograms: p[5]}
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
	start := uint64(StartPosition)
	if g.Kind == MPMC {
		// The control words are zero: free, in a lap that is long gone.
		start = StartCell
		r.StoreRelease64(offFree, start)
	}
	r.StoreRelease64(offProducer, start)
	r.StoreRelease64(offConsumer, start)
	if g.Kind == Broadcast {
		r.StoreRelease64(offWish, start)
		newStream(g, body).mark(cursor{pos: start, seq: StartSequence})
	}
}

// DataBell returns where the consumer sleeps until the producer rings.
func DataBell(body []byte) mem.Region { return mem.Of(body).Slice(offDataBell, mem.Line) }

// SpaceBell returns where the producer sleeps until the consumer rings.
func SpaceBell(body []byte) mem.Region { return mem.Of(body).Slice(offSpaceBell, mem.Line) }

// lapShift is the logarithm of the capacity: a position shifted by it is a lap.
func (g Geometry) lapShift() uint { return uint(bits.TrailingZeros64(g.Capacity)) }

// data returns the part of a body that holds the frames.
func (g Geometry) data(body []byte) mem.Region {
	return mem.Of(body).Slice(g.dataOffset(), g.Capacity)
}
