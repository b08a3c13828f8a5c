package sync

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/ringway/ringway/internal/mem"
)

// Gate guards a handle that one goroutine at a time uses and any goroutine may
// close. The user says Enter and Exit around each use; Close waits until the
// user is outside and lets nobody in again.
//
// Enter stores "inside" and then loads "open"; Close clears "open" and then
// loads "inside". Each needs a store→load fence so that not both miss the
// other. Where the system has a barrier for all threads of a process, Close
// issues it for both sides and Enter is two plain moves.
//
// A Gate is open after Init, and the zero Gate is closed.
type Gate struct {
	inside uint64
	open   uint64
	fenced bool
}

// Init opens the gate and chooses the way to fence. Call it before anything else.
func (g *Gate) Init() { g.open, g.fenced = 1, !haveOwnBarrier() }

// Enter reports whether the gate is open; then the caller is inside until
// Exit. Only one goroutine may be inside.
func (g *Gate) Enter() bool {
	mem.StoreRelease(&g.inside, 1)
	if g.fenced {
		mem.Fence()
	}
	// Pairs with the store in Close and the barrier behind it.
	if atomic.LoadUint64(&g.open) == 0 {
		mem.StoreRelease(&g.inside, 0)
		return false
	}
	return true
}

// Exit ends what Enter began. All that was done inside is visible to the
// closer.
func (g *Gate) Exit() { mem.StoreRelease(&g.inside, 0) }

// Closing reports whether Close was called: a user who waits inside must leave.
func (g *Gate) Closing() bool { return atomic.LoadUint64(&g.open) == 0 }

// Close closes the gate and returns once the user is outside. While it waits
// it calls interrupt again and again, which must end any sleep inside. It
// reports whether this call was the first.
func (g *Gate) Close(interrupt func()) bool {
	if !atomic.CompareAndSwapUint64(&g.open, 1, 0) {
		return false
	}
	if !g.fenced {
		ownBarrier()
	}
	for i := 0; atomic.LoadUint64(&g.inside) != 0; i++ {
		interrupt()
		if i < 100 {
			runtime.Gosched()
		} else {
			time.Sleep(50 * time.Microsecond)
		}
	}
	return true
}
