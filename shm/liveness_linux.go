package shm

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
)

// Who holds an entry of the table has an open-file-description lock on the
// entry's first byte. The kernel drops it when the last descriptor of that
// description is closed, which for a process that ends it does itself, before
// anybody can wait for the process. It does not matter then that a zombie still
// has its number, that another process has it, or that numbers mean something
// else in another namespace. Unlike the older kind of lock it also does not
// fall when some other descriptor of the file is closed.

// entryLock is the lock on an entry. Each has a file description of its own: two
// holders within one process would not exclude each other otherwise. The first
// one's is the section's, so that most processes need no other.
type entryLock struct {
	fd   int
	lent *backing // whose descriptor it is; nil if it is the lock's own
}

// lockEntry locks the entry of slot, or returns Busy.
func (b *backing) lockEntry(dir, name string, slot int, _ bool) (*entryLock, error) {
	if b.sole && b.held == 0 {
		if err := fileLock(b.fd, unix.F_OFD_SETLK, unix.F_WRLCK, entryOffset(slot)); err != nil {
			return nil, err
		}
		b.held = entryOffset(slot)
		return &entryLock{b.fd, b}, nil
	}
	fd, err := b.reopen(dir, name)
	if err != nil {
		return nil, err
	}
	if err := fileLock(fd, unix.F_OFD_SETLK, unix.F_WRLCK, entryOffset(slot)); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &entryLock{fd: fd}, nil
}

// release gives the lock up.
func (l *entryLock) release() error {
	if l.lent == nil {
		return unix.Close(l.fd)
	}
	off := l.lent.held
	l.lent.held = 0
	return fileLock(l.fd, unix.F_OFD_SETLK, unix.F_UNLCK, off)
}

// entryHeld reports whether anybody has the lock on the entry of slot.
func (b *backing) entryHeld(slot int) (bool, error) {
	if b.held == entryOffset(slot) {
		return true, nil // by b.fd, which doesn't see its own
	}
	return lockHeld(b.fd, entryOffset(slot))
}

// reopen returns a new file description of b's file: through /proc, which
// works for a file that has lost its name, or else by the name.
func (b *backing) reopen(dir, name string) (int, error) {
	if !noProc {
		if fd, err := openat(unix.AT_FDCWD, procPath(b.fd), unix.O_RDWR|unix.O_NONBLOCK, 0); err == nil {
			return fd, nil
		}
	}
	dfd, err := openDir(dir)
	if err != nil {
		return -1, err
	}
	defer unix.Close(dfd)
	fd, st, err := openFile(dfd, filePrefix+name, unix.O_RDWR)
	if err == nil && !b.is(&st) {
		unix.Close(fd)
		err = unix.ESTALE
	}
	if err != nil {
		return -1, &errs.Error{Err: err, Detail: "without /proc, the section can only be attached to under its name"}
	}
	return fd, nil
}

// fileLock sets or clears the lock on the byte at off, or returns Busy.
func fileLock(fd, cmd int, kind int16, off int64) error {
	lk := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: off, Len: 1}
	switch err := unix.FcntlFlock(uintptr(fd), cmd, &lk); err {
	case unix.EAGAIN, unix.EACCES:
		return errs.Busy
	default:
		return err
	}
}

// lockHeld reports whether another description has the lock on the byte at off.
func lockHeld(fd int, off int64) (bool, error) {
	lk := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: off, Len: 1}
	err := queryLock(fd, &lk)
	return err == nil && lk.Type != unix.F_UNLCK, err
}

// processStart returns when this process started, in clock ticks since the
// system did, or 0 if that is unknown.
var processStart = sync.OnceValue(func() uint64 {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	// The second field is the program's name in parentheses, and may hold
	// anything; the start time is the 22nd, the 20th of what follows.
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 20 {
		return 0
	}
	n, _ := strconv.ParseUint(string(f[19]), 10, 64)
	return n
})
