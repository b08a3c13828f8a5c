package mem

import (
	"fmt"
	"sync/atomic"
	"unsafe"
)

// Region is a piece of memory that other processes may share. It is a small
// value, copied freely; it does not keep a mapping alive. The zero Region is
// empty.
type Region struct {
	p unsafe.Pointer
	n uint64
}

// Of makes a region of b, which must start at a multiple of 8 bytes; Of panics
// otherwise. The region is valid as long as b's memory is.
func Of(b []byte) Region {
	p := unsafe.Pointer(unsafe.SliceData(b))
	if uintptr(p)&7 != 0 {
		panic("mem: region is not aligned to 8 bytes")
	}
	return Region{p: p, n: uint64(len(b))}
}

// Len returns the size of the region in bytes.
func (r Region) Len() uint64 { return r.n }

// Slice returns the part of r that starts at off and is n bytes long. It
// panics when that is not inside r or off is not a multiple of 8.
func (r Region) Slice(off, n uint64) Region {
	if off > r.n || n > r.n-off || off&7 != 0 {
		panic(fmt.Sprintf("mem: part [%d,+%d) of a region of %d bytes", off, n, r.n))
	}
	return Region{p: unsafe.Add(r.p, off), n: n}
}

// Bytes returns the n bytes at off as a slice of the shared memory itself.
// Reading and writing them has no order of its own.
func (r Region) Bytes(off, n uint64) []byte {
	if checked {
		r.check(off, n, 1)
	}
	if Hooked {
		r.hook(Access{Op: OpBytes, Off: off, Width: n})
	}
	return unsafe.Slice((*byte)(unsafe.Add(r.p, off)), n)
}

// Load64 loads the word at off with acquire order.
func (r Region) Load64(off uint64) uint64 {
	if checked {
		r.check(off, 8, 8)
	}
	if Hooked {
		return r.hookedLoad64(off)
	}
	return atomic.LoadUint64((*uint64)(unsafe.Add(r.p, off)))
}

// Poll64 looks at the word at off up to looks times, pausing so many times
// (some 20 to 40 ns each) in between, until it is no longer old. It reports
// whether it is; to use the value, load it. Both counts must not be zero, and
// their product should stay below a hundred or so: a poll can't be preempted.
func (r Region) Poll64(off, old uint64, looks, pauses uint32) bool {
	if checked {
		r.check(off, 8, 8)
	}
	if Hooked {
		return r.hookedLoad64(off) != old
	}
	return poll64((*uint64)(unsafe.Add(r.p, off)), old, looks, pauses)
}

// StoreRelease64 stores v at off with release order: a plain MOV on amd64.
func (r Region) StoreRelease64(off, v uint64) {
	if checked {
		r.check(off, 8, 8)
	}
	if Hooked {
		r.hook(Access{Op: OpStoreRelease, Off: off, Width: 8, Value: v})
	}
	StoreRelease((*uint64)(unsafe.Add(r.p, off)), v)
	if Hooked {
		r.hook(Access{Op: OpStoreRelease, After: true, Off: off, Width: 8, Value: v})
	}
}

// Store64 stores v at off; no later load passes it.
func (r Region) Store64(off, v uint64) {
	if checked {
		r.check(off, 8, 8)
	}
	if Hooked {
		r.hook(Access{Op: OpStore, Off: off, Width: 8, Value: v})
	}
	atomic.StoreUint64((*uint64)(unsafe.Add(r.p, off)), v)
	if Hooked {
		r.hook(Access{Op: OpStore, After: true, Off: off, Width: 8, Value: v})
	}
}

// CAS64 replaces old by v at off and reports whether it did.
func (r Region) CAS64(off, old, v uint64) bool {
	if checked {
		r.check(off, 8, 8)
	}
	if Hooked {
		return r.hookedCAS64(off, old, v)
	}
	return atomic.CompareAndSwapUint64((*uint64)(unsafe.Add(r.p, off)), old, v)
}

// Add64 adds d to the word at off and returns the sum.
func (r Region) Add64(off, d uint64) uint64 {
	if checked {
		r.check(off, 8, 8)
	}
	if Hooked {
		r.hook(Access{Op: OpAdd, Off: off, Width: 8, Value: d})
	}
	v := atomic.AddUint64((*uint64)(unsafe.Add(r.p, off)), d)
	if Hooked {
		r.hook(Access{Op: OpAdd, After: true, Off: off, Width: 8, Value: v})
	}
	return v
}

// Load32 loads the 32-bit word at off with acquire order.
func (r Region) Load32(off uint64) uint32 {
	if checked {
		r.check(off, 4, 4)
	}
	if Hooked {
		return r.hookedLoad32(off)
	}
	return atomic.LoadUint32((*uint32)(unsafe.Add(r.p, off)))
}

// Store32 stores v at off; no later load passes it.
func (r Region) Store32(off uint64, v uint32) {
	if checked {
		r.check(off, 4, 4)
	}
	if Hooked {
		r.hook(Access{Op: OpStore, Off: off, Width: 4, Value: uint64(v)})
	}
	atomic.StoreUint32((*uint32)(unsafe.Add(r.p, off)), v)
	if Hooked {
		r.hook(Access{Op: OpStore, After: true, Off: off, Width: 4, Value: uint64(v)})
	}
}

// Add32 adds d to the 32-bit word at off and returns the sum.
func (r Region) Add32(off uint64, d uint32) uint32 {
	if checked {
		r.check(off, 4, 4)
	}
	if Hooked {
		r.hook(Access{Op: OpAdd, Off: off, Width: 4, Value: uint64(d)})
	}
	v := atomic.AddUint32((*uint32)(unsafe.Add(r.p, off)), d)
	if Hooked {
		r.hook(Access{Op: OpAdd, After: true, Off: off, Width: 4, Value: uint64(v)})
	}
	return v
}

// CAS32 replaces old by v at off and reports whether it did.
func (r Region) CAS32(off uint64, old, v uint32) bool {
	if checked {
		r.check(off, 4, 4)
	}
	if Hooked {
		r.hook(Access{Op: OpCAS, Off: off, Width: 4, Old: uint64(old), Value: uint64(v)})
	}
	ok := atomic.CompareAndSwapUint32((*uint32)(unsafe.Add(r.p, off)), old, v)
	if Hooked {
		r.hook(Access{Op: OpCAS, After: true, Off: off, Width: 4, Old: uint64(old), Value: uint64(v), OK: ok})
	}
	return ok
}

// Ptr32 returns the address of the 32-bit word at off, for system calls that
// wait on a word.
func (r Region) Ptr32(off uint64) *uint32 {
	r.check(off, 4, 4)
	return (*uint32)(unsafe.Add(r.p, off))
}

// Fence is [Fence] of a process that uses the region.
func (r Region) Fence() {
	if Hooked {
		r.hook(Access{Op: OpFence})
	}
	Fence()
	if Hooked {
		r.hook(Access{Op: OpFence, After: true})
	}
}

// Barrier tells a hook that the system was made to have every process that uses
// the region pass a full memory barrier. That is all it does.
func (r Region) Barrier() {
	if Hooked {
		r.hook(Access{Op: OpBarrier})
		r.hook(Access{Op: OpBarrier, After: true})
	}
}

func (r Region) hookedLoad64(off uint64) uint64 {
	r.hook(Access{Op: OpLoad, Off: off, Width: 8})
	v := atomic.LoadUint64((*uint64)(unsafe.Add(r.p, off)))
	r.hook(Access{Op: OpLoad, After: true, Off: off, Width: 8, Value: v})
	return v
}

func (r Region) hookedLoad32(off uint64) uint32 {
	r.hook(Access{Op: OpLoad, Off: off, Width: 4})
	v := atomic.LoadUint32((*uint32)(unsafe.Add(r.p, off)))
	r.hook(Access{Op: OpLoad, After: true, Off: off, Width: 4, Value: uint64(v)})
	return v
}

func (r Region) hookedCAS64(off, old, v uint64) bool {
	r.hook(Access{Op: OpCAS, Off: off, Width: 8, Old: old, Value: v})
	ok := atomic.CompareAndSwapUint64((*uint64)(unsafe.Add(r.p, off)), old, v)
	r.hook(Access{Op: OpCAS, After: true, Off: off, Width: 8, Old: old, Value: v, OK: ok})
	return ok
}

func (r Region) hook(a Access) {
	a.Addr = uintptr(r.p) + uintptr(a.Off)
	callHook(&a)
}

func (r Region) check(off, n, align uint64) {
	if off > r.n || n > r.n-off || off&(align-1) != 0 {
		panic(fmt.Sprintf("mem: access to [%d,+%d) of a region of %d bytes", off, n, r.n))
	}
}

// Fence is a full memory barrier of the calling thread: no load behind it
// passes a store before it.
func Fence() {
	var w uint32
	atomic.SwapUint32(&w, 1)
}
