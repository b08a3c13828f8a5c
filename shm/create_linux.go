package shm

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
)

// A section is built in a file without a name, which vanishes with its creator,
// and gets its name when it is complete. Where a file system has no such files,
// it is built in one with a temporary name, whose first byte the creator locks
// for as long as it lives; what is not locked is a dead creator's, and the next
// Create in the directory removes it. (Tools that list a process's mappings show
// the creator's as deleted: they know the file as it was when it was mapped.)

func createBacking(dir, name string, o *Options, total int64, fill func([]byte)) (_ *backing, err error) {
	dfd, err := openDir(dir)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dfd)
	removeLeftovers(dir, dfd)
	file := filePrefix + name
	if err := unix.Fstatat(dfd, file, new(unix.Stat_t), unix.AT_SYMLINK_NOFOLLOW); err == nil {
		return nil, errTaken() // before gigabytes are allocated in vain; publish decides
	}
	fd, temp, err := newFile(dfd, file)
	if err != nil {
		return nil, err
	}
	b := &backing{fd: fd, sole: true}
	done := false
	defer func() { // also when Init panics
		if !done {
			if temp != "" {
				unix.Unlinkat(dfd, temp, 0)
			}
			b.close()
		}
	}()
	step("opened")
	if err := b.own(); err != nil {
		return nil, err
	}
	if err := b.allocateAndMap(o, total); err != nil {
		return nil, err
	}
	step("mapped")
	fill(b.mem)
	if b.guarded, err = guard(b.mem); err != nil {
		return nil, err
	}
	if err := publish(dfd, fd, temp, file); err != nil {
		return nil, err
	}
	done = true
	step("published")
	if temp != "" {
		fileLock(fd, unix.F_OFD_SETLK, unix.F_UNLCK, 0)
	}
	return b, nil
}

func errTaken() error {
	return failf(os.ErrExist, "open it; or, if the programs that used it are dead, remove it first")
}

// own makes the file ours alone, whatever umask and default ACLs say, and
// remembers which one it is.
func (b *backing) own() error {
	if err := unix.Fchmod(b.fd, 0o600); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(b.fd, &st); err != nil {
		return err
	}
	b.dev, b.ino = uint64(st.Dev), st.Ino
	return checkFile(&st)
}

// newFile makes an empty file: without a name (temp is empty then), or with a
// temporary one and locked.
func newFile(dfd int, file string) (fd int, temp string, err error) {
	if !noTmpfile {
		fd, err = openat(dfd, ".", unix.O_TMPFILE|unix.O_RDWR, 0o600)
		switch err {
		case nil:
			var st unix.Stat_t
			if !noProc && unix.Stat(procPath(fd), &st) == nil {
				return fd, "", nil
			}
			unix.Close(fd) // without /proc it could not get a name
		case unix.EOPNOTSUPP, unix.EISDIR, unix.EINVAL, unix.ENOENT:
		default:
			return -1, "", err
		}
	}
	for {
		var random [8]byte
		rand.Read(random[:])
		temp = "." + file + "." + hex.EncodeToString(random[:])
		fd, err = openat(dfd, temp, unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_RDWR, 0o600)
		if err == unix.EEXIST {
			continue
		}
		if err != nil {
			return -1, "", err
		}
		step("named")
		err = fileLock(fd, unix.F_OFD_SETLK, unix.F_WRLCK, 0)
		var st unix.Stat_t
		if err == nil {
			err = unix.Fstat(fd, &st)
		}
		if err == nil && st.Nlink == 1 {
			return fd, temp, nil
		}
		// Somebody's removeLeftovers saw the file before we locked it and has
		// removed it, or is about to.
		unix.Unlinkat(dfd, temp, 0)
		unix.Close(fd)
		if err != nil && err != errs.Busy {
			return -1, "", err
		}
	}
}

// procPath is a path that leads to the file of fd, whatever its names.
func procPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// publish gives the file its name, unless something else has it.
func publish(dfd, fd int, temp, file string) error {
	var err error
	if temp == "" {
		err = unix.Linkat(unix.AT_FDCWD, procPath(fd), dfd, file, unix.AT_SYMLINK_FOLLOW)
	} else {
		err = unix.EINVAL
		if !noRenameExcl {
			err = unix.Renameat2(dfd, temp, dfd, file, unix.RENAME_NOREPLACE)
		}
		if err == unix.EINVAL || err == unix.ENOSYS {
			if err = unix.Linkat(dfd, temp, dfd, file, 0); err == nil {
				step("linked")
				err = unix.Unlinkat(dfd, temp, 0)
			}
		}
	}
	if err == unix.EEXIST {
		return errTaken()
	}
	return err
}

// tempOf reports whether entry is a creator's temporary name, and of which file.
func tempOf(entry string) (file string, ok bool) {
	i := strings.LastIndexByte(entry, '.')
	if i < 1 || entry[0] != '.' || len(entry)-i-1 != 16 {
		return "", false
	}
	if _, err := hex.DecodeString(entry[i+1:]); err != nil {
		return "", false
	}
	name, ok := strings.CutPrefix(entry[1:i], filePrefix)
	return entry[1:i], ok && CheckName(name) == nil
}

// removeLeftovers removes what creators that died in the directory left there.
// It fails in silence: the leftovers harm nobody. To read a large directory for
// each of thousands of sections would take longer than all the rest, so of those
// who create in one only every so many look, one for each perLook entries.
func removeLeftovers(dir string, dfd int) {
	looks.Lock()
	left := looks.left[dir]
	if left > 0 {
		looks.left[dir]--
	}
	looks.Unlock()
	if left > 0 {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if _, ok := tempOf(e.Name()); ok {
			removeLeftover(dfd, e.Name())
		}
	}
	removeOrphans(dir, entries)
	looks.Lock()
	defer looks.Unlock()
	if left = len(entries) / perLook; left > 0 {
		looks.left[dir] = left
	} else {
		delete(looks.left, dir)
	}
}

const perLook = 100

// looks are how many creators don't look, by large directory.
var looks = struct {
	sync.Mutex
	left map[string]int
}{left: make(map[string]int)}

func removeLeftover(dfd int, temp string) {
	fd, st, err := openFile(dfd, temp, unix.O_RDWR)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if fileLock(fd, unix.F_OFD_SETLK, unix.F_WRLCK, 0) != nil {
		return // its creator lives
	}
	// Only with the lock is it sure that the name is still the dead one's.
	var now unix.Stat_t
	if unix.Fstatat(dfd, temp, &now, unix.AT_SYMLINK_NOFOLLOW) == nil && now.Dev == st.Dev && now.Ino == st.Ino {
		unix.Unlinkat(dfd, temp, 0)
	}
}

// halfPublished reports whether the second name of file is the temporary one of
// its creator, which has not yet come to removing it, or died just before.
func halfPublished(dir string, dfd int, file string, st *unix.Stat_t) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if of, ok := tempOf(e.Name()); !ok || of != file {
			continue
		}
		var other unix.Stat_t
		if unix.Fstatat(dfd, e.Name(), &other, unix.AT_SYMLINK_NOFOLLOW) == nil && other.Dev == st.Dev && other.Ino == st.Ino {
			return true
		}
	}
	// The creator may have removed it since: then there is one name left.
	var now unix.Stat_t
	return unix.Fstatat(dfd, file, &now, unix.AT_SYMLINK_NOFOLLOW) == nil &&
		now.Dev == st.Dev && now.Ino == st.Ino && now.Nlink == 1
}
