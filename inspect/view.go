package inspect

import (
	"fmt"
	"slices"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
	"github.com/ringway/ringway/sync"
)

// View is a section mapped read-only, to be looked at again and again. It
// belongs to one goroutine at a time and must be closed.
type View struct {
	section *shm.Section
	lens    lens
}

// Open maps a section read-only. Errors are those of shm.Open.
func Open(name, dir string) (*View, error) {
	s, err := shm.Open(name, shm.OpenOptions{Dir: dir, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	return &View{s, lensOf(s)}, nil
}

// Close unmaps the section.
func (v *View) Close() error { return v.section.Close() }

// SameName reports whether the name still leads to this section.
func (v *View) SameName() (bool, error) { return v.section.SameName() }

// Section looks at the section now.
func (v *View) Section() (s Section) {
	v.lens.look(&s)
	return s
}

// Look is Section for who looks often: what it finds replaces what s says, in the
// memory that s has for its participants and latencies. So of an SPSC or MPMC ring it
// allocates nothing from the second time on. It enters the kernel once for each
// participant, to learn whether that lives.
func (v *View) Look(s *Section) { v.lens.look(s) }

// Of looks at a section that is mapped already, whatever for. There are also those
// participants that its table says nothing of.
func Of(m *shm.Section, also ...Participant) (s Section) {
	l := lensOf(m)
	l.look(&s, also...)
	return s
}

// lens is what is the same each time that a section is looked at.
type lens struct {
	m        *shm.Section
	always   Section // what the descriptor says
	geometry ring.Geometry
	observer *ring.Observer // nil if there is no ring that this version knows
	err      error          // why
}

func lensOf(m *shm.Section) lens {
	d := m.Descriptor()
	l := lens{m: m, always: Section{
		Name: m.Name(), Status: Good, Size: d.Total, Kind: ring.Kind(d.Kind).String(), Region: d.Region.String(),
		Created: d.Created, CreatorPID: d.CreatorPID, Slots: d.Participants,
	}}
	l.observer, l.geometry, l.err = observer(m)
	if g := l.geometry; l.err == nil {
		l.always.Capacity, l.always.CellSize, l.always.Checksums, l.always.Lossless = g.Capacity, g.CellSize, g.Checksum, g.Gates > 0
	}
	return l
}

// look replaces what s says by what is to be seen now.
func (l *lens) look(s *Section, also ...Participant) {
	people, oneWay, wakeUp := s.Participants[:0], s.OneWay, s.WakeUp
	*s = l.always
	s.Participants, s.OneWay, s.WakeUp = people, oneWay, wakeUp
	m := l.m
	err := s.participants(m)
	for _, p := range also {
		s.Participants = append(s.Participants, p)
		for k, n := range p.Counts {
			s.Counts[k] += n
		}
	}
	if err == nil {
		err = s.body(l)
	} else {
		s.OneWay, s.WakeUp = nil, nil
	}
	if m.Guard().Faulted() {
		err = &errs.Error{Op: "inspect", Name: m.Name(), Err: errs.Fault}
	}
	if err != nil {
		s.failed(err)
	}
	if len(s.Participants) == 0 {
		s.Participants = nil
	}
}

const subscriber = "subscriber"

// Roles returns the names of the roles in a ring of that kind, in the order of
// their numbers. Participants of any other role are "other".
func Roles(kind string) []string { return slices.Clone(rolesOf(kind)) }

func rolesOf(kind string) []string {
	if kind == ring.Broadcast.String() {
		return castRoles
	}
	return queueRoles
}

var (
	castRoles  = []string{"publisher", subscriber}
	queueRoles = []string{"producer", "consumer"}
)

func role(kind string, n uint32) string {
	if roles := rolesOf(kind); uint64(n) < uint64(len(roles)) {
		return roles[n]
	}
	return "other"
}

func (s *Section) participants(m *shm.Section) error {
	table := m.Table()
	slots, err := ring.TableOf(table, shm.EntrySize)
	if err != nil {
		return err
	}
	for slot := range len(table) / shm.EntrySize {
		if slots.Slot(slot) == 0 {
			continue // nobody ever attached
		}
		line := table[slot*shm.EntrySize+shm.EntryCounters:][:ring.CountersSize]
		var counts ring.Totals
		counters := ring.CountersOf(line)
		counters.AddTo(&counts)
		for k, n := range counts {
			s.Counts[k] += n
		}
		p, err := m.Peer(slot)
		if err != nil {
			return err
		}
		if p.State != shm.Absent {
			s.Participants = append(s.Participants, Participant{
				Slot: slot, Role: role(s.Kind, p.Role), State: p.State.String(), PID: p.PID, Since: p.Since,
				Incarnation: p.Incarnation, Counts: Counts(counts),
			})
			if last := &s.Participants[len(s.Participants)-1]; last.Role == subscriber && p.State == shm.Alive {
				last.Next, _ = counters.Place()
			}
		}
	}
	return nil
}

func (s *Section) body(l *lens) error {
	m := l.m
	if err := l.err; err != nil {
		s.OneWay, s.WakeUp = nil, nil
		if kind := m.Descriptor().Kind; kind == sync.KindEvent || kind == sync.KindSemaphore {
			object, err := sync.LookAt(m.Descriptor(), m.Body())
			s.Kind, s.Object = object.Kind, &object
			return err
		}
		if known(ring.Kind(m.Descriptor().Kind)) {
			return err
		}
		s.Status, s.Error = Unknown, err.Error()
		return nil
	}
	slots, err := ring.TableOf(m.Table(), shm.EntrySize)
	if err != nil {
		return err
	}
	s.latencies(l.geometry, m.Body(), slots)
	r := l.observer.Snapshot()
	if r.Problem != "" {
		return &errs.Error{Op: "inspect", Name: s.Name, Err: errs.Corrupt, Detail: r.Problem}
	}
	s.Ring = RingState{Head: r.Head, Tail: r.Tail, Depth: r.Depth, Moved: r.Moved, Ended: r.Ended, Dropped: r.Dropped,
		Sequence: r.Sequence}
	for i := range s.Participants {
		// Where they are was read before, so that nobody honest is ahead.
		if p := &s.Participants[i]; p.Next != 0 && p.Next <= r.Sequence {
			lag := r.Sequence - p.Next
			p.Lag = &lag
		}
	}
	return nil
}

// known reports whether this version knows rings of that kind.
func known(k ring.Kind) bool { return k == ring.SPSC || k == ring.MPMC || k == ring.Broadcast }

func observer(m *shm.Section) (*ring.Observer, ring.Geometry, error) {
	d := m.Descriptor()
	g, err := ring.GeometryOf(ring.Kind(d.Kind), d.Params, uint64(d.BodySize))
	if err != nil {
		return nil, g, err
	}
	o, err := ring.NewObserver(g, m.Body(), d.Participants)
	return o, g, err
}

// Frames returns an observer of the ring's frames, which is valid until Close.
// After each of its calls, Faulted says whether what it returned means
// anything. It returns an error that matches ring.ErrCorrupt or
// ring.ErrBadArgument when the section holds no ring that this version knows.
func (v *View) Frames() (*ring.Observer, error) {
	o, _, err := observer(v.section)
	if err != nil {
		return nil, fmt.Errorf("section %q: %w", v.section.Name(), err)
	}
	return o, nil
}

// Faulted reports whether the section was truncated under our eyes.
func (v *View) Faulted() bool { return v.section.Guard().Faulted() }
