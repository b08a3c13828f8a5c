package ringway

import (
	"fmt"
	"sync/atomic"

	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// Kind is a ring's topology.
type Kind = ring.Kind

// The kinds of rings.
const (
	// SPSC has one producer and one consumer at a time.
	SPSC = ring.SPSC
	// MPMC has any number of producers and consumers; each message goes to
	// one of the consumers.
	MPMC = ring.MPMC
	// Broadcast has one publisher at a time and any number of subscribers;
	// each message goes to all of them. See Publisher and Subscriber.
	Broadcast = ring.Broadcast
)

// Ring is a ring in a named section, mapped into this process. Messages are
// sent and received through a Producer and a Consumer made from it. Any
// goroutine may use a Ring.
type Ring struct {
	name     string
	geometry ring.Geometry
	options  options
	memory   *memory
	body     []byte    // of the ring, in memory
	unlisted *unlisted // broadcast: subscribers that the section knows nothing of
	pairing  *pairing  // nil, unless the ring is one of a connection's
	closed   atomic.Bool
}

// CreateRing creates a ring and gives it a name, under which any process of
// the same user can open it, until it is removed. All its memory is allocated
// now. A ring with that name that is there already is an error that matches
// os.ErrExist, and is left as it is.
func CreateRing(name string, kind Kind, opts ...Option) (*Ring, error) {
	o, err := ringOptions(opts)
	if err == nil {
		err = o.fit(kind)
	}
	if err != nil {
		return nil, named(err, name)
	}
	g := ring.Geometry{Kind: kind, Capacity: uint64(o.capacity), Checksum: o.checksums}
	participants := int(roles)
	if kind == MPMC {
		g.CellSize, participants = uint64(o.cellSize), o.participants
	} else if kind == Broadcast {
		if participants = o.participants; o.lossless {
			g.Gates = uint64(max(participants-1, 0))
		}
	}
	if o.sample != 0 {
		g.SampleEvery, g.Histograms = uint64(o.sample), uint64(max(participants, 0))
	}
	if err := g.Check(); err != nil {
		return nil, named(err, name)
	}
	s, err := shm.Create(name, shm.Options{
		Kind:         uint32(kind),
		Params:       g.Params(),
		Body:         int64(g.BodySize()),
		Participants: participants,
		Init:         func(body []byte) { ring.Format(g, body) },
		Dir:          o.dir,
		Prefault:     o.prefault,
		HugePages:    o.hugePages,
	})
	if err != nil {
		return nil, err
	}
	if o.lockMemory {
		if err := s.Lock(); err != nil {
			_ = shm.Remove(name, o.dir)
			_ = s.Close()
			return nil, err
		}
	}
	return newRing(s, g, o), nil
}

// OpenRing opens the ring of that name. Options that only count for a new ring
// are ignored: the ring is as its creator made it. The error matches
// os.ErrNotExist when there is none.
func OpenRing(name string, opts ...Option) (*Ring, error) {
	o, err := ringOptions(opts)
	if err != nil {
		return nil, named(err, name)
	}
	s, err := shm.Open(name, shm.OpenOptions{Dir: o.dir, ReadOnly: o.readOnly, Prefault: o.prefault, HugePages: o.hugePages})
	if err != nil {
		return nil, err
	}
	d := s.Descriptor()
	g, err := ring.GeometryOf(Kind(d.Kind), d.Params, uint64(len(s.Body())))
	if need := participantsOf(g); err == nil && d.Participants < need {
		err = &errs.Error{Op: "open", Err: ErrCorrupt,
			Detail: fmt.Sprintf("a table of %d participants, a ring needs %d", d.Participants, need)}
	}
	if err == nil && o.readOnly && g.Kind != Broadcast {
		err = &errs.Error{Op: "open", Err: ErrBadArgument,
			Detail: fmt.Sprintf("a ring of kind %v can't be used read-only", g.Kind)}
	}
	if err == nil && o.lockMemory {
		err = s.Lock()
	}
	if err != nil {
		_ = s.Close()
		return nil, named(err, name)
	}
	return newRing(s, g, o), nil
}

// participantsOf returns how many places a ring's table must have.
func participantsOf(g ring.Geometry) int {
	switch g.Kind {
	case SPSC:
		return int(roles)
	case Broadcast:
		return 1 + int(g.Gates)
	}
	return 0
}

// RemoveRing takes the name away. Those who have the ring open go on with it;
// its memory is freed when the last of them has closed it. The option Dir
// counts. The error matches os.ErrNotExist when there is none.
//
// On Windows a ring without Dir has no name to take away: it is gone when the
// last process has closed it.
func RemoveRing(name string, opts ...Option) error {
	o, err := ringOptions(opts)
	if err != nil {
		return named(err, name)
	}
	return shm.Remove(name, o.dir)
}

func newRing(s *shm.Section, g ring.Geometry, o options) *Ring {
	r := &Ring{name: s.Name(), geometry: g, options: o, memory: newMemory(s), body: s.Body()}
	if g.Kind == Broadcast {
		r.unlisted = &unlisted{}
	}
	return r
}

// Name returns the ring's name.
func (r *Ring) Name() string { return r.name }

// Kind returns the ring's topology.
func (r *Ring) Kind() Kind { return r.geometry.Kind }

// Capacity returns how many bytes of frames the ring holds.
func (r *Ring) Capacity() int { return int(r.geometry.Capacity) }

// MaxMessage returns the largest payload in bytes.
func (r *Ring) MaxMessage() int { return int(min(r.geometry.MaxMessage(), 1<<31-1)) }

// Inspect looks at the ring as anybody could from outside: who is attached, what
// waits in it, what was counted. Of a broadcast ring it also knows the subscribers
// made from r that have no place in the section, since r is read-only or all
// places are taken. It changes nothing, and may be called at any
// time, also by several goroutines; after Close the ring counts as vanished. It
// enters the kernel and allocates.
func (r *Ring) Inspect() inspect.Section {
	if r.closed.Load() || !r.memory.hold() {
		return inspect.Section{Name: r.name, Status: inspect.Vanished, Error: "the ring was closed"}
	}
	defer r.memory.release()
	return r.unlisted.look(r.memory.section)
}

// Close ends the use of the ring through r. Its producers and consumers have
// to be closed on their own, and keep the memory mapped until then. The ring
// itself stays, under its name. A second Close returns ErrClosed.
func (r *Ring) Close() error {
	if r.closed.Swap(true) || r.memory == nil {
		return &errs.Error{Op: "close", Name: r.name, Err: ErrClosed}
	}
	return r.memory.release()
}

// memory is a mapped section that stays mapped as long as somebody holds it:
// the Ring and each producer and consumer made from it.
type memory struct {
	section *shm.Section
	holders atomic.Int32
}

func newMemory(s *shm.Section) *memory {
	m := &memory{section: s}
	m.holders.Store(1)
	return m
}

// hold adds a holder, unless the last one has gone, or m is nil.
func (m *memory) hold() bool {
	for m != nil {
		n := m.holders.Load()
		if n == 0 {
			return false
		}
		if m.holders.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

// release takes a holder away; the last one unmaps.
func (m *memory) release() error {
	if m.holders.Add(-1) == 0 {
		return m.section.Close()
	}
	return nil
}
