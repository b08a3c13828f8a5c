package sync

import (
	"errors"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/winsec"
	"github.com/ringway/ringway/shm"
)

// objectPrefix is that of sections, too: all objects of a session share their
// names.
const objectPrefix = `Local\ringway.`

// osObject is an event or a semaphore of the kernel.
type osObject struct{ handle windows.Handle }

func (s *osObject) create(name, _ string, t traits) error {
	op := "create " + t.noun()
	path, err := objectPath(op, name)
	if err != nil {
		return err
	}
	sa, err := winsec.OwnerOnly()
	if err != nil {
		return failf(op, name, err, "")
	}
	if t.kind == KindEvent {
		s.handle, err = windows.CreateEvent(sa, flag(t.manual), t.first, path)
	} else {
		s.handle, err = createSemaphore(sa, t.first, t.most, path)
	}
	switch {
	case s.handle != 0 && err == windows.ERROR_ALREADY_EXISTS:
		_ = windows.CloseHandle(s.handle)
		fallthrough
	case err == windows.ERROR_INVALID_HANDLE || err == windows.ERROR_ACCESS_DENIED: // of another kind, or user
		return failf(op, name, os.ErrExist, "open it, or have its last user close it")
	case s.handle == 0:
		return failf(op, name, err, "")
	}
	return nil
}

func (s *osObject) open(name, _ string, t *traits) error {
	op := "open " + t.noun()
	path, err := objectPath(op, name)
	if err != nil {
		return err
	}
	const access = windows.SYNCHRONIZE | windows.READ_CONTROL | windows.EVENT_MODIFY_STATE // or SEMAPHORE_MODIFY_STATE
	if t.kind == KindEvent {
		s.handle, err = windows.OpenEvent(access, false, path)
	} else {
		s.handle, err = openSemaphore(access, path)
	}
	if s.handle == 0 {
		switch err {
		case windows.ERROR_INVALID_HANDLE:
			return failf(op, name, errs.NotRingway, "it is a kernel object of another kind")
		case windows.ERROR_ACCESS_DENIED:
			return failf(op, name, errs.Insecure, "this user may not open it")
		}
		return failf(op, name, err, "")
	}
	if err := winsec.Check(s.handle, windows.SE_KERNEL_OBJECT); err != nil {
		_ = s.close()
		if e, ok := err.(*errs.Error); ok {
			e.Op, e.Name = op, name
		}
		return err
	}
	return nil
}

func objectPath(op, name string) (*uint16, error) {
	if err := shm.CheckName(name); err != nil {
		return nil, err
	}
	path, err := windows.UTF16PtrFromString(objectPrefix + name)
	if err != nil {
		return nil, failf(op, name, err, "")
	}
	return path, nil
}

// removeObject says whether the object is there; it has no name to take away.
func removeObject(name, _ string) error {
	var first error
	for _, kind := range []uint32{KindEvent, KindSemaphore} {
		var s osObject
		err := s.open(name, "", &traits{kind: kind})
		if err == nil {
			return s.close()
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func (s *osObject) close() error { return windows.CloseHandle(s.handle) }

func (s *osObject) add(t traits, n uint32) error {
	if t.kind == KindEvent {
		return windows.SetEvent(s.handle)
	}
	err := releaseSemaphore(s.handle, n)
	if errors.Is(err, windows.ERROR_TOO_MANY_POSTS) {
		return failf("", "", errs.BadArgument, "%d more are more than the largest count", n)
	}
	return err
}

func (s *osObject) reset() error { return windows.ResetEvent(s.handle) }

func (s *osObject) try(traits) (bool, error) {
	switch e, err := windows.WaitForSingleObject(s.handle, 0); e {
	case windows.WAIT_OBJECT_0:
		return true, nil
	case uint32(windows.WAIT_TIMEOUT):
		return false, nil
	default:
		return false, err
	}
}

// osWait is an event of this process that one wait sleeps on beside its
// objects.
type osWait struct {
	event   windows.Handle
	handles []windows.Handle
}

func (w *osWait) open() (err error) {
	if w.event == 0 {
		w.event, err = windows.CreateEvent(nil, 0, 0, nil)
		if err == nil {
			runtime.AddCleanup(w, func(h windows.Handle) { _ = windows.CloseHandle(h) }, w.event)
		}
	}
	return err
}

// wake ends the sleep, or the one to come.
func (w *osWait) wake() { _ = windows.SetEvent(w.event) }

func (w *osWait) announce([]*object)      {}
func (w *osWait) retract([]*object, bool) {}

// sleep sleeps until one of the objects lets the wait through, which it returns
// then, or else until wake, or for d.
func (w *osWait) sleep(all []*object, d time.Duration) (int, error) {
	w.handles = w.handles[:0]
	for _, o := range all {
		w.handles = append(w.handles, o.os.handle)
	}
	w.handles = append(w.handles, w.event)
	ms := (d + time.Millisecond - 1) / time.Millisecond
	e, err := windows.WaitForMultipleObjects(w.handles, false, uint32(ms))
	runtime.KeepAlive(w)
	switch {
	case e < windows.WAIT_OBJECT_0+uint32(len(all)):
		return int(e - windows.WAIT_OBJECT_0), nil
	case e == windows.WAIT_FAILED:
		return -1, err
	}
	return -1, nil
}

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
