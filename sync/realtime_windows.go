package sync

import (
	"fmt"
	"math/bits"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/errs"
)

var (
	procSetThreadAffinityMask = kernel32.NewProc("SetThreadAffinityMask")
	procGetThreadPriority     = kernel32.NewProc("GetThreadPriority")
	procSetThreadPriority     = kernel32.NewProc("SetThreadPriority")
)

const (
	priorityHighest      = 2
	priorityTimeCritical = 15
)

// enter does it for the calling thread.
func (rt Realtime) enter() (restore func() bool, err error) {
	thread := uintptr(windows.CurrentThread())
	before := uintptr(0)
	if rt.CPU >= 0 {
		if rt.CPU < bits.UintSize {
			before, _, err = procSetThreadAffinityMask.Call(thread, 1<<rt.CPU)
		}
		if before == 0 {
			return nil, rt.fail(errs.BadArgument, fmt.Sprintf("there is no processor %d in this process's group: %v", rt.CPU, err))
		}
	}
	priority, _, _ := procGetThreadPriority.Call(thread)
	restore = func() bool {
		ok, _, _ := procSetThreadPriority.Call(thread, priority)
		if before != 0 {
			was, _, _ := procSetThreadAffinityMask.Call(thread, before)
			return ok != 0 && was != 0
		}
		return ok != 0
	}
	if rt.Priority > 0 {
		want := uintptr(priorityHighest)
		if rt.Priority >= 50 {
			want = priorityTimeCritical
		}
		if ok, _, err := procSetThreadPriority.Call(thread, want); ok == 0 {
			restore()
			return nil, rt.fail(err, fmt.Sprintf("thread priority %d", want))
		}
	}
	return restore, nil
}
