package shm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
)

// A doorbell is a FIFO beside the section's file: what a process sleeps on that
// waits by a descriptor instead of a word of the memory, because an eventfd has
// no name. Everyone who has it open holds a shared lock on it, and the last one
// to close it takes its name away; what the killed leave behind is taken by the
// next one who needs it, or goes with the section's name.
const bellPrefix = "ringway-bell."

// bells are the doorbells that a section can have.
var bells = [...]string{"data", "space"}

func bellPath(dir, name string, region [16]byte, what string) string {
	return filepath.Join(dir, fmt.Sprintf("%s%s~%x.%s", bellPrefix, name, region, what))
}

// Doorbell opens the section's doorbell of a kind, "data" or "space", a FIFO
// which is read and written without blocking; with create it is made if nobody
// has it yet. It belongs to the caller, who gives it back with CloseDoorbell.
// Any process of the user may read and write it: a byte in it is a hint. It
// enters the kernel and allocates. Errors: ErrNotExist (without create),
// ErrInsecure, ErrBadArgument, ErrClosed, and those of the operating system.
func (s *Section) Doorbell(what string, create bool) (*os.File, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	const op = "open doorbell"
	if s.b == nil {
		return nil, named(op, s.name, errs.Closed)
	}
	if what != bells[0] && what != bells[1] {
		return nil, named(op, s.name, failf(errs.BadArgument, "there are %q", bells))
	}
	path := bellPath(s.dir, s.name, s.desc.Region, what)
	f, err := openDoorbell(path, create)
	if err != nil {
		return nil, named(op, s.name, err)
	}
	return f, nil
}

// MakeDoorbell makes a FIFO at path, whose name in the directory must begin with
// "ringway-bell.", and opens it, for both directions and without blocking. As
// long as it is open, here or where the descriptor was passed to, Clean takes it
// for somebody's; taking the name away is up to the caller. It enters the kernel
// and allocates. Errors: ErrInsecure, and those of the operating system.
func MakeDoorbell(path string) (*os.File, error) {
	f, err := openDoorbell(path, true)
	if err != nil {
		return nil, named("make doorbell", path, err)
	}
	return f, nil
}

func openDoorbell(path string, create bool) (*os.File, error) {
	const tries = 100 // each but the last means that somebody closed it meanwhile
	for range tries {
		if create {
			if err := unix.Mkfifo(path, 0o600); err != nil && err != unix.EEXIST {
				return nil, err
			}
		}
		var st unix.Stat_t
		err := unix.Lstat(path, &st)
		if err == nil {
			err = checkFIFO(&st)
		}
		fd := -1
		if err == nil {
			fd, err = openat(unix.AT_FDCWD, path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
		}
		if err == unix.ENOENT && create {
			continue
		}
		if err != nil {
			return nil, err
		}
		err = unix.Fstat(fd, &st)
		if err == nil {
			err = checkFIFO(&st)
		}
		if err == nil && unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB) == nil && samePath(path, &st) {
			return os.NewFile(uintptr(fd), path), nil
		}
		unix.Close(fd)
		if err != nil {
			return nil, err
		}
		runtime.Gosched()
	}
	return nil, failf(errs.Busy, "others open and close it all the time")
}

func checkFIFO(st *unix.Stat_t) error {
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFIFO:
		return failf(errs.Insecure, "the doorbell is no FIFO but has mode %#o", st.Mode)
	case st.Uid != uint32(os.Geteuid()) || st.Mode&0o077 != 0:
		return failf(errs.Insecure, "the doorbell belongs to user %d and has mode %#o", st.Uid, st.Mode&0o7777)
	}
	return nil
}

// samePath reports whether the path leads to the file of st.
func samePath(path string, st *unix.Stat_t) bool {
	var now unix.Stat_t
	return unix.Lstat(path, &now) == nil && now.Dev == st.Dev && now.Ino == st.Ino
}

// CloseDoorbell closes what Doorbell returned, and takes its name away if
// nobody else has it open.
func CloseDoorbell(f *os.File) error {
	if c, err := f.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { dropDoorbell(int(fd), f.Name()) })
	}
	return f.Close()
}

func dropDoorbell(fd int, path string) {
	var st unix.Stat_t
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil && unix.Fstat(fd, &st) == nil && samePath(path, &st) {
		_ = unix.Unlink(path)
	}
}

// DoorbellGone reports whether the name of the doorbell was taken away, so that
// nobody finds it any more.
func DoorbellGone(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Nlink == 0
}

// removeDoorbells takes away the names of doorbells that nobody has open, of
// the section that has the name.
func removeDoorbells(dir, name string) {
	dfd, err := openDir(dir)
	if err != nil {
		return
	}
	defer unix.Close(dfd)
	fd, _, d, err := openSection(dir, dfd, name, unix.O_RDONLY)
	if err != nil {
		return
	}
	unix.Close(fd)
	for _, what := range bells {
		path := bellPath(dir, name, d.Region, what)
		var st unix.Stat_t
		if errors.Is(unix.Lstat(path, &st), os.ErrNotExist) {
			continue
		}
		if f, err := openDoorbell(path, false); err == nil {
			_ = CloseDoorbell(f)
		}
	}
}

// removeOrphans takes away the names of doorbells in a directory whose section
// has no name any more, and which nobody has open: those who had were killed.
func removeOrphans(dir string, entries []os.DirEntry) {
	sections := make(map[string]bool)
	for _, e := range entries {
		if name, ok := strings.CutPrefix(e.Name(), filePrefix); ok {
			sections[name] = true
		}
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), bellPrefix)
		name, _, found := strings.Cut(rest, "~")
		if !ok || !found || sections[name] {
			continue
		}
		if f, err := openDoorbell(filepath.Join(dir, e.Name()), false); err == nil {
			_ = CloseDoorbell(f)
		}
	}
}
