//go:build windows

// Package winsec has the security attributes of the kernel objects that
// Ringway creates on Windows.
package winsec

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// OwnerOnly returns attributes that make the current user the owner (for an
// elevated process it would be a group) and give the current user all access and
// nobody else any, inherited rights included; handles are not inherited by
// child processes.
func OwnerOnly() (*windows.SecurityAttributes, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, fmt.Errorf("who runs this process: %w", err)
	}
	sd, err := windows.SecurityDescriptorFromString(fmt.Sprintf("O:%[1]sD:P(A;;GA;;;%[1]s)", user.User.Sid))
	if err != nil {
		return nil, fmt.Errorf("security descriptor: %w", err)
	}
	return &windows.SecurityAttributes{
		Length:             uint32(unsafe.Sizeof(windows.SecurityAttributes{})),
		SecurityDescriptor: sd,
	}, nil
}

// sidOf returns whom an entry of an access list is about. It is part of the
// entry.
func sidOf(ace *windows.ACCESS_ALLOWED_ACE) *windows.SID {
	return (*windows.SID)(unsafe.Pointer(&ace.SidStart))
}
