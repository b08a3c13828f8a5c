//go:build windows

package limits

import (
	"fmt"
	"math/bits"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	procSetThreadAffinity  = kernel32.NewProc("SetThreadAffinityMask")
	procGetProcessAffinity = kernel32.NewProc("GetProcessAffinityMask")
)

// Pin locks the calling goroutine to its thread and the thread to a
// processor, until the goroutine ends; it should then end without having called
// runtime.UnlockOSThread, so that the pinned thread ends too. Processors are
// those of the process's group, up to 64. It returns an error when the system
// refuses: there is no such processor, or the process may not use it.
func Pin(cpu int) error {
	if cpu < 0 || cpu >= bits.UintSize {
		return fmt.Errorf("limits: pin to processor %d: %w", cpu, windows.ERROR_INVALID_PARAMETER)
	}
	runtime.LockOSThread()
	if old, _, err := procSetThreadAffinity.Call(uintptr(windows.CurrentThread()), 1<<cpu); old == 0 {
		runtime.UnlockOSThread()
		return fmt.Errorf("limits: pin to processor %d: %w", cpu, err)
	}
	return nil
}

func allowedCPUs() (list []int) {
	var process, system uintptr
	procGetProcessAffinity.Call(uintptr(windows.CurrentProcess()),
		uintptr(unsafe.Pointer(&process)), uintptr(unsafe.Pointer(&system)))
	for c := range bits.UintSize {
		if process&(1<<c) != 0 {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		for c := range runtime.NumCPU() {
			list = append(list, c)
		}
	}
	return list
}

func readTopology(int) topology { return topology{-1, -1, -1} }
