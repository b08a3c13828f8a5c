package shm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/sigbus"
)

const (
	defaultDir = "/dev/shm"
	filePrefix = "ringway." // of a section's file; a creator's temporary one has a dot before it
)

// backing is a section's file and its mapping.
type backing struct {
	fd       int
	mem      []byte
	dev, ino uint64 // of the file; immutable
	guarded  *sigbus.Guard

	sole bool  // nobody else can have fd's file description
	held int64 // where fd holds the lock on an entry; 0 is nowhere
}

// guard has the mapping of a file that somebody may truncate answer with zeros
// then, instead of ending the process. Where that can't be done the guard is
// nil, and never faults. It is released before m is unmapped.
func guard(m []byte) (*sigbus.Guard, error) {
	if !sigbus.Supported {
		return nil, nil
	}
	return sigbus.Protect(address(m), uintptr(len(m)))
}

func (b *backing) guard() *sigbus.Guard { return b.guarded }

// close unmaps and closes whatever there is.
func (b *backing) close() error {
	b.guarded.Release()
	var err error
	if b.mem != nil {
		err = unix.Munmap(b.mem)
		b.mem = nil
	}
	if closeErr := b.closeFD(); err == nil {
		err = closeErr
	}
	return err
}

// cleanDir returns the directory that dir means, for good: a later change of
// the working directory does not change it.
func cleanDir(dir string) (string, error) {
	if dir == "" {
		return defaultDir, nil
	}
	return filepath.Abs(dir)
}

// openDir returns a handle of dir for the calls that end in "at".
func openDir(dir string) (int, error) {
	fd, err := openat(unix.AT_FDCWD, dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return -1, &errs.Error{Err: err, Detail: fmt.Sprintf("directory %q", dir)}
	}
	return fd, nil
}

// openat is the system call, without interruptions and without inheritance.
func openat(dfd int, path string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Openat(dfd, path, flags|unix.O_CLOEXEC, mode)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// openFile opens a section's file, or refuses it. It looks before it opens, so
// that not even a device's open has an effect, and again afterwards, for what
// was put there in between. Links are the caller's to check.
func openFile(dfd int, file string, flags int) (fd int, st unix.Stat_t, err error) {
	if err := unix.Fstatat(dfd, file, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return -1, st, err
	}
	if err := checkFile(&st); err != nil {
		return -1, st, err
	}
	fd, err = openat(dfd, file, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err == unix.ELOOP {
		return -1, st, failf(errs.Insecure, "it is a symbolic link")
	}
	if err != nil {
		return -1, st, err
	}
	if err = unix.Fstat(fd, &st); err == nil {
		err = checkFile(&st)
	}
	if err != nil {
		unix.Close(fd)
		return -1, st, err
	}
	return fd, st, nil
}

// checkFile refuses what is not a regular file that belongs to us alone.
func checkFile(st *unix.Stat_t) error {
	what := ""
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		if uid := os.Geteuid(); st.Uid != uint32(uid) {
			return failf(errs.Insecure, "it belongs to user %d, this program runs as user %d", st.Uid, uid)
		}
		if st.Mode&0o077 != 0 {
			return failf(errs.Insecure, "its mode %#o gives rights to other users; 0600 would not", st.Mode&0o7777)
		}
		return nil
	case unix.S_IFLNK:
		return failf(errs.Insecure, "it is a symbolic link")
	case unix.S_IFDIR:
		what = "directory"
	case unix.S_IFIFO:
		what = "FIFO"
	case unix.S_IFSOCK:
		what = "socket"
	default:
		what = "device"
	}
	return failf(errs.NotRingway, "it is a %s", what)
}

// openSection opens and validates the section that has the name, without
// mapping it.
func openSection(dir string, dfd int, name string, flags int) (int, unix.Stat_t, Descriptor, error) {
	file := filePrefix + name
	fd, st, err := openFile(dfd, file, flags)
	if err != nil {
		return -1, st, Descriptor{}, err
	}
	var d Descriptor
	if st.Nlink == 1 || st.Nlink == 2 && halfPublished(dir, dfd, file, &st) {
		d, err = readDescriptor(fd, &st)
	} else if st.Nlink == 0 {
		err = unix.ENOENT // removed since it was opened
	} else {
		err = failf(errs.Insecure, "the file has %d names, not 1", st.Nlink)
	}
	if err != nil {
		unix.Close(fd)
		return -1, st, Descriptor{}, err
	}
	return fd, st, d, nil
}

// readDescriptor copies the descriptor out of the file and validates the copy.
func readDescriptor(fd int, st *unix.Stat_t) (Descriptor, error) {
	var page [PageSize]byte
	n, err := readStart(fd, page[:])
	if err != nil {
		return Descriptor{}, err
	}
	if n < PageSize {
		return Descriptor{}, failf(errs.NotRingway, "it has %d bytes, a descriptor alone has %d", n, PageSize)
	}
	return decode(&page, st.Size)
}

// readStart reads the file's start into page, as much as there is.
func readStart(fd int, page []byte) (n int, err error) {
	for n < len(page) {
		m, err := unix.Pread(fd, page[n:], int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return n, err
		case m == 0:
			return n, nil
		default:
			n += m
		}
	}
	return n, nil
}

func peek(dir, name string) ([]byte, int64, error) {
	dfd, err := openDir(dir)
	if err != nil {
		return nil, 0, err
	}
	defer unix.Close(dfd)
	fd, st, err := openFile(dfd, filePrefix+name, unix.O_RDONLY)
	if err != nil {
		return nil, 0, err
	}
	defer unix.Close(fd)
	page := make([]byte, PageSize)
	n, err := readStart(fd, page)
	return page[:n], st.Size, err
}

func openBacking(dir, name string, o *OpenOptions) (*backing, Descriptor, error) {
	dfd, err := openDir(dir)
	if err != nil {
		return nil, Descriptor{}, err
	}
	defer unix.Close(dfd)
	flags := unix.O_RDWR
	if o.ReadOnly {
		flags = unix.O_RDONLY
	}
	fd, st, d, err := openSection(dir, dfd, name, flags)
	if err != nil {
		return nil, Descriptor{}, err
	}
	b := &backing{fd: fd, dev: uint64(st.Dev), ino: st.Ino, sole: true}
	err = b.mapAll(d.Total, o.ReadOnly)
	if err == nil && o.HugePages {
		err = adviseHuge(fd, b.mem)
	}
	if err == nil && o.Prefault {
		err = populate(b.mem, o.ReadOnly)
	}
	if err == nil {
		b.guarded, err = guard(b.mem)
	}
	if err != nil {
		b.close()
		return nil, Descriptor{}, err
	}
	return b, d, nil
}

// sameName reports whether the name leads to b's file. An inode number is not
// reused while a descriptor holds the file.
func (b *backing) sameName(dir, name string) (bool, error) {
	var st unix.Stat_t
	err := unix.Fstatat(unix.AT_FDCWD, filepath.Join(dir, filePrefix+name), &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil && b.is(&st), err
}

// unchanged reports whether the name leads to b's file, of which nothing was
// changed that matters to openFile.
func (b *backing) unchanged(dir, name string) bool {
	var st unix.Stat_t
	err := unix.Fstatat(unix.AT_FDCWD, filepath.Join(dir, filePrefix+name), &st, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && b.is(&st) && st.Nlink == 1 && st.Size >= int64(len(b.mem)) && checkFile(&st) == nil
}

// is reports whether st is of b's file.
func (b *backing) is(st *unix.Stat_t) bool { return uint64(st.Dev) == b.dev && st.Ino == b.ino }

func removeName(dir, name string) error {
	removeDoorbells(dir, name)
	return unix.Unlinkat(unix.AT_FDCWD, filepath.Join(dir, filePrefix+name), 0)
}

func listNames(dir string) ([]string, error) { return namesIn(dir) }

func listSections(dir string) ([]Info, error) {
	dfd, err := openDir(dir)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dfd)
	names, err := namesIn(dir)
	if err != nil {
		return nil, err
	}
	var infos []Info
	for _, name := range names {
		in := Info{Name: name, Err: CheckName(name)}
		fd, st, d, err := openSection(dir, dfd, name, unix.O_RDONLY)
		if errors.Is(err, os.ErrNotExist) {
			continue // removed since
		}
		if err == nil {
			unix.Close(fd)
		}
		if in.Size = st.Size; in.Err == nil {
			in.Descriptor, in.Err = d, err
		}
		infos = append(infos, in)
	}
	return infos, nil
}
