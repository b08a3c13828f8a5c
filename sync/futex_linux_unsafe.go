//go:build linux

package sync

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Commands of futex(2). Without the private flag the word is shared.
const (
	futexWaitOp  = 0
	futexWakeOp  = 1
	futexPrivate = 128
	everyone     = 1<<31 - 1
)

// The calls that never block are made without telling the Go scheduler: telling
// it wakes the runtime's monitor thread, which then looks about for a
// millisecond, and that is more than the call itself takes. They hold up a
// garbage collection for as long as they take, some microseconds. A sleep is
// announced to the scheduler, always: who slept without that would hold up
// everybody.

// futexWait sleeps until the word is woken or for d, unless it isn't value.
// Every outcome (woken, EAGAIN, ETIMEDOUT, EINTR) means: look again.
func futexWait(word *uint32, value uint32, d time.Duration) {
	ts := unix.NsecToTimespec(d.Nanoseconds())
	unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWaitOp, uintptr(value),
		uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// futexWake wakes up to n who sleep on a shared word.
func futexWake(word *uint32, n uintptr) {
	unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWakeOp, n, 0, 0, 0)
}

// futexWakeOwn wakes up to n who sleep on a word of this process.
func futexWakeOwn(word *uint32, n uintptr) {
	unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWakeOp|futexPrivate, n, 0, 0, 0)
}

// futexV is struct futex_waitv.
type futexV struct {
	value, address uint64
	flags, _       uint32
}

const (
	futexV32      = 2 // the word has 32 bits
	futexVPrivate = 128
)

func (v *futexV) set(word *uint32, value uint32, flags uint32) {
	*v = futexV{value: uint64(value), address: uint64(uintptr(unsafe.Pointer(word))), flags: futexV32 | flags}
}

// noWaitv is set when the system turns out to have no futex_waitv.
var noWaitv atomic.Bool

// futexWaitAny sleeps until one of the words is woken or for d, unless one
// isn't what it ought to be. The words are the caller's to keep alive. It
// reports whether the system can do that.
func futexWaitAny(words []futexV, d time.Duration) bool {
	if noWaitv.Load() {
		return false
	}
	// The time is absolute, and of a clock that nobody sets.
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return false
	}
	end := now.Nano() + d.Nanoseconds()
	until := struct{ sec, nsec int64 }{end / 1e9, end % 1e9}
	_, _, e := unix.Syscall6(unix.SYS_FUTEX_WAITV, uintptr(unsafe.Pointer(unsafe.SliceData(words))), uintptr(len(words)), 0,
		uintptr(unsafe.Pointer(&until)), unix.CLOCK_MONOTONIC, 0)
	runtime.KeepAlive(words)
	if e == unix.ENOSYS || e == unix.EPERM {
		noWaitv.Store(true)
		return false
	}
	return true
}

// readNow reads from a descriptor that doesn't block.
func readNow(fd int, b []byte) (int, unix.Errno) {
	n, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if e != 0 {
		return 0, e
	}
	return int(n), 0
}

// writeNow writes to a descriptor that doesn't block.
func writeNow(fd int, b []byte) unix.Errno {
	_, _, e := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	return e
}

// recvNow and sendNow are readNow and writeNow for a socket, of which others may
// have made one that blocks, or have closed the other end.
func recvNow(fd int, b []byte) (int, unix.Errno) {
	n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(n), 0
}

func sendNow(fd int, b []byte) {
	unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
}
