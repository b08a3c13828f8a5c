// Package inspect looks at Ringway's sections from outside: those of other
// programs, of dead ones, and damaged ones. It maps them read-only and changes
// no byte of them, takes no role and no lock, and never waits for anybody. What
// it finds wrong with a section it reports as part of what it found; one bad
// section doesn't hide the others.
//
// What comes out of a section was written by somebody else. Names, payloads and
// numbers in a [Section] are as they were found: whoever shows them to people
// passes text through [Printable].
package inspect

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
	"github.com/ringway/ringway/sync"
)

// Status says in a word how a section is.
type Status string

// The states of a section, and why.
const (
	Good       Status = "good"
	Unknown    Status = "unknown"     // a section, but of no kind that this version knows
	Corrupt    Status = "corrupt"     // descriptor, geometry, positions or a count can't be true
	Fault      Status = "fault"       // truncated while it was looked at
	Insecure   Status = "insecure"    // of another user, or others may touch it, or a link
	NotRingway Status = "not-ringway" // something else has the name
	Version    Status = "version"     // of a layout that this version doesn't read
	BadName    Status = "bad-name"    // a name that no section can have
	Vanished   Status = "vanished"    // removed while it was looked at
	Unreadable Status = "unreadable"  // the system refuses it, for reasons of its own
)

// Statuses are all that there are.
var Statuses = []Status{Good, Unknown, Corrupt, Fault, Insecure, NotRingway, Version, BadName, Vanished, Unreadable}

// Section is what was found out about a section at some moment.
type Section struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Error  string `json:"error,omitempty"` // says more, unless Status is Good
	Size   int64  `json:"size_bytes"`      // of the whole section; 0 if unknown

	// What the descriptor says; zero if it can't be read.
	Kind         string        `json:"kind,omitempty"` // "spsc", "mpmc", "broadcast", "event", "semaphore", …
	Region       string        `json:"region,omitempty"`
	Created      time.Time     `json:"created,omitzero"`
	CreatorPID   int           `json:"creator_pid,omitempty"`
	Capacity     uint64        `json:"capacity_bytes,omitempty"`
	CellSize     uint64        `json:"cell_bytes,omitempty"`
	Checksums    bool          `json:"checksums,omitempty"`
	Lossless     bool          `json:"lossless,omitempty"`     // broadcast: the publisher waits for its subscribers
	Slots        int           `json:"slots,omitempty"`        // entries in the table of participants
	Participants []Participant `json:"participants,omitempty"` // those that are not absent

	// The ring's positions, and what all participants that ever were have
	// counted.
	Ring   RingState `json:"ring,omitzero"`
	Counts Counts    `json:"counts,omitzero"`

	// Object is the state of an event or a semaphore; nil for a ring.
	Object *sync.ObjectState `json:"object,omitempty"`

	// Of a ring in which one of SampleEvery messages is timed; nil otherwise.
	SampleEvery uint64   `json:"sample_every,omitempty"`
	OneWay      *Latency `json:"one_way,omitempty"` // from being sent to being handed out
	WakeUp      *Latency `json:"wake_up,omitempty"` // of receivers, from being woken to being awake
}

// RingState are a ring's positions. See ring.Snapshot.
type RingState struct {
	Head    uint64 `json:"head"`
	Tail    uint64 `json:"tail"`
	Depth   uint64 `json:"depth_bytes"`
	Moved   uint64 `json:"moved_bytes"`
	Ended   bool   `json:"ended"`
	Dropped uint64 `json:"dropped_messages"`

	Sequence uint64 `json:"sequence,omitempty"` // broadcast
}

// Participant is one entry of the table whose holder has not detached.
type Participant struct {
	Slot        int       `json:"slot"`  // -1: it has no entry; see ringway.Ring.Inspect
	Role        string    `json:"role"`  // "producer", "consumer", "publisher", "subscriber" or "other"
	State       string    `json:"state"` // "alive" or "dead", which the system says
	PID         int       `json:"pid"`   // in its own namespace
	Since       time.Time `json:"since"`
	Incarnation uint32    `json:"incarnation"`
	Counts      Counts    `json:"counts"` // of the entry: its holders before count, too

	// Of a subscriber that lives: the number of the message that it receives
	// next, and how many it has not received of those that were sent. Zero and
	// nil if that isn't known.
	Next uint64  `json:"next_number,omitempty"`
	Lag  *uint64 `json:"lag_messages,omitempty"`
}

// Counts are counters, by their places in ring.Totals. In JSON they are an
// object of those that are not zero.
type Counts ring.Totals

// MarshalJSON writes the counters by their names.
func (c Counts) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for k, n := range c {
		if n != 0 {
			if len(b) > 1 {
				b = append(b, ',')
			}
			b = fmt.Appendf(b, "%q:%d", ring.Counter(k), n)
		}
	}
	return append(b, '}'), nil
}

// IsZero reports whether nothing was counted.
func (c Counts) IsZero() bool { return c == Counts{} }

// IsRing reports whether the section is good and holds a ring.
func (s *Section) IsRing() bool { return s.Status == Good && s.Object == nil }

// Lag returns how many messages the subscriber of a broadcast ring that is furthest
// behind still has to receive, of those that live and of which that is known; and
// whether there is any. A subscriber that has mapped the ring read-only can't say
// where it is: its own process knows, see ringway.Ring.Inspect.
func (s *Section) Lag() (messages uint64, ok bool) {
	for _, p := range s.Participants {
		if p.Lag != nil {
			messages, ok = max(messages, *p.Lag), true
		}
	}
	return messages, ok
}

// Living and Dead return how many participants are.
func (s *Section) Living() int { return s.count(shm.Alive) }

// Dead returns how many participants' processes ended without detaching.
func (s *Section) Dead() int { return s.count(shm.Dead) }

func (s *Section) count(st shm.State) (n int) {
	for _, p := range s.Participants {
		if p.State == st.String() {
			n++
		}
	}
	return n
}

// Stale reports whether the section is what dead programs left: somebody died
// in it, and nobody lives. A section that all have left in good order is not; it
// may be waiting for the next.
func (s *Section) Stale() bool { return s.Dead() > 0 && s.Living() == 0 }

// All looks at every section in dir (empty means the system's place for
// memory), sorted by name. The error matches os.ErrNotExist when there is no
// such directory, or is the system's; what is wrong with a section is not an
// error here.
func All(dir string) ([]Section, error) {
	names, err := shm.Names(dir)
	if err != nil {
		return nil, err
	}
	all := make([]Section, len(names))
	for i, name := range names {
		all[i] = Look(name, dir)
	}
	return all, nil
}

// Look looks at one section.
func Look(name, dir string) Section {
	v, err := Open(name, dir)
	if err != nil {
		s := Section{Name: name}
		s.failed(err)
		return s
	}
	defer v.Close()
	return v.Section()
}

// failed notes why the section is not good.
func (s *Section) failed(err error) {
	if e, ok := err.(*errs.Error); ok && e.Name == "" {
		e.Name = s.Name
	}
	s.Error = err.Error()
	for _, c := range []struct {
		is     error
		status Status
	}{
		{errs.Fault, Fault}, {errs.Corrupt, Corrupt}, {errs.Insecure, Insecure}, {errs.NotRingway, NotRingway},
		{errs.Version, Version}, {errs.BadName, BadName}, {os.ErrNotExist, Vanished},
	} {
		if errors.Is(err, c.is) {
			s.Status = c.status
			return
		}
	}
	s.Status = Unreadable
}
