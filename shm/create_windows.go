package shm

import (
	"crypto/rand"
	"encoding/hex"
	"os"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/wine"
	"github.com/ringway/ringway/internal/winsec"
)

// A section with a file is built in one with a temporary name, which the
// creator has open without sharing it with anybody, for as long as it lives or
// until the file gets its name. A temporary file that can be deleted is
// therefore a dead creator's, or one that Remove could not delete, and the next
// Create in the directory deletes it.

func createFile(dir, name string, o *Options, total int64, fill func([]byte)) (_ *backing, err error) {
	removeLeftovers(dir)
	path := longPath(dir, filePrefix+name)
	if exists(path) {
		return nil, errTaken() // before gigabytes are allocated in vain; rename decides
	}
	sa, err := winsec.OwnerOnly()
	if err != nil {
		return nil, err
	}
	h, err := openPath(longPath(dir, tempName(name)),
		windows.GENERIC_READ|windows.GENERIC_WRITE|windows.DELETE|windows.READ_CONTROL, 0, windows.CREATE_NEW,
		windows.FILE_ATTRIBUTE_TEMPORARY|windows.FILE_ATTRIBUTE_NOT_CONTENT_INDEXED, sa, 0)
	if err != nil {
		return nil, err
	}
	b := new(backing)
	done := false
	defer func() { // also when Init panics
		if !done {
			b.close()
			deleteFile(h)
		}
		windows.CloseHandle(h)
	}()
	step("opened")
	info, err := checkFile(h)
	if err != nil {
		return nil, err
	}
	b.file = idOf(&info)
	if b.mem, err = allocateAndMap(h, sa, dir, total); err != nil {
		return nil, err
	}
	step("mapped")
	if o.Prefault {
		if err := b.prefault(); err != nil {
			return nil, err
		}
	}
	fill(b.mem)
	switch err := rename(h, path); {
	case err == windows.ERROR_ALREADY_EXISTS, err == windows.ERROR_FILE_EXISTS:
		return nil, errTaken()
	case err != nil && exists(path): // a directory: the error depends on the system
		return nil, errTaken()
	case err != nil:
		return nil, err
	}
	done = true
	step("published")
	return b, nil
}

// allocateAndMap gives the new, empty file all its space, and maps it. Windows
// allocates what a file grows by, except in compressed directories.
func allocateAndMap(h windows.Handle, sa *windows.SecurityAttributes, dir string, total int64) (m []byte, err error) {
	free, known := freeBytes(dir)
	if known && uint64(total) > free {
		return nil, errNoDisk(dir, total, nil)
	}
	if wine.Running() { // its files are full of holes
		err = writeZeros(h, total)
	}
	if err == nil {
		m, err = mapFile(h, sa, false, total, total)
	}
	if isNoSpace(err) {
		return nil, errNoDisk(dir, total, err)
	}
	return m, err
}

// writeZeros makes the new file total bytes long, all of them allocated.
func writeZeros(h windows.Handle, total int64) error {
	zeros := make([]byte, min(total, 1<<20))
	for off := int64(0); off < total; {
		var n uint32
		at := windows.Overlapped{Offset: uint32(off), OffsetHigh: uint32(off >> 32)}
		if err := windows.WriteFile(h, zeros[:min(int64(len(zeros)), total-off)], &n, &at); err != nil {
			return err
		}
		off += int64(n)
	}
	return nil
}

// freeBytes returns what this user may still put on the disk of dir.
func freeBytes(dir string) (free uint64, known bool) {
	p, err := windows.UTF16PtrFromString(longPath(dir, ""))
	return free, err == nil && windows.GetDiskFreeSpaceEx(p, &free, nil, nil) == nil
}

// errNoDisk says how much there is for the total bytes asked for.
func errNoDisk(dir string, total int64, cause error) error {
	if free, known := freeBytes(dir); known && cause == nil {
		return failf(errs.NoSpace, "asked for %d bytes, %d bytes are available in %q", total, free, dir)
	} else if known {
		return failf(errs.NoSpace, "asked for %d bytes, %d bytes are available in %q: %v", total, free, dir, cause)
	}
	return failf(errs.NoSpace, "asked for %d bytes in %q: %v", total, dir, cause)
}

func exists(path string) bool {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return false
	}
	_, err = windows.GetFileAttributes(p)
	return err == nil
}

// tempName returns a temporary name for the file of a section, never used
// before.
func tempName(name string) string {
	var random [8]byte
	rand.Read(random[:])
	return "." + filePrefix + name + "." + hex.EncodeToString(random[:]) + tempSuffix
}

// deleteFile deletes the file of h: at once where Windows can do that, else
// when everybody has closed it.
func deleteFile(h windows.Handle) error {
	const flags = windows.FILE_DISPOSITION_DELETE | windows.FILE_DISPOSITION_POSIX_SEMANTICS | windows.FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE
	how := [4]byte{flags}
	err := windows.SetFileInformationByHandle(h, windows.FileDispositionInfoEx, &how[0], 4)
	if err != nil {
		how[0] = 1
		err = windows.SetFileInformationByHandle(h, windows.FileDispositionInfo, &how[0], 1)
	}
	return err
}

func removePath(path string) error {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	return windows.DeleteFile(p)
}

// removeLeftovers deletes what creators that died in the directory left there.
// It fails in silence: the leftovers harm nobody.
func removeLeftovers(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if isTemp(e.Name()) {
			removePath(longPath(dir, e.Name()))
		}
	}
}
