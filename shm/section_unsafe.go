package shm

import "unsafe"

// address returns where m starts.
func address(m []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(m))) }
