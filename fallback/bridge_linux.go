package fallback

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// bridgePath is where the FIFO of a doorbell is.
func bridgePath(dir, section, name string) string {
	return filepath.Join(dir, "ringway-bell."+section+"."+name)
}

// makeBridge makes a section in a file, and the FIFOs beside it.
func makeBridge(g ring.Geometry, o Options) (_ *shm.Section, where string, _ *Doorbells, err error) {
	if o.Dir == "" {
		return nil, "", nil, failf(ErrTransport, "a bridge needs a directory that both sides can reach")
	}
	where = "bridge-" + strings.ToLower(rand.Text())
	d := &Doorbells{}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
			removeBridge(o.Dir, where)
		}
	}()
	for i, name := range doorbellNames {
		if d.files[i], err = shm.MakeDoorbell(bridgePath(o.Dir, where, name)); err != nil {
			return nil, "", nil, err
		}
	}
	so := pairOptions(g, o)
	so.Dir = o.Dir
	s, err := shm.Create(where, so)
	if err != nil {
		return nil, "", nil, err
	}
	d.reopen()
	return s, where, d, nil
}

// openBridgeFIFO opens the FIFO of a doorbell, for both directions: so it is
// never at its end.
func openBridgeFIFO(dir, section, name string) (*os.File, error) {
	return openFIFO(bridgePath(dir, section, name), unix.O_RDWR)
}

// reopen has Take give another handle of the same FIFO each time: whoever uses
// one gives it up when its name is gone.
func (d *Doorbells) reopen() {
	d.open = func(name string) (*os.File, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		i := slices.Index(doorbellNames, name)
		if i < 0 || d.files[i] == nil {
			return nil, ErrClosed
		}
		raw, err := d.files[i].SyscallConn()
		if err != nil {
			return nil, err
		}
		fd := -1
		if ctlErr := raw.Control(func(f uintptr) { fd, err = unix.FcntlInt(f, unix.F_DUPFD_CLOEXEC, 0) }); ctlErr != nil {
			err = ctlErr
		}
		if err != nil {
			return nil, err
		}
		return os.NewFile(uintptr(fd), name), nil
	}
}

// removeBridge takes the names away.
func removeBridge(dir, section string) {
	_ = shm.Remove(section, dir)
	for _, name := range doorbellNames {
		_ = os.Remove(bridgePath(dir, section, name))
	}
}
