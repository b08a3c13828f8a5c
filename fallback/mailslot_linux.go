package fallback

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// On Linux a mailslot is a unix datagram socket beside those of names.
const mailSuffix = ".mail"

// countedAtMost bounds what Waiting takes in to count it.
const countedAtMost = 512

type osMailSlot struct {
	c    *net.UnixConn
	stop canceller
	lock *os.File
	path string
	once sync.Once
}

func (m *osMailSlot) listen(name string, o Options) (err error) {
	path, err := socketPath(name+mailSuffix, o)
	if err != nil {
		return err
	}
	if m.lock, err = lockName(path); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			m.lock.Close()
		}
	}()
	if err := refuseStranger(path); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	m.path = path
	if m.c, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"}); err != nil {
		return err
	}
	m.stop.set = m.c.SetReadDeadline
	return os.Chmod(path, 0o600)
}

func (m *osMailSlot) read(ctx context.Context, b []byte) (int, error) {
	if err := m.stop.watch(ctx); err != nil {
		return 0, err
	}
	n, err := m.c.Read(b)
	if err != nil && ctx.Err() != nil {
		m.stop.unwatch()
	}
	return n, err
}

// waiting takes in what is there; the system counts nothing.
func (m *osMailSlot) waiting(s *MailSlot) (int, error) {
	m.stop.unwatch()
	raw, err := m.c.SyscallConn()
	if err != nil {
		return 0, err
	}
	for len(s.queue) < countedAtMost {
		n := -1
		err := raw.Control(func(fd uintptr) {
			if k, _, recvErr := unix.Recvfrom(int(fd), s.buf, unix.MSG_DONTWAIT); recvErr == nil {
				n = k
			}
		})
		if err != nil {
			return 0, err
		}
		if n < 0 {
			break
		}
		s.queue = append(s.queue, append([]byte(nil), s.buf[:n]...))
	}
	return len(s.queue), nil
}

func (m *osMailSlot) close() error {
	err := error(ErrClosed)
	m.once.Do(func() {
		_ = os.Remove(m.path)
		err = errors.Join(m.c.Close(), m.lock.Close())
	})
	return err
}

type osMailClient struct {
	c    *net.UnixConn
	stop canceller
}

func (c *osMailClient) dial(name string, o Options) error {
	path, err := socketPath(name+mailSuffix, o)
	if err != nil {
		return err
	}
	if err := refuseStranger(path); err != nil {
		return err
	}
	if c.c, err = net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"}); err != nil {
		return err
	}
	c.stop.set = c.c.SetWriteDeadline
	return nil
}

func (c *osMailClient) write(ctx context.Context, b []byte) error {
	if err := c.stop.watch(ctx); err != nil {
		return err
	}
	_, err := c.c.Write(b)
	switch {
	case err != nil && ctx.Err() != nil:
		c.stop.unwatch()
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ENOTCONN), errors.Is(err, unix.ECONNRESET):
		err = failf(ErrPeerDead, "nobody has the mailslot any more: %v", err)
	}
	return err
}

func (c *osMailClient) close() error { return c.c.Close() }

// allowBroadcast lets a socket send to broadcast addresses.
func allowBroadcast(c *net.UDPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	if ctlErr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
	}); ctlErr != nil {
		return ctlErr
	}
	return err
}
