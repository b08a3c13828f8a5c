package fallback

import (
	"context"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/winsec"
	"github.com/ringway/ringway/shm"
)

func mailPath(name string) (*uint16, error) {
	if err := shm.CheckName(name); err != nil {
		return nil, err
	}
	return windows.UTF16PtrFromString(`\\.\mailslot\ringway.` + name)
}

// mailLook is how long a read waits at a time: it can't be interrupted.
const mailLook = 50 * time.Millisecond

type osMailSlot struct {
	mu     sync.Mutex // held while reading
	h      windows.Handle
	closed chan struct{}
	once   sync.Once
}

func (m *osMailSlot) listen(name string, _ Options) error {
	p, err := mailPath(name)
	if err != nil {
		return err
	}
	sa, err := winsec.OwnerOnly()
	if err != nil {
		return err
	}
	m.closed = make(chan struct{})
	m.h, err = createMailslot(p, maxDatagram, uint32(mailLook.Milliseconds()), sa)
	switch err {
	case windows.ERROR_ALREADY_EXISTS:
		return failf(ErrBusy, "somebody has the mailslot already")
	case windows.ERROR_ACCESS_DENIED:
		return failf(ErrInsecure, "another user has the mailslot")
	}
	return err
}

func (m *osMailSlot) read(ctx context.Context, b []byte) (int, error) {
	for {
		select {
		case <-m.closed:
			return 0, ErrClosed
		default:
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		var n uint32
		m.mu.Lock()
		err := windows.ReadFile(m.h, b, &n, nil)
		m.mu.Unlock()
		switch err {
		case nil:
			return int(n), nil
		case windows.ERROR_SEM_TIMEOUT, windows.WAIT_TIMEOUT:
		case windows.ERROR_INVALID_HANDLE:
			return 0, ErrClosed
		default:
			return 0, err
		}
	}
}

func (m *osMailSlot) waiting(*MailSlot) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return mailslotCount(m.h)
}

func (m *osMailSlot) close() error {
	err := error(ErrClosed)
	m.once.Do(func() {
		close(m.closed)
		m.mu.Lock()
		defer m.mu.Unlock()
		err = windows.CloseHandle(m.h)
	})
	return err
}

type osMailClient struct{ h windows.Handle }

func (c *osMailClient) dial(name string, _ Options) error {
	p, err := mailPath(name)
	if err != nil {
		return err
	}
	c.h, err = windows.CreateFile(p, windows.GENERIC_WRITE, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil,
		windows.OPEN_EXISTING, windows.SECURITY_SQOS_PRESENT|windows.SECURITY_IDENTIFICATION, 0)
	if err == windows.ERROR_ACCESS_DENIED {
		return failf(ErrInsecure, "another user has the mailslot")
	}
	return err
}

func (c *osMailClient) write(ctx context.Context, b []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var n uint32
	err := windows.WriteFile(c.h, b, &n, nil)
	switch err {
	case windows.ERROR_INVALID_HANDLE:
		return ErrClosed
	case windows.ERROR_BROKEN_PIPE, windows.ERROR_NO_DATA, windows.ERROR_PIPE_NOT_CONNECTED, windows.ERROR_FILE_NOT_FOUND,
		windows.ERROR_HANDLE_EOF:
		return failf(ErrPeerDead, "nobody has the mailslot any more: %v", err)
	}
	return err
}

func (c *osMailClient) close() error {
	h := c.h
	c.h = windows.InvalidHandle
	return windows.CloseHandle(h)
}

// allowBroadcast has nothing to do: package net does it.
func allowBroadcast(*net.UDPConn) error { return nil }
