//go:build windows

package clock

import (
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32    = windows.NewLazySystemDLL("kernel32.dll")
	procCounter = kernel32.NewProc("QueryPerformanceCounter")
	procSpeed   = kernel32.NewProc("QueryPerformanceFrequency")
	perSecond   = sync.OnceValue(func() int64 { return query(procSpeed.Addr()) })
)

// now is the performance counter: the runtime's clock moves in steps of half a
// millisecond and more.
func now() int64 {
	ticks, speed := query(procCounter.Addr()), perSecond()
	return ticks/speed*1e9 + ticks%speed*1e9/speed
}

// query calls a function that stores an int64; neither of the two that are called
// can fail since Windows XP.
func query(proc uintptr) (v int64) {
	syscall.SyscallN(proc, uintptr(unsafe.Pointer(&v)))
	return v
}
