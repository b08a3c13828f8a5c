package shm

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/errs"
)

const (
	filePrefix   = "ringway." // of a section's file and object
	objectPrefix = `Local\` + filePrefix
)

// How long to wait for somebody who is about to finish: a creator with its
// magic, or with giving a file its name; and how long between two looks.
var patience = time.Second // changed by tests only

const betweenLooks = time.Millisecond

// backing is a section's mapping and what keeps it. A section without a file
// has its name for as long as anybody has a handle of it, so a handle is kept;
// one with a file needs nothing but the mapping.
type backing struct {
	mem    []byte
	object windows.Handle // 0 for a section with a file
	file   fileID         // of a section with a file; immutable
}

// guard returns nil: what is mapped cannot be truncated on Windows.
func (b *backing) guard() *Guard { return nil }

// close unmaps and closes whatever there is.
func (b *backing) close() error {
	var err error
	if b.mem != nil {
		err = windows.UnmapViewOfFile(address(b.mem))
		b.mem = nil
	}
	if b.object != 0 {
		if closeErr := windows.CloseHandle(b.object); err == nil {
			err = closeErr
		}
		b.object = 0
	}
	return err
}

// cleanDir returns the directory that dir means, for good: a later change of
// the working directory does not change it. Empty means a section without a
// file.
func cleanDir(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	return filepath.Abs(dir)
}

func createBacking(dir, name string, o *Options, total int64, fill func([]byte)) (*backing, error) {
	if o.HugePages {
		return nil, errNoHugePages()
	}
	if dir == "" {
		return createObject(objectPrefix+name, o, total, fill)
	}
	return createFile(dir, name, o, total, fill)
}

func openBacking(dir, name string, o *OpenOptions) (b *backing, d Descriptor, err error) {
	if o.HugePages {
		return nil, d, errNoHugePages()
	}
	if dir == "" {
		b, d, err = openObject(objectPrefix+name, o.ReadOnly)
	} else {
		b, d, err = openFileBacking(dir, name, o.ReadOnly)
	}
	if err == nil && o.Prefault {
		if err = b.prefault(); err != nil {
			b.close()
		}
	}
	if err != nil {
		return nil, Descriptor{}, err
	}
	return b, d, nil
}

func removeName(dir, name string) error {
	if dir == "" {
		return checkObject(objectPrefix + name)
	}
	return removeFile(dir, name)
}

func peek(dir, name string) ([]byte, int64, error) {
	if dir != "" {
		return peekFile(dir, name)
	}
	b, err := lookAt(objectPrefix+name, true)
	if err != nil {
		return nil, 0, err
	}
	defer b.close()
	return append([]byte(nil), b.mem[:min(len(b.mem), PageSize)]...), int64(len(b.mem)), nil
}

func listNames(dir string) ([]string, error) {
	if dir == "" {
		return objectNames()
	}
	return namesIn(dir)
}

func listSections(dir string) ([]Info, error) {
	if dir == "" {
		return listObjects()
	}
	return listFiles(dir)
}

// sameName reports whether the name leads to b. A section without a file cannot
// lose its name as long as b has a handle of it.
func (b *backing) sameName(dir, name string) (bool, error) {
	if dir == "" {
		return true, nil
	}
	h, id, err := identify(longPath(dir, filePrefix+name))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	windows.CloseHandle(h)
	return id == b.file, nil
}

// unchanged is not known: to keep a section open would keep it in being.
func (b *backing) unchanged(string, string) bool { return false }

// prefault maps every page. The system may take it away again if it is not
// used; only VirtualLock would not let it, and has limits of its own.
func (b *backing) prefault() error {
	s := Section{b: b}
	var sum byte
	err := s.touch(func() {
		for i := 0; i < len(b.mem); i += PageSize {
			sum += b.mem[i]
		}
	})
	runtime.KeepAlive(sum)
	if err != nil {
		return failf(errs.NoSpace, "prefaulting %d bytes", len(b.mem))
	}
	return nil
}

func errTaken() error {
	return failf(os.ErrExist, "open it; or, if the programs that used it are dead, remove it first")
}

func errNoHugePages() error {
	return failf(errs.Unsupported, "no huge pages: on Windows they take a privilege which only administrators give (SeLockMemoryPrivilege)")
}

// isNoSpace reports whether err says that memory or disk is full.
func isNoSpace(err error) bool {
	switch err {
	case windows.ERROR_NOT_ENOUGH_MEMORY, windows.ERROR_OUTOFMEMORY, windows.ERROR_COMMITMENT_LIMIT,
		windows.ERROR_NO_SYSTEM_RESOURCES, windows.ERROR_PAGEFILE_QUOTA, windows.ERROR_DISK_FULL,
		windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED, windows.ERROR_FILE_TOO_LARGE:
		return true
	}
	return false
}
