package ringway

import (
	"errors"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// waitsOf is what counts the waits of a role.
var waitsOf = [roles]ring.Counter{roleProducer: ring.FullWaits, roleConsumer: ring.EmptyWaits}

// startCounting counts on where the place's holders before have stopped. All
// counting is done inside the gate: outside it the memory may be gone.
func (e *endpoint) startCounting() {
	if e.place == nil && e.pairing == nil {
		// It has no entry, so it counts for itself.
		e.counters = ring.CountersOf(make([]byte, ring.CountersSize))
		return
	}
	slot := e.role
	if e.pairing != nil {
		slot += e.pairing.slots
	} else {
		slot = e.place.Slot()
	}
	at := slot*shm.EntrySize + shm.EntryCounters
	e.counters = ring.CountersOf(e.memory.section.Table()[at:][:ring.CountersSize])
	woke := func() { e.counters.Add(ring.Wakes, 1) }
	e.mine.OnWake(woke)
	e.theirs.OnWake(woke)
	if e.place != nil && e.place.PreviousDied {
		e.counters.Add(ring.Recoveries, 1)
	}
}

// countSweep counts what a sweep of this endpoint did.
func (e *endpoint) countSweep(s swept) {
	if s.dead > 0 {
		e.counters.Add(ring.Recoveries, s.recovered)
		e.counters.Add(ring.Redelivered, s.redelivered)
		e.counters.Add(ring.Abandoned, s.abandoned)
	}
}

// countError counts the errors that say something about the ring.
func (e *endpoint) countError(err error) {
	switch {
	case errors.Is(err, errs.Checksum):
		e.counters.Add(ring.ChecksumFailures, 1)
	case errors.Is(err, ErrCorrupt):
		e.counters.Add(ring.Corruptions, 1)
	}
}

// payloadSize is how many bytes messages hold together.
func payloadSize(msgs [][]byte) (n uint64) {
	for _, m := range msgs {
		n += uint64(len(m))
	}
	return n
}
