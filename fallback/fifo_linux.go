package fallback

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A pair of FIFOs carries one connection at a time, path.in to the listener and
// path.out from it. Who dials opens path.out to read, then path.in to write, on
// which he has a lock as long as he uses it. The listener has a lock on path.out
// from the first byte of an offer until he has closed the connection; so nobody
// writes into what is still somebody else's.

// duplex is a stream of two one-way files.
type duplex struct {
	r, w   *os.File
	hold   *os.File // an end to write of r's FIFO, until the other side has written: so it isn't at its end before
	closed func()
	once   sync.Once
	err    error
}

func (d *duplex) Write(b []byte) (int, error)        { return d.w.Write(b) }
func (d *duplex) SetReadDeadline(t time.Time) error  { return d.r.SetReadDeadline(t) }
func (d *duplex) SetWriteDeadline(t time.Time) error { return d.w.SetWriteDeadline(t) }

func (d *duplex) Read(b []byte) (int, error) {
	n, err := d.r.Read(b)
	if n > 0 && d.hold != nil {
		err = errors.Join(err, d.hold.Close())
		d.hold = nil
	}
	return n, err
}

func (d *duplex) Close() error {
	d.once.Do(func() {
		if d.hold != nil {
			d.hold.Close()
		}
		d.err = errors.Join(d.w.Close(), d.r.Close())
		if d.closed != nil {
			d.closed()
		}
	})
	return d.err
}

// openFIFO opens a FIFO of this user, or refuses it.
func openFIFO(path string, flags int) (*os.File, error) {
	fd, err := unix.Open(path, flags|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == unix.ELOOP {
		return nil, failf(ErrInsecure, "%s is a symbolic link", path)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil {
		switch {
		case st.Mode&unix.S_IFMT != unix.S_IFIFO:
			err = failf(ErrInsecure, "%s is no FIFO (mode %#o)", path, st.Mode)
		case int(st.Uid) != os.Geteuid() || st.Mode&0o077 != 0:
			err = failf(ErrInsecure, "%s belongs to user %d with mode %#o", path, st.Uid, st.Mode&0o7777)
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// lockFIFO locks a FIFO, or returns ErrBusy.
func lockFIFO(f *os.File, how int) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if ctlErr := raw.Control(func(fd uintptr) { err = unix.Flock(int(fd), how|unix.LOCK_NB) }); ctlErr != nil {
		return ctlErr
	}
	if err == unix.EWOULDBLOCK {
		return failf(ErrBusy, "%s is used by somebody", f.Name())
	}
	return err
}

func fifoControl(d *duplex) *control {
	return &control{s: d, transport: FIFO, has: []Transport{FIFO}, peer: nobody}
}

// dialFIFO connects through a pair of FIFOs, waiting for its turn.
func dialFIFO(ctx context.Context, path string, o Options) (*control, error) {
	return soon(ctx, o, func() (*control, error) {
		r, err := openFIFO(path+".out", unix.O_RDONLY)
		if err != nil {
			return nil, err
		}
		hold, err := openFIFO(path+".out", unix.O_RDWR)
		if err != nil {
			r.Close()
			return nil, err
		}
		w, err := openFIFO(path+".in", unix.O_WRONLY)
		if errors.Is(err, unix.ENXIO) {
			err = failf(ErrBusy, "nobody listens at %s.in in this moment", path)
		}
		if err == nil {
			if err = lockFIFO(w, unix.LOCK_EX); err == nil {
				if err = lockFIFO(r, unix.LOCK_SH); err == nil { // the listener is free
					err = lockFIFO(r, unix.LOCK_UN)
				}
			}
			if err != nil {
				w.Close()
			}
		}
		if err != nil {
			r.Close()
			hold.Close()
			return nil, err
		}
		return fifoControl(&duplex{r: r, w: w, hold: hold}), nil
	})
}

// fifoListener has a pair of FIFOs.
type fifoListener struct {
	path string
	free chan struct{} // holds one when no connection uses the pair
	lock *os.File      // of path.out, to see that there is one listener
	mu   sync.Mutex
	in   *os.File // waited on
	done chan struct{}
	once sync.Once
}

func listenFIFO(path string, o Options) (*fifoListener, error) {
	if o.TakeOver {
		return nil, failf(ErrUnsupported, "only names can be taken over")
	}
	for _, p := range []string{path + ".in", path + ".out"} {
		if err := unix.Mkfifo(p, 0o600); err != nil && err != unix.EEXIST {
			return nil, &os.PathError{Op: "mkfifo", Path: p, Err: err}
		}
	}
	l := &fifoListener{path: path, free: make(chan struct{}, 1), done: make(chan struct{})}
	l.free <- struct{}{}
	lock, err := lockName(path)
	if err != nil {
		return nil, err
	}
	l.lock = lock
	// Refuse now what accept would refuse.
	for _, p := range []string{path + ".in", path + ".out"} {
		f, err := openFIFO(p, unix.O_RDWR)
		if err != nil {
			lock.Close()
			return nil, err
		}
		f.Close()
	}
	return l, nil
}

func (l *fifoListener) accept() (*control, error) {
	select {
	case <-l.free:
	case <-l.done:
		return nil, os.ErrClosed
	}
	d, err := l.wait()
	if err != nil {
		l.free <- struct{}{}
		return nil, err
	}
	return fifoControl(d), nil
}

// wait waits for the first byte from somebody.
func (l *fifoListener) wait() (*duplex, error) {
	// With an end to write of our own, the other's coming and going isn't an
	// end of file.
	in, err := openFIFO(l.path+".in", unix.O_RDWR)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	l.mu.Lock()
	l.in = in
	select {
	case <-l.done:
		_ = in.SetReadDeadline(longAgo)
	default:
	}
	l.mu.Unlock()
	raw, err := in.SyscallConn()
	if err != nil {
		return nil, err
	}
	if err := raw.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 0)
		return err == nil && n > 0
	}); err != nil {
		return nil, os.ErrClosed
	}
	out, err := openFIFO(l.path+".out", unix.O_WRONLY)
	if err == nil {
		err = lockFIFO(out, unix.LOCK_EX)
	}
	var r *os.File
	if err == nil {
		r, err = openFIFO(l.path+".in", unix.O_RDONLY)
	}
	if err != nil {
		if out != nil {
			out.Close()
		}
		// Whoever wrote has gone again, and what he wrote is nobody's.
		_ = in.SetReadDeadline(time.Now().Add(time.Millisecond))
		_, _ = in.Read(make([]byte, 64<<10))
		return nil, &refused{nobody, err}
	}
	return &duplex{r: r, w: out, closed: func() { l.free <- struct{}{} }}, nil
}

func (l *fifoListener) Close() error {
	l.once.Do(func() {
		l.mu.Lock()
		close(l.done)
		if l.in != nil {
			_ = l.in.SetReadDeadline(longAgo)
		}
		l.mu.Unlock()
		_ = os.Remove(l.path + ".in")
		_ = os.Remove(l.path + ".out")
		_ = l.lock.Close()
	})
	return nil
}

func (l *fifoListener) addr() string { return "fifo://" + l.path }
