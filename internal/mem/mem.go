// Package mem is the one seam through which Ringway touches memory that other
// processes can see.
//
// # Why a seam
//
// Crash safety and hostile-peer safety are properties of the order in which
// shared words are read and written. Everything that reads or writes such a
// word goes through a [Region], so that the shipping algorithms, not copies of
// them, can be killed at each store, scheduled step by step, or have a word
// changed under them: with the build tag shmtest every access calls [Hook]
// before and after it. Without the tag [Hooked] is a false constant and the
// calls do not exist in the compiled code.
//
// # Ordering
//
//	Load64, Load32          acquire: what the writer stored before its release is visible
//	StoreRelease64, …32     release: what was stored before it is visible to whoever loads it
//	Store64, Store32        sequentially consistent: also a store→load fence
//	CAS64, Add64, …32       sequentially consistent read-modify-writes
//	Bytes, CopyIn, CopyOut  no order of their own: payload, handed over by the words above
//	CopyPast                the same, past the caches
//	OrderLoads, OrderStores order also plain loads, plain stores, on both sides of them
//
// Go's atomic stores are XCHG on amd64, about twenty cycles. A plain MOV has
// release order there: the processor keeps stores in program order, and the
// compiler does not move a store over another one. StoreRelease is therefore a
// plain MOV on amd64 (a test disassembles it), and the real atomic, which is a
// release store already, on every other architecture. Under the race detector
// all of them are real atomics, so that it sees the hand-over and checks the
// payload accesses around it.
//
// # Bounds
//
// Offsets are not checked in ordinary builds: callers mask or validate them
// against private values before. With the tag shmtest and under the race
// detector an offset outside the region, or a misaligned one, panics.
package mem

// Line is the distance in bytes which words that different processes write
// keep from each other, on every architecture: two 64-byte cache lines, since
// some processors fetch them in pairs and some have lines of 128 bytes.
const Line = 128

// Op says what an [Access] does.
type Op uint8

// The operations of a [Region], as a hook sees them.
const (
	OpLoad         Op = iota + 1 // Load64, Load32
	OpStoreRelease               // StoreRelease64, StoreRelease32
	OpStore                      // Store64, Store32: with a store→load fence
	OpCAS                        // CAS64, CAS32
	OpAdd                        // Add64, Add32
	OpBytes                      // Bytes: payload is about to be read or written
	OpFence                      // Fence: no access, but none passes it
	OpBarrier                    // Barrier: the same, for all processes
)

// Access describes one access to shared memory for a hook.
type Access struct {
	Op    Op
	After bool    // false before the access, true after it
	Addr  uintptr // address of the word or of the first payload byte
	Off   uint64  // its offset in the region
	Width uint64  // bytes: 4, 8, or the payload's length
	Old   uint64  // CAS: the value expected
	Value uint64  // the value to store (before), or loaded (after)
	OK    bool    // CAS, after: whether it took place
}

// Pause gives the processor n hints (some 20 to 40 ns each) that this is a spin
// loop. It can be preempted every hundred or so.
func Pause(n uint32) {
	for ; n > 128; n -= 128 {
		pause(128)
	}
	if n > 0 {
		pause(n)
	}
}
