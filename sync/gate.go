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
// Enter stores "inside" and then loads whether the gate is open; Close shuts it
// and then loads "inside". Each needs a store→load fence so that not both miss the
// other. Where the system has a barrier for all threads of a process, Close
// issues it for both sides and Enter is two plain moves.
//
// A Gate is open after Init, and the zero Gate is closed.
type Gate struct {
	inside uint64
	state  uint64
}

// The states of a gate.
const (
	gateShut   = iota
	gateOpen   // and Close issues the barrier for both
	gateFenced // open, and each has a fence of its own
)

// Init opens the gate and chooses the way to fence. Call it before anything else.
func (g *Gate) Init() {
	if g.state = gateOpen; !haveOwnBarrier() {
		g.state = gateFenced
	}
}

// Enter reports whether the gate is open; then the caller is inside until
// Exit. Only one goroutine may be inside.
func (g *Gate) Enter() bool {
	if g.EnterPlain() {
		return true
	}
	mem.StoreRelease(&g.inside, 1)
	mem.Fence()
	// Pairs with the swap in Close.
	if atomic.LoadUint64(&g.state) == gateShut {
		mem.StoreRelease(&g.inside, 0)
		return false
	}
	return true
}

// EnterPlain is Enter where it takes no fence: if it returns false the caller is
// outside, and Enter may still let it in.
func (g *Gate) EnterPlain() bool {
	mem.StoreRelease(&g.inside, 1)
	// Pairs with the swap in Close and the barrier behind it.
	if atomic.LoadUint64(&g.state) == gateOpen {
		return true
	}
	mem.StoreRelease(&g.inside, 0)
	return false
}

// Exit ends what Enter began. All that was done inside is visible to the
// closer.
func (g *Gate) Exit() { mem.StoreRelease(&g.inside, 0) }

// Closing reports whether Close was called: a user who waits inside must leave.
func (g *Gate) Closing() bool { return atomic.LoadUint64(&g.state) == gateShut }

// Close closes the gate and returns once the user is outside. While it waits
// it calls interrupt again and again, which must end any sleep inside. It
// reports whether this call was the first.
func (g *Gate) Close(interrupt func()) bool {
	switch atomic.SwapUint64(&g.state, gateShut) {
	case gateShut:
		return false
	case gateOpen:
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
