//go:build windows

package shm

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// handles returns how many handles this process has, or, where the system does
// not count them (Wine), the number that the next one gets.
func handles(t *testing.T) int {
	t.Helper()
	var n uint32
	r, _, err := kernel32.NewProc("GetProcessHandleCount").Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&n)))
	if r == 0 {
		t.Skip("cannot count handles:", err)
	}
	if n != 0 {
		return int(n)
	}
	h, event := windows.CreateEvent(nil, 0, 0, nil)
	if event != nil {
		t.Fatal(event)
	}
	windows.CloseHandle(h)
	return int(h) / 4
}

// mapped reports whether there is memory at addr.
func mapped(t *testing.T, addr uintptr) bool {
	t.Helper()
	var info windows.MemoryBasicInformation
	if err := windows.VirtualQuery(addr, &info, unsafe.Sizeof(info)); err != nil {
		t.Fatal(err)
	}
	return info.State == windows.MEM_COMMIT
}
