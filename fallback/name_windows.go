package fallback

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/winsec"
	"github.com/ringway/ringway/shm"
)

// nameTransports are what can be agreed on over a name.
var nameTransports = []Transport{SHM, Pipe}

// pipePath returns the path of a name's pipe.
func pipePath(name string) (string, error) {
	return `\\.\pipe\ringway.` + name, shm.CheckName(name)
}

// me is the user of this process.
var me = sync.OnceValues(func() (string, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", err
	}
	return user.User.Sid.String(), nil
})

// identity asks the system who a process is.
func identity(pid uint32) (Identity, error) {
	id := Identity{PID: int(pid), UID: -1}
	p, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return id, failf(ErrInsecure, "process %d doesn't let itself be asked who it is: %v", pid, err)
	}
	defer windows.CloseHandle(p)
	var token windows.Token
	if err := windows.OpenProcessToken(p, windows.TOKEN_QUERY, &token); err != nil {
		return id, failf(ErrInsecure, "process %d doesn't let itself be asked who it is: %v", pid, err)
	}
	defer token.Close()
	user, err := token.GetTokenUser()
	if err != nil {
		return id, err
	}
	id.User = user.User.Sid.String()
	return id, nil
}

// admit refuses who is not this user.
func (o Options) admit(id Identity) error {
	user, err := me()
	if err == nil && id.User != user {
		err = failf(ErrInsecure, "%v is there, this program runs as user %s", id, user)
	}
	return err
}

// openPipe connects to a pipe, waiting for an instance as long as a handshake
// may take.
func openPipe(ctx context.Context, path string, o Options) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	for end := time.Now().Add(o.Timeout); ; {
		h, err := windows.CreateFile(p, windows.GENERIC_READ|windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING,
			windows.FILE_FLAG_OVERLAPPED|windows.SECURITY_SQOS_PRESENT|windows.SECURITY_IDENTIFICATION, 0)
		if err != windows.ERROR_PIPE_BUSY || ctx.Err() != nil || time.Now().After(end) {
			return h, err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// dialName connects to who listens at a name.
func dialName(ctx context.Context, name string, o Options) (*control, error) {
	path, err := pipePath(name)
	if err != nil {
		return nil, err
	}
	h, err := openPipe(ctx, path, o)
	if err != nil {
		return nil, err
	}
	var pid uint32
	id := nobody
	if err = windows.GetNamedPipeServerProcessId(h, &pid); err == nil {
		if id, err = identity(pid); err == nil {
			err = o.admit(id)
		}
	}
	if err != nil {
		windows.CloseHandle(h)
		return nil, err
	}
	return pipeControl(h, path, id), nil
}

// pipeControl makes a control connection of an end of a pipe.
func pipeControl(h windows.Handle, path string, id Identity) *control {
	return &control{s: os.NewFile(uintptr(h), path), transport: Pipe, has: nameTransports, peer: id}
}

// nameListener has a pipe under a name. There is always one instance more than
// connections, which waits for the next.
type nameListener struct {
	name, path string
	stop       windows.Handle // an event: no more connections
	lock       windows.Handle // its existence says that the name is taken

	mu      sync.Mutex
	waiting windows.Handle // the instance that waits, 0 after the end
	ended   bool
}

// listenName takes a name: the first instance of a pipe decides who has it.
func listenName(ctx context.Context, name string, o Options) (_ *nameListener, err error) {
	path, err := pipePath(name)
	if err != nil {
		return nil, err
	}
	if len(o.Users) > 0 {
		return nil, failf(ErrUnsupported, "other users by number, on Windows")
	}
	n := &nameListener{name: name, path: path}
	if n.stop, err = windows.CreateEvent(nil, 1, 0, nil); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			windows.CloseHandle(n.stop)
			if n.lock != 0 {
				windows.CloseHandle(n.lock)
			}
		}
	}()
	first := true
	if o.TakeOver {
		if c, err := dialName(ctx, name, o); err == nil {
			err = c.askToLeave(ctx, o)
			c.s.Close()
			if err != nil {
				return nil, err
			}
			first = false // its connections are instances of the pipe, too
		} else if errors.Is(err, ErrInsecure) {
			return nil, err
		}
	}
	n.lock, err = soonIf(!first, ctx, o, func() (windows.Handle, error) { return lockName(name, path) })
	if err != nil {
		return nil, err
	}
	n.waiting, err = soonIf(!first, ctx, o, func() (windows.Handle, error) { return newInstance(path, first) })
	if err != nil {
		return nil, err
	}
	return n, nil
}

// lockName makes the object whose existence says that the name is taken. Windows
// wouldn't need it, since only one can make the first instance of a pipe; Wine 8
// lets several.
func lockName(name, path string) (windows.Handle, error) {
	sa, err := winsec.OwnerOnly()
	if err != nil {
		return 0, err
	}
	p, err := windows.UTF16PtrFromString(`Local\ringway.listen.` + name)
	if err != nil {
		return 0, err
	}
	h, err := windows.CreateEvent(sa, 1, 0, p)
	switch err {
	case nil:
		return h, nil
	case windows.ERROR_ALREADY_EXISTS:
		windows.CloseHandle(h)
		return 0, whoHas(path)
	case windows.ERROR_ACCESS_DENIED, windows.ERROR_INVALID_HANDLE:
		return 0, failf(ErrInsecure, "somebody else has taken the name's lock: %v", err)
	}
	return 0, err
}

// soonIf is soon if that is asked for, and else one try.
func soonIf[T any](wait bool, ctx context.Context, o Options, f func() (T, error)) (T, error) {
	if wait {
		return soon(ctx, o, f)
	}
	return f()
}

// newInstance makes an instance of a pipe, the first one if it is to be that.
func newInstance(path string, first bool) (windows.Handle, error) {
	sa, err := winsec.OwnerOnly()
	if err != nil {
		return 0, err
	}
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	flags := uint32(windows.PIPE_ACCESS_DUPLEX | windows.FILE_FLAG_OVERLAPPED)
	if first {
		flags |= windows.FILE_FLAG_FIRST_PIPE_INSTANCE
	}
	const buffer = 64 << 10
	h, err := windows.CreateNamedPipe(p, flags,
		windows.PIPE_TYPE_BYTE|windows.PIPE_READMODE_BYTE|windows.PIPE_REJECT_REMOTE_CLIENTS,
		windows.PIPE_UNLIMITED_INSTANCES, buffer, buffer, 0, sa)
	switch err {
	case nil:
		return h, nil
	case windows.ERROR_ACCESS_DENIED, windows.ERROR_PIPE_BUSY:
		return 0, whoHas(path)
	}
	return 0, err
}

// whoHas says why a name can't be taken.
func whoHas(path string) error {
	h, err := openPipe(context.Background(), path, Options{Timeout: 100 * time.Millisecond})
	if err == nil {
		defer windows.CloseHandle(h)
		var pid uint32
		if err = windows.GetNamedPipeServerProcessId(h, &pid); err == nil {
			var id Identity
			if id, err = identity(pid); err == nil {
				if err = (Options{}).admit(id); err == nil {
					return failf(ErrBusy, "process %d listens at the name already", pid)
				}
			}
		}
	}
	if errors.Is(err, windows.ERROR_PIPE_BUSY) || errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
		return failf(ErrBusy, "somebody has the name, or is about to")
	}
	if errors.Is(err, ErrInsecure) {
		return err
	}
	return failf(ErrInsecure, "what has the name can't be asked who it is: %v", err)
}

func (n *nameListener) accept() (*control, error) {
	n.mu.Lock()
	h := n.waiting
	n.mu.Unlock()
	if h == 0 {
		return nil, os.ErrClosed
	}
	err := n.connect(h)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		windows.CloseHandle(h)
		windows.CloseHandle(n.stop)
		windows.CloseHandle(n.lock)
		n.waiting = 0
		return nil, os.ErrClosed
	}
	if err != nil && err != windows.ERROR_NO_DATA {
		return nil, err
	}
	// The next instance first: there is always one.
	next, nextErr := newInstance(n.path, false)
	if nextErr != nil {
		_ = windows.DisconnectNamedPipe(h) // and try the same again
		return nil, &refused{nobody, nextErr}
	}
	n.waiting = next
	if err != nil { // it came and went
		windows.CloseHandle(h)
		return nil, &refused{nobody, failf(ErrPeerDead, "it has gone already")}
	}
	var pid uint32
	id := nobody
	if err = windows.GetNamedPipeClientProcessId(h, &pid); err == nil {
		id, err = identity(pid)
	}
	if err != nil {
		windows.CloseHandle(h)
		return nil, &refused{id, err}
	}
	return pipeControl(h, n.path, id), nil
}

// connect waits for a client of an instance, or for the end.
func (n *nameListener) connect(h windows.Handle) error {
	event, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(event)
	o := &windows.Overlapped{HEvent: event}
	switch err := windows.ConnectNamedPipe(h, o); err {
	case nil, windows.ERROR_PIPE_CONNECTED:
		return nil
	case windows.ERROR_IO_PENDING:
	default:
		return err
	}
	which, err := windows.WaitForMultipleObjects([]windows.Handle{event, n.stop}, false, windows.INFINITE)
	if err != nil || which != windows.WAIT_OBJECT_0 {
		_ = windows.CancelIoEx(h, o)
	}
	var done uint32
	if resultErr := windows.GetOverlappedResult(h, o, &done, true); err == nil {
		err = resultErr
	}
	return err
}

// Close gives the name back, as far as connections don't keep it.
func (n *nameListener) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return nil
	}
	n.ended = true // accept gives the rest back
	return windows.SetEvent(n.stop)
}

// leave gives the name to another listener.
func (n *nameListener) leave() error { return n.Close() }

func (n *nameListener) addr() string { return n.name }
