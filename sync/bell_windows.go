package sync

import (
	"time"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/internal/winsec"
)

// osBell sleeps on a named event that resets itself: memory can't be slept on
// across processes on Windows.
type osBell struct{ event windows.Handle }

func (o *osBell) open(name string) error {
	attributes, err := winsec.OwnerOnly()
	if err != nil {
		return err
	}
	path, err := windows.UTF16PtrFromString(`Local\` + name)
	if err != nil {
		return err
	}
	o.event, err = windows.CreateEvent(attributes, 0, 0, path)
	if o.event != 0 {
		return nil // created, or there already
	}
	return err
}

func (o *osBell) close() error { return windows.CloseHandle(o.event) }

// sleep sleeps until wake or for d. A wake that came before is not lost: the
// event stays set until one sleep has used it.
func (o *osBell) sleep(_ mem.Region, _ uint32, d time.Duration) {
	// Every outcome means: look again.
	_, _ = windows.WaitForSingleObject(o.event, uint32(d.Milliseconds()))
}

func (o *osBell) wake(mem.Region) { _ = windows.SetEvent(o.event) }
