//go:build linux && (amd64 || arm64)

package sigbus

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ringway/ringway/internal/errs"
)

// entry is one range as the handler sees it. It has a cache line of its own,
// since Faulted may be asked for each message.
type entry struct {
	base  atomic.Uintptr // first byte; zero: not in use. Published last.
	end   atomic.Uintptr // first byte after
	low   atomic.Uintptr // start of the zero pages, which reach to end
	addr  atomic.Uintptr // first faulting address: the fault flag
	again atomic.Uintptr // faults at pages that were replaced already
	lock  atomic.Uint32  // held by the handler while it decides and maps
	_     [20]byte
}

// chunk is a page of entries. Chunks are chained and never freed, so that the
// handler may walk them at any time.
type chunk struct {
	next    atomic.Pointer[chunk]
	_       [56]byte
	entries [63]entry
}

// table is the first chunk. The handler starts here.
var table chunk

// span is a live range as Protect sees it.
type span struct {
	base, end uintptr
	e         *entry
}

// ranges is the other side of the table; the handler has no part in it.
var ranges struct {
	sync.Mutex
	live []span   // by base
	free []*entry // not in use
	last *chunk   // newest chunk
}

// add publishes a range.
func add(base, end uintptr) (*entry, error) {
	ranges.Lock()
	defer ranges.Unlock()
	at := position(base)
	if at < len(ranges.live) && ranges.live[at].base < end ||
		at > 0 && ranges.live[at-1].end > base {
		return nil, failed(errs.BadArgument, hex(base)+" to "+hex(end)+
			" overlaps a range that is protected already")
	}
	e, err := unused()
	if err != nil {
		return nil, err
	}
	ranges.live = slices.Insert(ranges.live, at, span{base, end, e})
	e.end.Store(end)
	e.low.Store(end)
	e.addr.Store(0)
	e.again.Store(0)
	e.base.Store(base)
	return e, nil
}

// remove gives an entry that was withdrawn back to the free ones.
// Call with ranges locked.
func remove(e *entry) {
	end := e.end.Load()
	at := position(end) - 1 // the last range that begins before our end: ours
	ranges.live = slices.Delete(ranges.live, at, at+1)
	ranges.free = append(ranges.free, e)
}

// position returns the index of the first live range at or after base.
func position(base uintptr) int {
	at, _ := slices.BinarySearchFunc(ranges.live, base, func(s span, base uintptr) int {
		switch {
		case s.base < base:
			return -1
		case s.base > base:
			return 1
		}
		return 0
	})
	return at
}

// unused takes a free entry, from a new chunk if need be.
// Call with ranges locked.
func unused() (*entry, error) {
	if len(ranges.free) == 0 {
		c := &table
		if ranges.last != nil {
			var err error
			if c, err = newChunk(); err != nil {
				return nil, failed(err, "no memory for the table")
			}
			ranges.last.next.Store(c)
		}
		ranges.last = c
		for i := range c.entries {
			ranges.free = append(ranges.free, &c.entries[i])
		}
	}
	last := len(ranges.free) - 1
	e := ranges.free[last]
	ranges.free = ranges.free[:last]
	return e, nil
}
