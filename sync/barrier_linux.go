package sync

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Commands of membarrier(2).
const (
	globalExpedited          = 1 << 1
	registerGlobalExpedited  = 1 << 2
	privateExpedited         = 1 << 3
	registerPrivateExpedited = 1 << 4
)

func membarrier(cmd uintptr) bool {
	// It doesn't block; see futex_linux_unsafe.go.
	_, _, e := unix.RawSyscall(unix.SYS_MEMBARRIER, cmd, 0, 0)
	return e == 0
}

// registerBarrier makes this process one whose threads the barriers of other
// processes reach, and reports whether it is.
var registerBarrier = sync.OnceValue(func() bool { return membarrier(registerGlobalExpedited) })

// haveBarrier reports whether this process can issue barriers.
var haveBarrier = sync.OnceValue(func() bool { return membarrier(globalExpedited) })

// barrier makes every running thread of every registered process pass a full
// memory barrier before it returns.
func barrier() { membarrier(globalExpedited) }

// haveOwnBarrier reports whether ownBarrier works.
var haveOwnBarrier = sync.OnceValue(func() bool { return membarrier(registerPrivateExpedited) })

// ownBarrier is barrier for the threads of this process.
func ownBarrier() { membarrier(privateExpedited) }
