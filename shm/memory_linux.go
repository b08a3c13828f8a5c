package shm

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
)

// allocateAndMap gives the new, empty file all its pages, and maps it.
func (b *backing) allocateAndMap(o *Options, total int64) error {
	if free, _, known := freeBytes(b.fd); known && total > free {
		return errNoSpace(b.fd, total, unix.ENOSPC) // before the system's memory is gone
	}
	step("checked")
	if !o.HugePages {
		if err := allocate(b.fd, total); err != nil {
			return err
		}
		step("allocated")
		if err := b.mapAll(total, false); err != nil {
			return err
		}
	} else {
		// Pages become huge only if they come into being through an advised
		// mapping; what that cannot have, fallocate will say.
		if err := unix.Ftruncate(b.fd, total); err != nil {
			return err
		}
		if err := b.mapAll(total, false); err != nil {
			return err
		}
		if err := adviseHuge(b.fd, b.mem); err != nil {
			return err
		}
		madvise(b.mem, unix.MADV_POPULATE_WRITE)
		if err := allocate(b.fd, total); err != nil {
			return err
		}
		step("allocated")
	}
	if o.Prefault {
		return populate(b.mem, false)
	}
	return nil
}

// mapAll maps the file.
func (b *backing) mapAll(total int64, readOnly bool) error {
	prot := unix.PROT_READ | unix.PROT_WRITE
	if readOnly {
		prot = unix.PROT_READ
	}
	m, err := unix.Mmap(b.fd, 0, int(total), prot, unix.MAP_SHARED)
	if err != nil {
		return &errs.Error{Err: err, Detail: fmt.Sprintf("mapping %d bytes", total)}
	}
	b.mem = m
	return nil
}

// allocate gives the file its pages, piece by piece: a signal undoes one piece
// at most.
func allocate(fd int, total int64) error {
	const piece = 64 << 20
	for off := int64(0); off < total; {
		n := min(piece, total-off)
		var err error = unix.EOPNOTSUPP
		if !noFallocate {
			err = unix.Fallocate(fd, 0, off, n)
		}
		if err == unix.EOPNOTSUPP || err == unix.ENOSYS {
			err = writeZeros(fd, off, n)
		}
		switch err {
		case nil:
			off += n
		case unix.EINTR:
		case unix.ENOSPC, unix.EDQUOT, unix.EFBIG, unix.ENOMEM:
			return errNoSpace(fd, total, err)
		default:
			return &errs.Error{Err: err, Detail: fmt.Sprintf("allocating %d bytes", total)}
		}
	}
	return nil
}

// writeZeros allocates where the file system knows no other way. It writes over
// what is there, so it is for new files only.
func writeZeros(fd int, off, n int64) error {
	zeros := make([]byte, min(n, 1<<20))
	for end := off + n; off < end; {
		m, err := unix.Pwrite(fd, zeros[:min(int64(len(zeros)), end-off)], off)
		if err != nil && err != unix.EINTR {
			return err
		}
		off += int64(max(m, 0))
	}
	return nil
}

// freeBytes returns what the file system of fd has left for root, and for
// everybody. Some do not know.
func freeBytes(fd int) (free, avail int64, known bool) {
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil || fs.Blocks == 0 || fs.Bfree > 1<<40 {
		return 0, 0, false
	}
	return int64(fs.Bfree) * int64(fs.Bsize), int64(fs.Bavail) * int64(fs.Bsize), true
}

// errNoSpace says how much there is for the total bytes asked for.
func errNoSpace(fd int, total int64, cause error) error {
	have := "an unknown number of bytes is available"
	if _, avail, known := freeBytes(fd); known {
		have = fmt.Sprintf("%d bytes are available", avail)
	}
	if cause != unix.ENOSPC {
		have += ": " + cause.Error()
	}
	return failf(errs.NoSpace, "asked for %d bytes, %s", total, have)
}

// populate maps every page of m.
func populate(m []byte, readOnly bool) error {
	advice := unix.MADV_POPULATE_WRITE
	if readOnly {
		advice = unix.MADV_POPULATE_READ
	}
	var err error = unix.EINVAL
	if !noPopulate {
		err = madvise(m, advice)
	}
	switch err {
	case nil:
		return nil
	case unix.EINVAL: // before Linux 5.14: a look at each page does it, too
		return lookAtPages(m)
	case unix.EFAULT, unix.ENOMEM:
		return failf(errs.NoSpace, "prefaulting %d bytes: %v", len(m), err)
	}
	return &errs.Error{Err: err, Detail: fmt.Sprintf("prefaulting %d bytes", len(m))}
}

func lookAtPages(m []byte) error {
	s := Section{b: &backing{mem: m}}
	var sum byte
	err := s.touch(func() {
		for i := 0; i < len(m); i += PageSize {
			sum += m[i]
		}
	})
	runtime.KeepAlive(sum)
	return err
}

func madvise(m []byte, advice int) error {
	for {
		if err := unix.Madvise(m, advice); err != unix.EINTR && err != unix.EAGAIN {
			return err
		}
	}
}

// adviseHuge asks for huge pages, or says why there would be none.
func adviseHuge(fd int, m []byte) error {
	if why := noHugePages(fd); why != "" {
		return failf(errs.Unsupported, "no huge pages: %s", why)
	}
	if err := madvise(m, unix.MADV_HUGEPAGE); err != nil {
		return failf(errs.Unsupported, "no huge pages: the kernel says %v", err)
	}
	return nil
}

// noHugePages returns why the file of fd cannot have huge pages, or nothing.
// shmem_enabled of the system decides for all file systems in memory if it is
// deny or force, and otherwise only for memory that is mounted nowhere; for a
// mounted tmpfs its option huge= decides.
func noHugePages(fd int) string {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return err.Error()
	}
	if fs.Type != unix.TMPFS_MAGIC {
		return "the section's directory is not on a tmpfs"
	}
	text, err := os.ReadFile(hugePagesRoot + "shmem_enabled")
	if err != nil {
		return "the kernel has none: " + err.Error()
	}
	_, mode, _ := strings.Cut(string(text), "[")
	mode, _, _ = strings.Cut(mode, "]")
	switch mode {
	case "force":
		return ""
	case "deny":
		return "shmem_enabled is deny in " + hugePagesRoot
	}
	if huge := mountOption(fd, "huge"); huge == "" || huge == "never" {
		return fmt.Sprintf("the tmpfs is mounted without huge=advise, and shmem_enabled is %s in %s", mode, hugePagesRoot)
	}
	return ""
}

// mountOption returns the value of an option of the file system of fd.
func mountOption(fd int, option string) string {
	var st unix.Stat_t
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || unix.Fstat(fd, &st) != nil {
		return ""
	}
	dev := fmt.Sprintf("%d:%d", unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev)))
	for line := range strings.Lines(string(text)) {
		before, after, _ := strings.Cut(line, " - ")
		head, tail := strings.Fields(before), strings.Fields(after)
		if len(head) < 3 || head[2] != dev || len(tail) < 3 {
			continue
		}
		for o := range strings.SplitSeq(tail[2], ",") {
			if v, ok := strings.CutPrefix(o, option+"="); ok {
				return v
			}
		}
	}
	return ""
}
