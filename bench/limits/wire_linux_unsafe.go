//go:build linux

package limits

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func openWire(kind, path string, mem []byte, first bool) (Wire, error) {
	switch kind {
	case Pipe:
		return openPipes(path, first)
	case Socket:
		return openSocket(path, first)
	case Futex:
		f := &futex{out: (*uint32)(unsafe.Pointer(&mem[0])), in: (*uint32)(unsafe.Pointer(&mem[128]))}
		if !first {
			f.out, f.in = f.in, f.out
		}
		return f, nil
	}
	return nil, fmt.Errorf("limits: there is no wire %q", kind)
}

// descriptors are read and written by blocking system calls, without Go's
// poller.
type descriptors struct{ out, in int }

func (d descriptors) Send(b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(d.out, b)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		b = b[max(n, 0):]
	}
	return nil
}

func (d descriptors) Recv(b []byte) error {
	for len(b) > 0 {
		n, err := unix.Read(d.in, b)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if n == 0 && err == nil {
			return io.ErrUnexpectedEOF
		}
		b = b[max(n, 0):]
	}
	return nil
}

func (d descriptors) Close() error {
	err := unix.Close(d.out)
	if d.in != d.out {
		err = errors.Join(err, unix.Close(d.in))
	}
	return err
}

// openPipes makes a FIFO for each direction. To open one waits for who opens
// its other end.
func openPipes(path string, first bool) (Wire, error) {
	there, back := path+".there", path+".back"
	for _, fifo := range []string{there, back} {
		if err := unix.Mkfifo(fifo, 0o600); err != nil && !errors.Is(err, unix.EEXIST) {
			return nil, &os.PathError{Op: "mkfifo", Path: fifo, Err: err}
		}
	}
	open := func(path string, mode int) (int, error) {
		for {
			fd, err := unix.Open(path, mode|unix.O_CLOEXEC, 0)
			if !errors.Is(err, unix.EINTR) {
				return fd, err
			}
		}
	}
	var d descriptors
	var a, b error
	if first {
		d.out, a = open(there, unix.O_WRONLY)
		d.in, b = open(back, unix.O_RDONLY)
	} else {
		d.in, a = open(there, unix.O_RDONLY)
		d.out, b = open(back, unix.O_WRONLY)
	}
	return d, errors.Join(a, b)
}

func openSocket(path string, first bool) (Wire, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	at := &unix.SockaddrUnix{Name: path}
	if !first {
		for range 2000 { // the other side may not be there yet
			if err = unix.Connect(fd, at); err == nil {
				return descriptors{fd, fd}, nil
			}
			time.Sleep(time.Millisecond)
		}
		return nil, errors.Join(err, unix.Close(fd))
	}
	if err := errors.Join(unix.Bind(fd, at), unix.Listen(fd, 1)); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	for {
		conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return descriptors{conn, conn}, errors.Join(err, unix.Close(fd))
	}
}

// futex counts up a word to send and sleeps while the other one's hasn't
// moved.
type futex struct {
	out, in *uint32
	seen    uint32
}

func (f *futex) Send([]byte) error {
	atomic.AddUint32(f.out, 1) // pairs with the load in Recv
	_, _, errno := unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(f.out)), linuxFutexWake, 1, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func (f *futex) Recv([]byte) error {
	for atomic.LoadUint32(f.in) == f.seen { // pairs with the addition in Send
		// A bounded sleep, so that a peer that died is noticed.
		timeout := unix.NsecToTimespec(int64(DefaultTimeout))
		_, _, errno := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(f.in)), linuxFutexWait, uintptr(f.seen),
			uintptr(unsafe.Pointer(&timeout)), 0, 0)
		switch errno {
		case 0, unix.EAGAIN, unix.EINTR:
		case unix.ETIMEDOUT:
			return fmt.Errorf("%w for %v", ErrPeerGone, DefaultTimeout)
		default:
			return errno
		}
	}
	f.seen++
	return nil
}

func (f *futex) Close() error { return nil }

// Of linux/futex.h: for processes, so without FUTEX_PRIVATE_FLAG.
const (
	linuxFutexWait = 0
	linuxFutexWake = 1
)
