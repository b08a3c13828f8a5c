package fallback

import (
	"errors"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// handles receives the descriptors that come with an accept.
type handles struct {
	reader *fdReader // nil for who doesn't expect any: what comes is dropped by the system
}

// maxFDs is how many descriptors the system lets one message have. Room for all
// of them is made, so that none is left that we don't know of.
const maxFDs = 253

// fdReader reads from a unix socket, and keeps the descriptors that come.
type fdReader struct {
	c   *net.UnixConn
	fds []int
	oob [maxFDs*4 + 32]byte
}

func (r *fdReader) Read(b []byte) (int, error) {
	n, oobn, flags, _, err := r.c.ReadMsgUnix(b, r.oob[:])
	if oobn > 0 {
		messages, parseErr := unix.ParseSocketControlMessage(r.oob[:oobn])
		for _, m := range messages {
			fds, _ := unix.ParseUnixRights(&m)
			r.fds = append(r.fds, fds...)
		}
		if err = errors.Join(err, parseErr); err == nil && flags&unix.MSG_CTRUNC != 0 {
			err = failf(ErrCorrupt, "descriptors were cut off")
		}
		if len(r.fds) > maxFDs {
			r.drop()
			err = failf(ErrCorrupt, "more descriptors than one")
		}
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// drop closes all descriptors that came.
func (r *fdReader) drop() {
	for _, fd := range r.fds {
		unix.Close(fd)
	}
	r.fds = nil
}

// source is where control frames are read from.
func (h *handles) source(s stream) io.Reader {
	if h.reader != nil {
		return h.reader
	}
	return s
}

// expect has descriptors that come be kept.
func (h *handles) expect(s stream) {
	if u, ok := s.(*net.UnixConn); ok {
		h.reader = &fdReader{c: u}
	}
}

// drop closes the descriptors that came and were not taken.
func (h *handles) drop() {
	if h.reader != nil {
		h.reader.drop()
		h.reader = nil
	}
}

// makeSection makes the section of a connection, and says where it is.
func (c *control) makeSection(t Transport, g ring.Geometry, o Options) (s *shm.Section, where string, d *Doorbells, err error) {
	if t == Bridge {
		return makeBridge(g, o)
	}
	if o.Poll {
		if d, err = newLine(); err != nil {
			return nil, "", nil, err
		}
	}
	if s, err = shm.Anonymous(pairOptions(g, o)); err != nil {
		return nil, "", nil, errors.Join(err, d.Close())
	}
	return s, "", d, nil
}

// newLine makes what both sides ring and poll.
func newLine() (*Doorbells, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	err = unix.SetNonblock(fds[0], true)
	d := &Doorbells{line: os.NewFile(uintptr(fds[0]), "line"), far: os.NewFile(uintptr(fds[1]), "line")}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// lineOf takes over the end of what the other side has made, and refuses what is
// none: what is written there must not go to somebody else.
func lineOf(fd int, peer Identity) (*Doorbells, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	typ, typErr := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err = errors.Join(err, typErr); err != nil {
		err = failf(ErrInsecure, "a descriptor came that is no socket pair's: %v", err)
	} else if typ != unix.SOCK_STREAM || int(cred.Pid) != peer.PID || int(int32(cred.Uid)) != peer.UID {
		err = failf(ErrInsecure, "a socket of type %d came, made by process %d of user %d, and not by %v", typ, cred.Pid, int32(cred.Uid), peer)
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &Doorbells{line: os.NewFile(uintptr(fd), "line")}, nil
}

// handOver sends an accept, and the section with it.
func (c *control) handOver(frame []byte, e *Established) error {
	if e.Transport == Bridge {
		_, err := c.s.Write(frame)
		return err
	}
	u, ok := c.s.(*net.UnixConn)
	if !ok {
		return failf(ErrUnsupported, "memory can't be handed over through %v", c.transport)
	}
	fd, err := e.Section.TakeFD()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	fds := []int{fd}
	if e.Doorbells != nil {
		far := e.Doorbells.far
		e.Doorbells.far = nil
		defer far.Close()
		fds = append(fds, int(far.Fd()))
	}
	n, oobn, err := u.WriteMsgUnix(frame, unix.UnixRights(fds...), nil)
	if err == nil && (n != len(frame) || oobn == 0) {
		err = io.ErrShortWrite
	}
	return err
}

// takeSection opens the section that came with an accept.
func (c *control) takeSection(a accept, o Options) (*shm.Section, *Doorbells, error) {
	if a.transport == Bridge {
		return takeBridge(a, o)
	}
	r, want := c.handles.reader, 1
	if a.features&featurePoll != 0 {
		want++
	}
	if r == nil || len(r.fds) != want {
		n := 0
		if r != nil {
			n = len(r.fds)
			r.drop()
		}
		return nil, nil, failf(ErrCorrupt, "%d descriptors came with the accept, not %d", n, want)
	}
	fds := r.fds
	r.fds = nil
	s, err := shm.FromFD(fds[0], shm.OpenOptions{Prefault: o.Prefault})
	var d *Doorbells
	if want > 1 {
		var bellErr error
		if d, bellErr = lineOf(fds[1], c.peer); err == nil {
			err = bellErr
		}
	}
	if err != nil {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
		return nil, nil, errors.Join(err, d.Close())
	}
	return s, d, nil
}
