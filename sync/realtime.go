package sync

import (
	"fmt"
	"runtime"

	"github.com/ringway/ringway/internal/errs"
)

// Realtime is what a goroutine wants of the system that must not wait for
// others: a processor of its own and a place in front. Neither is needed for
// anything; both make the worst waits shorter.
type Realtime struct {
	// CPU pins the goroutine's thread to a processor, numbered as the system
	// does, from 0. It is not kept from others by that: see isolcpus, cpusets.
	// A negative number pins it to none.
	CPU int

	// Priority, 1 to 99, has the system run the thread before all others
	// (Linux: SCHED_FIFO of that priority; Windows: from 1 to 49 the highest
	// priority, above that time-critical). 0 leaves it as it is. Who spins with
	// a priority keeps everybody else off the processor, the kernel's own
	// threads included, so pin, and spin only on a processor that is nobody
	// else's.
	Priority int
}

// Enter locks the calling goroutine to its thread and gives that what it wants,
// all of it or nothing. Leave takes it back; the same goroutine must call it, or
// the thread ends with the goroutine. It enters the kernel. Errors match
// ErrBadArgument, os.ErrPermission (and say which limit or privilege is
// missing), or ErrUnsupported.
func (rt Realtime) Enter() (leave func(), err error) {
	if rt.Priority < 0 || rt.Priority > 99 {
		return nil, rt.fail(errs.BadArgument, fmt.Sprintf("priority %d is not 0 to 99", rt.Priority))
	}
	runtime.LockOSThread()
	restore, err := rt.enter()
	if err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	return func() {
		if restore() {
			runtime.UnlockOSThread() // otherwise nobody should get this thread
		}
	}, nil
}

func (rt Realtime) fail(err error, detail string) error {
	return &errs.Error{Op: "enter real time", Err: err, Detail: detail}
}
