package fallback

import (
	"errors"
	"io"
	"net"

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
func (c *control) source() io.Reader {
	if c.handles.reader != nil {
		return c.handles.reader
	}
	return c.s
}

// expectHandles has descriptors that come be kept.
func (c *control) expectHandles() {
	if u, ok := c.s.(*net.UnixConn); ok {
		c.handles.reader = &fdReader{c: u}
	}
}

// dropHandles closes the descriptors that came and were not taken.
func (c *control) dropHandles() {
	if c.handles.reader != nil {
		c.handles.reader.drop()
		c.handles.reader = nil
	}
}

// makeSection makes the section of a connection, and says where it is.
func (c *control) makeSection(t Transport, g ring.Geometry, o Options) (*shm.Section, string, error) {
	if t == Bridge {
		return makeBridge(g, o)
	}
	s, err := shm.Anonymous(pairOptions(g, o))
	return s, "", err
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
	n, oobn, err := u.WriteMsgUnix(frame, unix.UnixRights(fd), nil)
	if err == nil && (n != len(frame) || oobn == 0) {
		err = io.ErrShortWrite
	}
	return err
}

// takeSection opens the section that came with an accept.
func (c *control) takeSection(a accept, o Options) (*shm.Section, error) {
	if a.transport == Bridge {
		return takeBridge(a, o)
	}
	r := c.handles.reader
	if r == nil || len(r.fds) != 1 {
		n := 0
		if r != nil {
			n = len(r.fds)
			r.drop()
		}
		return nil, failf(ErrCorrupt, "%d descriptors came with the accept, not 1", n)
	}
	fd := r.fds[0]
	r.fds = nil
	return shm.FromFD(fd, shm.OpenOptions{Prefault: o.Prefault})
}
