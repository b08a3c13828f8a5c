//go:build windows

package sync

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/errs"
)

var (
	procCreateThreadpoolWait           = kernel32.NewProc("CreateThreadpoolWait")
	procSetThreadpoolWait              = kernel32.NewProc("SetThreadpoolWait")
	procWaitForThreadpoolWaitCallbacks = kernel32.NewProc("WaitForThreadpoolWaitCallbacks")
	procCloseThreadpoolWait            = kernel32.NewProc("CloseThreadpoolWait")
)

// poolWait is a wait that the system's pool of threads does for a goroutine.
// It belongs to one goroutine at a time.
type poolWait struct {
	id   uintptr
	wait uintptr // PTP_WAIT
	over chan struct{}
}

// poolWaits are all of them, by their ids, which is what the callback gets.
var (
	poolWaits sync.Map // uintptr → chan struct{}
	poolIDs   atomic.Uintptr
)

// poolCallback runs on a thread of the pool when a wait is over. There can only
// be a few callbacks in a process, and none is ever freed.
var poolCallback = sync.OnceValue(func() uintptr {
	// The runtime doesn't know that the pool will call. A timer far away keeps
	// it from taking a program in which everybody waits for dead.
	time.AfterFunc(1<<62, func() {})
	return windows.NewCallback(func(_, id, _, _ uintptr) uintptr {
		if over, ok := poolWaits.Load(id); ok {
			over.(chan struct{}) <- struct{}{} // has room: one at a time is under way
		}
		return 0
	})
})

func newPoolWait() (*poolWait, error) {
	p := &poolWait{id: poolIDs.Add(1), over: make(chan struct{}, 1)}
	poolWaits.Store(p.id, p.over)
	w, _, err := procCreateThreadpoolWait.Call(poolCallback(), p.id, 0)
	if w == 0 {
		poolWaits.Delete(p.id)
		return nil, &errs.Error{Op: "poll", Err: err, Detail: "the system's thread pool takes no more waits"}
	}
	p.wait = w
	return p, nil
}

// waitFor waits until the event is set, or for d.
func (p *poolWait) waitFor(h windows.Handle, d time.Duration) {
	due := -int64(max(d/100, 1)) // from now, in units of 100 ns
	_, _, _ = procSetThreadpoolWait.Call(p.wait, uintptr(h), uintptr(unsafe.Pointer(&due)))
	<-p.over
}

func (p *poolWait) close() {
	_, _, _ = procSetThreadpoolWait.Call(p.wait, 0, 0)
	const cancelPending = 1
	_, _, _ = procWaitForThreadpoolWaitCallbacks.Call(p.wait, cancelPending)
	_, _, _ = procCloseThreadpoolWait.Call(p.wait)
	poolWaits.Delete(p.id)
}
