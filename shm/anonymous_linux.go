package shm

import (
	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
)

// seals are what keeps the memory of an anonymous section where it is.
const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

func createAnonymous(o *Options, total int64, fill func([]byte)) (*backing, error) {
	fd, err := unix.MemfdCreate("ringway", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, err
	}
	b := &backing{fd: fd}
	if err := b.allocateAndMap(o, total); err != nil {
		b.close()
		return nil, err
	}
	done := false
	defer func() { // also when Init panics
		if !done {
			b.close()
		}
	}()
	fill(b.mem)
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return nil, err
	}
	done = true
	return b, nil
}

func openAnonymous(fd int, o *OpenOptions) (_ *backing, d Descriptor, err error) {
	b := &backing{fd: fd}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, d, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, d, failf(errs.NotRingway, "the descriptor is of mode %#o, not of memory", st.Mode)
	}
	have, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil {
		return nil, d, failf(errs.Insecure, "the descriptor is of something that can't be sealed: %v", err)
	}
	if have&seals != seals {
		return nil, d, failf(errs.Insecure, "the memory has seals %#x, not all of %#x: it could be truncated", have, seals)
	}
	if have&unix.F_SEAL_WRITE != 0 && !o.ReadOnly {
		return nil, d, failf(errs.Insecure, "the memory is sealed against writing")
	}
	if d, err = readDescriptor(fd, &st); err != nil {
		return nil, d, err
	}
	if err = b.mapAll(d.Total, o.ReadOnly); err == nil && o.Prefault {
		err = populate(b.mem, o.ReadOnly)
	}
	if err == nil {
		err = b.closeFD() // the mapping needs it no more
	}
	return b, d, err
}

func (b *backing) takeFD() (int, error) {
	if b.fd < 0 {
		return -1, errs.Closed
	}
	fd := b.fd
	b.fd = -1
	return fd, nil
}

// closeFD closes the descriptor, if there is one.
func (b *backing) closeFD() error {
	fd, err := b.takeFD()
	if err != nil {
		return nil
	}
	return unix.Close(fd)
}
