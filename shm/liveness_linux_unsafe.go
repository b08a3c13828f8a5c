//go:build linux

package shm

import (
	"math/bits"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// queryLock asks who has a lock that lk would conflict with, F_OFD_GETLK. Those
// who wait ask that again and again, and it doesn't block; so the Go scheduler
// isn't told, which would wake the runtime's monitor thread each time.
func queryLock(fd int, lk *unix.Flock_t) error {
	if bits.UintSize == 32 {
		return unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, lk) // by another call
	}
	_, _, e := unix.RawSyscall(unix.SYS_FCNTL, uintptr(fd), unix.F_OFD_GETLK, uintptr(unsafe.Pointer(lk)))
	runtime.KeepAlive(lk)
	if e != 0 {
		return e
	}
	return nil
}
