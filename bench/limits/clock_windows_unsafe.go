//go:build windows

package limits

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32    = windows.NewLazySystemDLL("kernel32.dll")
	procCounter = kernel32.NewProc("QueryPerformanceCounter")
	procSpeed   = kernel32.NewProc("QueryPerformanceFrequency")
	perSecond   = queryInt64(procSpeed)
)

// monotonic is the performance counter in nanoseconds; see Now.
func monotonic() int64 {
	ticks := queryInt64(procCounter)
	return ticks/perSecond*1e9 + ticks%perSecond*1e9/perSecond
}

func sharedNow() int64 { return monotonic() }

// queryInt64 calls a function that stores an int64; neither of the two that
// are called can fail since Windows XP.
func queryInt64(p *windows.LazyProc) (v int64) {
	p.Call(uintptr(unsafe.Pointer(&v)))
	return v
}
