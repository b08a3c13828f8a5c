package ringway

import (
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// crew are the participants of an MPMC ring, as one of them sees them when it
// looks after those that have died.
type crew struct {
	section  *shm.Section
	geometry ring.Geometry
	table    ring.Table
}

func newCrew(r *Ring) (*crew, error) {
	section := r.memory.section
	table, err := ring.TableOf(section.Table()[:section.Descriptor().Participants*shm.EntrySize], shm.EntrySize)
	if err != nil {
		return nil, err
	}
	return &crew{section, r.geometry, table}, nil
}

// swept is what a sweep did.
type swept struct {
	dead        uint64 // participants that were found dead, and not swept
	recovered   uint64 // those of them that this sweep made an end of
	redelivered uint64 // see ring.Recovered
	abandoned   uint64
}

func (s *swept) add(r ring.Recovered) {
	if r.Swept {
		s.recovered++
	}
	s.redelivered += uint64(r.Redelivered)
	s.abandoned += uint64(r.Padded)
}

// sweep gives back what the dead had in the ring. Any number of participants
// may sweep at the same time, and be killed meanwhile.
func (c *crew) sweep() (s swept, err error) {
	for slot := range c.table.Len() {
		word := c.table.Slot(slot)
		if word.State() != ring.SlotLive {
			continue
		}
		peer, err := c.section.Peer(slot)
		if err != nil {
			return s, err
		}
		// The system's word is about the holder whose word still stands.
		if peer.State == shm.Dead && c.table.Slot(slot) == word {
			c.table.MarkDead(slot, word.Incarnation())
		}
	}
	for slot, incarnation := range c.table.Unswept() {
		rec, err := ring.Sweep(c.geometry, c.section.Body(), c.table, slot, incarnation)
		s.add(rec)
		if err != nil {
			return s, err
		}
		s.dead++
	}
	return s, nil
}

// sweep looks after the others before this participant waits on, and wakes
// those who wait for what it found.
func (e *endpoint) sweep(op string) error {
	if e.guard.Faulted() {
		return e.errFault(op)
	}
	s, err := e.crew.sweep()
	if e.place != nil {
		e.countSweep(s)
		e.recovered(s)
	}
	if s.dead > 0 {
		e.mine.Ring()
		e.theirs.Ring()
	}
	return err
}

// giveBack gives back what this participant still has in the ring: its open
// claim, which becomes padding, and messages that it has not released, which
// go to others.
func (e *endpoint) giveBack() error {
	rec, err := ring.Detach(e.crew.geometry, e.crew.section.Body(), e.crew.table, e.place.Slot())
	e.counters.Add(ring.Redelivered, uint64(rec.Redelivered))
	e.mine.Ring()
	e.theirs.Ring()
	return err
}
