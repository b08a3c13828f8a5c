//go:build windows

package fallback

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32            = windows.NewLazySystemDLL("kernel32.dll")
	procCreateMailslot  = kernel32.NewProc("CreateMailslotW")
	procGetMailslotInfo = kernel32.NewProc("GetMailslotInfo")
)

// createMailslot makes a mailslot whose reads wait for so many milliseconds.
func createMailslot(name *uint16, most, wait uint32, sa *windows.SecurityAttributes) (windows.Handle, error) {
	h, _, err := procCreateMailslot.Call(uintptr(unsafe.Pointer(name)), uintptr(most), uintptr(wait), uintptr(unsafe.Pointer(sa)))
	if windows.Handle(h) == windows.InvalidHandle {
		return 0, err
	}
	return windows.Handle(h), nil
}

// mailslotCount returns how many messages wait.
func mailslotCount(h windows.Handle) (int, error) {
	var next, count uint32
	ok, _, err := procGetMailslotInfo.Call(uintptr(h), 0, uintptr(unsafe.Pointer(&next)), uintptr(unsafe.Pointer(&count)), 0)
	if ok == 0 {
		return 0, err
	}
	return int(count), nil
}
