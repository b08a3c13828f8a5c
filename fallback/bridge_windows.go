package fallback

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

func makeBridge(ring.Geometry, Options) (*shm.Section, string, *Doorbells, error) {
	return nil, "", nil, failf(ErrUnsupported, "the Linux side of a bridge has to listen")
}

// openBridgeFIFO opens the FIFO of a doorbell.
func openBridgeFIFO(dir, section, name string) (*os.File, error) {
	path := filepath.Join(dir, "ringway-bell."+section+"."+name)
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := windows.CreateFile(p, windows.GENERIC_READ|windows.GENERIC_WRITE, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE,
		nil, windows.OPEN_EXISTING, windows.FILE_FLAG_OVERLAPPED, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

func removeBridge(string, string) {}

// reopen has nothing to do: handles stay open here.
func (d *Doorbells) reopen() {}
