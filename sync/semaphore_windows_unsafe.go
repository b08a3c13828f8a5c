//go:build windows

package sync

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32             = windows.NewLazySystemDLL("kernel32.dll")
	procCreateSemaphore  = kernel32.NewProc("CreateSemaphoreW")
	procOpenSemaphore    = kernel32.NewProc("OpenSemaphoreW")
	procReleaseSemaphore = kernel32.NewProc("ReleaseSemaphore")
)

// createSemaphore returns a handle, and ERROR_ALREADY_EXISTS with it when the
// semaphore was there.
func createSemaphore(sa *windows.SecurityAttributes, first, most uint32, path *uint16) (windows.Handle, error) {
	h, _, err := procCreateSemaphore.Call(uintptr(unsafe.Pointer(sa)), uintptr(first), uintptr(most), uintptr(unsafe.Pointer(path)))
	if h != 0 && err != windows.ERROR_ALREADY_EXISTS {
		err = nil
	}
	return windows.Handle(h), err
}

func openSemaphore(access uint32, path *uint16) (windows.Handle, error) {
	h, _, err := procOpenSemaphore.Call(uintptr(access), 0, uintptr(unsafe.Pointer(path)))
	if h != 0 {
		err = nil
	}
	return windows.Handle(h), err
}

func releaseSemaphore(h windows.Handle, n uint32) error {
	if ok, _, err := procReleaseSemaphore.Call(uintptr(h), uintptr(n), 0); ok == 0 {
		return err
	}
	return nil
}
