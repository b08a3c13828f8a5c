//go:build windows

package shm

import (
	"math"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/errs"
)

var (
	kernel32                   = windows.NewLazySystemDLL("kernel32.dll")
	procOpenFileMapping        = kernel32.NewProc("OpenFileMappingW")
	procGlobalMemoryStatusEx   = kernel32.NewProc("GlobalMemoryStatusEx")
	ntdll                      = windows.NewLazySystemDLL("ntdll.dll")
	procNtQueryObject          = ntdll.NewProc("NtQueryObject")
	procNtOpenDirectoryObject  = ntdll.NewProc("NtOpenDirectoryObject")
	procNtQueryDirectoryObject = ntdll.NewProc("NtQueryDirectoryObject")
)

// createMapping makes a section object: of a file, or of size bytes backed by
// the paging file; with a name, or without one if it is empty. A name that is
// taken is an error.
func createMapping(file windows.Handle, sa *windows.SecurityAttributes, protect uint32, size int64, name string) (windows.Handle, error) {
	var p *uint16
	if name != "" {
		var err error
		if p, err = windows.UTF16PtrFromString(name); err != nil {
			return 0, err
		}
	}
	h, err := windows.CreateFileMapping(file, sa, protect, uint32(size>>32), uint32(size), p)
	if err == windows.ERROR_ALREADY_EXISTS && h != 0 {
		windows.CloseHandle(h) // of what was there before
	}
	if err != nil {
		return 0, err
	}
	return h, nil
}

// openMapping opens a section object that exists.
func openMapping(name string, access uint32) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, _, err := procOpenFileMapping.Call(uintptr(access), 0, uintptr(unsafe.Pointer(p)))
	if h == 0 {
		return 0, err
	}
	return windows.Handle(h), nil
}

// mapView maps the first size bytes of a section object, or all of it if size
// is 0. It refuses memory that is not there on every page: touching that would
// end the program.
func mapView(h windows.Handle, readOnly bool, size int64) ([]byte, error) {
	const (
		memMapped = 0x40000 // MEM_MAPPED
		most      = math.MaxInt &^ (PageSize - 1)
	)
	access, protect := uint32(windows.FILE_MAP_READ|windows.FILE_MAP_WRITE), uint32(windows.PAGE_READWRITE)
	if readOnly {
		access, protect = windows.FILE_MAP_READ, windows.PAGE_READONLY
	}
	addr, err := windows.MapViewOfFile(h, access, 0, 0, uintptr(size))
	switch {
	case isNoSpace(err):
		return nil, errNoMemory(size, err)
	case err == windows.ERROR_ACCESS_DENIED && size == 0:
		return nil, failf(errs.NotRingway, "it is memory that cannot be written to")
	case err != nil:
		return nil, failf(err, "mapping %d bytes", size)
	}
	var info windows.MemoryBasicInformation
	err = windows.VirtualQuery(addr, &info, unsafe.Sizeof(info))
	if err == nil && (info.State != windows.MEM_COMMIT || info.Type != memMapped || info.Protect != protect ||
		info.RegionSize < PageSize || info.RegionSize > most || info.RegionSize < uintptr(size)) {
		err = failf(errs.NotRingway, "its memory is not all of one kind (%d bytes, state %#x, protection %#x, type %#x)",
			info.RegionSize, info.State, info.Protect, info.Type)
	}
	if err != nil {
		windows.UnmapViewOfFile(addr)
		return nil, err
	}
	if size == 0 {
		size = int64(info.RegionSize)
	}
	// The address is not one of the Go heap, so it may travel as a number.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), size), nil
}

// errNoMemory says how much there is for the total bytes asked for.
func errNoMemory(total int64, cause error) error {
	var status struct {
		length, _       uint32
		_, _            uint64 // physical memory
		_, availCommit  uint64 // the limit of the paging file, and of this process
		_, availVirtual uint64
		_               uint64
	}
	status.length = uint32(unsafe.Sizeof(status))
	if r, _, _ := procGlobalMemoryStatusEx.Call(uintptr(unsafe.Pointer(&status))); r == 0 {
		return failf(errs.NoSpace, "asked for %d bytes: %v", total, cause)
	}
	return failf(errs.NoSpace, "asked for %d bytes, %d bytes are available: %v", total, min(status.availCommit, status.availVirtual), cause)
}

// rename gives the file of h the name path, unless something has it.
func rename(h windows.Handle, path string) error {
	type renameInfo struct {
		replace uint32
		root    windows.Handle
		length  uint32
		name    [1]uint16
	}
	name, err := windows.UTF16FromString(path)
	if err != nil {
		return err
	}
	const head = unsafe.Offsetof(renameInfo{}.name)
	size := head + uintptr(2*len(name))
	buf := make([]uint64, size/8+2) // at least a renameInfo, and aligned like one
	info := (*renameInfo)(unsafe.Pointer(&buf[0]))
	info.length = uint32(2 * (len(name) - 1))
	copy(unsafe.Slice(&info.name[0], len(name)), name)
	return windows.SetFileInformationByHandle(h, windows.FileRenameInfo, (*byte)(unsafe.Pointer(&buf[0])), uint32(size))
}

// objectName returns the whole name of a kernel object.
func objectName(h windows.Handle) (string, error) {
	const nameInformation = 1 // ObjectNameInformation
	var buf [512]uint64
	r, _, _ := procNtQueryObject.Call(uintptr(h), nameInformation, uintptr(unsafe.Pointer(&buf)), unsafe.Sizeof(buf), 0)
	if r != 0 {
		return "", windows.NTStatus(r)
	}
	return strings.Clone((*windows.NTUnicodeString)(unsafe.Pointer(&buf)).String()), nil
}

// object is an entry of a directory of kernel objects.
type object struct{ name, kind string }

// readObjectDirectory returns what is in a directory of kernel objects. It
// asks for one at a time, since Wine knows no other way.
func readObjectDirectory(path string) ([]object, error) {
	const (
		query     = 1 // DIRECTORY_QUERY
		oneEntry  = 1
		mostBytes = 1 << 20
	)
	name, err := windows.NewNTUnicodeString(path)
	if err != nil {
		return nil, err
	}
	attributes := windows.OBJECT_ATTRIBUTES{ObjectName: name}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	var h windows.Handle
	if r, _, _ := procNtOpenDirectoryObject.Call(uintptr(unsafe.Pointer(&h)), query, uintptr(unsafe.Pointer(&attributes))); r != 0 {
		return nil, windows.NTStatus(r)
	}
	defer windows.CloseHandle(h)
	var all []object
	var context uint32
	buf := make([]uint64, 512)
	for restart := uintptr(1); ; {
		r, _, _ := procNtQueryDirectoryObject.Call(uintptr(h), uintptr(unsafe.Pointer(&buf[0])), uintptr(8*len(buf)),
			oneEntry, restart, uintptr(unsafe.Pointer(&context)), 0)
		switch status := windows.NTStatus(r); status {
		case windows.STATUS_NO_MORE_ENTRIES:
			return all, nil
		case windows.STATUS_BUFFER_TOO_SMALL:
			if 8*len(buf) >= mostBytes {
				return nil, status
			}
			buf = make([]uint64, 2*len(buf))
			continue
		case windows.STATUS_SUCCESS, windows.STATUS_MORE_ENTRIES:
		default:
			return nil, status
		}
		restart = 0
		e := (*[2]windows.NTUnicodeString)(unsafe.Pointer(&buf[0]))
		all = append(all, object{strings.Clone(e[0].String()), strings.Clone(e[1].String())})
	}
}
