package fallback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/shm"
)

// nameTransports are what can be agreed on over a name.
var nameTransports = []Transport{SHM, Unix}

// nameDir returns the directory of the names, after making the user's own if it
// is missing. What others could change is refused.
func nameDir(o Options) (string, error) {
	dir := o.Dir
	if dir == "" {
		dir = fmt.Sprintf("/tmp/ringway-%d", os.Geteuid())
		if err := unix.Mkdir(dir, 0o700); err != nil && err != unix.EEXIST {
			return "", err
		}
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return "", &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return "", failf(ErrInsecure, "%s is no directory", dir)
	case int(st.Uid) != os.Geteuid() && !slices.Contains(o.Users, int(st.Uid)) && st.Uid != 0:
		return "", failf(ErrInsecure, "%s belongs to user %d", dir, st.Uid)
	case st.Mode&0o022 != 0 && len(o.Users) == 0 && st.Mode&unix.S_ISVTX == 0:
		return "", failf(ErrInsecure, "%s may be written to by others (mode %#o)", dir, st.Mode&0o7777)
	}
	return dir, nil
}

// socketPath returns the path of a name's socket.
func socketPath(name string, o Options) (string, error) {
	if err := shm.CheckName(name); err != nil {
		return "", err
	}
	dir, err := nameDir(o)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	if len(path) > len(unix.RawSockaddrUnix{}.Path)-1-len(tempSuffix) {
		return "", failf(ErrBadArgument, "the socket's path %q is longer than the system allows", path)
	}
	return path, nil
}

const tempSuffix = ".new"

// identify asks the system who is on the other end of a unix socket.
func identify(c *net.UnixConn) (id Identity, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nobody, err
	}
	var cred *unix.Ucred
	if ctlErr := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); ctlErr != nil {
		err = ctlErr
	}
	if err != nil {
		return nobody, err
	}
	return Identity{PID: int(cred.Pid), UID: int(int32(cred.Uid))}, nil
}

// admit refuses who is neither this user nor one who may be here.
func (o Options) admit(id Identity) error {
	if id.UID == os.Geteuid() || slices.Contains(o.Users, id.UID) {
		return nil
	}
	return failf(ErrInsecure, "%v is there, this program runs as user %d", id, os.Geteuid())
}

// dialName connects to who listens at a name.
func dialName(ctx context.Context, name string, o Options) (*control, error) {
	path, err := socketPath(name, o)
	if err != nil {
		return nil, err
	}
	return dialSocket(ctx, path, o)
}

func dialSocket(ctx context.Context, path string, o Options) (*control, error) {
	var d net.Dialer
	s, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	u := s.(*net.UnixConn)
	id, err := identify(u)
	if err == nil {
		err = o.admit(id)
	}
	if err != nil {
		u.Close()
		return nil, err
	}
	return &control{s: u, transport: Unix, has: nameTransports, peer: id}, nil
}

// nameListener listens at a name.
type nameListener struct {
	l    *net.UnixListener
	lock *os.File // held as long as the name is ours
	path string
	ino  uint64
}

// listenName takes a name. A lock on a file beside the socket tells whether
// somebody alive has it; a socket without it was left by a dead one.
func listenName(ctx context.Context, name string, o Options) (_ *nameListener, err error) {
	path, err := socketPath(name, o)
	if err != nil {
		return nil, err
	}
	var before *control
	if o.TakeOver {
		if before, err = dialSocket(ctx, path, o); err == nil {
			defer before.s.Close()
		} else if errors.Is(err, ErrInsecure) {
			return nil, err
		}
	}
	n := &nameListener{path: path}
	defer func() {
		if err != nil {
			n.Close()
		}
	}()
	if before == nil {
		if n.lock, err = lockName(path); err != nil {
			return nil, err
		}
	}
	temp := path + tempSuffix
	if err := refuseStranger(path); err != nil {
		return nil, err
	}
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if n.l, err = net.ListenUnix("unix", &net.UnixAddr{Name: temp, Net: "unix"}); err != nil {
		return nil, err
	}
	n.l.SetUnlinkOnClose(false)
	mode := os.FileMode(0o600)
	if len(o.Users) > 0 {
		mode = 0o666 // the directory, and who is asked for, decide
	}
	var st unix.Stat_t
	if err := errors.Join(os.Chmod(temp, mode), unix.Lstat(temp, &st)); err != nil {
		return nil, err
	}
	n.ino = st.Ino
	// In one step, so that there is always somebody at the name.
	if err := os.Rename(temp, path); err != nil {
		return nil, err
	}
	if before != nil {
		if err := before.askToLeave(ctx, o); err != nil {
			return nil, err
		}
		n.lock, err = soon(ctx, o, func() (*os.File, error) { return lockName(path) })
	}
	return n, err
}

// refuseStranger refuses to replace what is no socket of ours.
func refuseStranger(path string) error {
	var st unix.Stat_t
	err := unix.Lstat(path, &st)
	switch {
	case err == unix.ENOENT:
		return nil
	case err != nil:
		return err
	case st.Mode&unix.S_IFMT != unix.S_IFSOCK:
		return failf(ErrInsecure, "what has the name is no socket (mode %#o)", st.Mode)
	case int(st.Uid) != os.Geteuid():
		return failf(ErrInsecure, "the socket belongs to user %d", st.Uid)
	}
	return nil
}

// lockName locks the file that says who has the name. It is never removed: who
// locked a removed one would not exclude who makes it anew.
func lockName(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return nil, failf(ErrInsecure, "%s.lock is a symbolic link", path)
	}
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(int(f.Fd()), &st); err == nil {
		if st.Mode&unix.S_IFMT != unix.S_IFREG || int(st.Uid) != os.Geteuid() {
			err = failf(ErrInsecure, "%s.lock is not a file of this user", path)
		}
	}
	if err == nil {
		lk := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Len: 1}
		if err = unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lk); err == unix.EAGAIN || err == unix.EACCES {
			err = failf(ErrBusy, "somebody listens at the name already")
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (n *nameListener) accept() (*control, error) {
	u, err := n.l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	id, err := identify(u)
	if err != nil {
		u.Close()
		return nil, &refused{id, err}
	}
	return &control{s: u, transport: Unix, has: nameTransports, peer: id}, nil
}

// Close gives the name back, if it is still ours.
func (n *nameListener) Close() error {
	var err error
	if n.l != nil {
		var st unix.Stat_t
		if n.lock != nil && unix.Lstat(n.path, &st) == nil && st.Ino == n.ino {
			err = os.Remove(n.path)
		}
		err = errors.Join(err, n.l.Close())
	}
	if n.lock != nil {
		if lockErr := n.lock.Close(); !errors.Is(lockErr, os.ErrClosed) { // leave did it
			err = errors.Join(err, lockErr)
		}
	}
	return err
}

// leave gives the name to another listener: the socket at the name is already
// his. Who has come to ours before is still let in, then accept ends.
func (n *nameListener) leave() error {
	err := n.l.SetDeadline(time.Now().Add(50 * time.Millisecond))
	return errors.Join(err, n.lock.Close())
}

func (n *nameListener) addr() string { return filepath.Base(n.path) }
