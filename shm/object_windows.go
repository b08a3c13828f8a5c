package shm

import (
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/internal/winsec"
)

// A section without a file is a kernel object of the session, backed by the
// paging file. Windows can't build one in secret and name it when it is done:
// from the first moment others find the name. What they find has no magic, and
// tells who is at work on it in two words of the descriptor's page: the pid at
// its place, and before it, in a reserved word that the descriptor overwrites
// with zero, the start time of that process. An opener lets go of what is not
// ready between two looks, so that an object whose creator is dead lasts no
// longer than the look at it.
const offMakerStart = endUsed

func createObject(object string, o *Options, total int64, fill func([]byte)) (_ *backing, err error) {
	h, err := newObject(object, total)
	if err != nil {
		return nil, err
	}
	b := &backing{object: h}
	done := false
	defer func() { // also when Init panics
		if !done {
			b.close()
		}
	}()
	step("opened")
	if b.mem, err = mapView(h, false, total); err != nil {
		return nil, err
	}
	m := mem.Of(b.mem[:PageSize])
	m.Store64(offMakerStart, processStart())
	m.StoreRelease64(offPID, uint64(os.Getpid())) // with the word before it
	step("mapped")
	if o.Prefault {
		if err := b.prefault(); err != nil {
			return nil, err
		}
	}
	fill(b.mem)
	done = true
	step("published")
	return b, nil
}

// newObject makes the object of a section. If the name is that of a section
// whose creator died before it was ready, and which somebody looks at right
// now, it tries again.
func newObject(object string, total int64) (windows.Handle, error) {
	sa, err := winsec.OwnerOnly()
	if err != nil {
		return 0, err
	}
	for end := time.Now().Add(patience); ; time.Sleep(betweenLooks) {
		h, err := createMapping(windows.InvalidHandle, sa, windows.PAGE_READWRITE, total, object)
		switch {
		case err == nil:
			return h, nil
		case isNoSpace(err):
			return 0, errNoMemory(total, err)
		case err == windows.ERROR_ACCESS_DENIED:
			// Either there is something which is not ours, or nothing can be made here.
			if errors.Is(checkObject(object), os.ErrNotExist) {
				return 0, err
			}
			return 0, errTaken()
		case err == windows.ERROR_INVALID_HANDLE: // an object of another kind
			return 0, errTaken()
		case err != windows.ERROR_ALREADY_EXISTS:
			return 0, err
		}
		if !forsaken(object) || time.Now().After(end) {
			return 0, errTaken()
		}
	}
}

// lookAt opens and maps an object, or refuses it.
func lookAt(object string, readOnly bool) (*backing, error) {
	access := uint32(windows.FILE_MAP_READ | windows.READ_CONTROL)
	if !readOnly {
		access |= windows.FILE_MAP_WRITE
	}
	h, err := openMapping(object, access)
	if err != nil {
		return nil, refusal(err)
	}
	b := &backing{object: h}
	if err = winsec.Check(h, windows.SE_KERNEL_OBJECT); err == nil {
		b.mem, err = mapView(h, readOnly, 0)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// refusal says what an error of openMapping means.
func refusal(err error) error {
	switch err {
	case windows.ERROR_INVALID_HANDLE:
		return failf(errs.NotRingway, "it is a kernel object of another kind")
	case windows.ERROR_ACCESS_DENIED:
		return failf(errs.Insecure, "this user may not open it")
	}
	return err
}

// ready reports whether the section has its magic, or anything in its place.
func (b *backing) ready() bool { return mem.Of(b.mem[:PageSize]).Load64(offMagic) != 0 }

// maker returns who is at work on a section that is not ready, 0 if that is not
// written there, and whether that process may be alive.
func (b *backing) maker() (pid int, lives bool) {
	m := mem.Of(b.mem[:PageSize])
	pid = int(uint32(m.Load64(offPID)))
	start := m.Load64(offMakerStart)
	if pid == 0 {
		return 0, false
	}
	runs, started := process(pid)
	return pid, runs && (start == 0 || started == 0 || start == started)
}

// forsaken reports whether nobody known to live is at work on an object that
// is not ready, or the object is gone.
func forsaken(object string) bool {
	b, err := lookAt(object, true)
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	defer b.close()
	if b.ready() {
		return false
	}
	_, lives := b.maker()
	return !lives
}

func openObject(object string, readOnly bool) (*backing, Descriptor, error) {
	for end := time.Now().Add(patience); ; time.Sleep(betweenLooks) {
		b, err := lookAt(object, readOnly)
		if err != nil {
			return nil, Descriptor{}, err
		}
		if b.ready() {
			d, err := b.describe()
			if err != nil {
				b.close()
				return nil, Descriptor{}, err
			}
			return b, d, nil
		}
		pid, lives := b.maker()
		b.close()
		late := time.Now().After(end)
		switch {
		case lives && late:
			err = failf(os.ErrNotExist, "process %d is not ready with it after %v", pid, patience)
		case pid != 0 && !lives:
			err = failf(os.ErrNotExist, "process %d died before it was ready with it", pid)
		case late:
			err = failf(errs.NotRingway, "it starts with zeros, and nobody says that he is at work on it")
		}
		if err != nil {
			return nil, Descriptor{}, err
		}
	}
}

// describe copies the descriptor out of a section that is ready, validates the
// copy, and cuts the mapping to the section's size.
func (b *backing) describe() (Descriptor, error) {
	var page [PageSize]byte
	copy(page[:], b.mem)
	d, err := decode(&page, int64(len(b.mem)))
	if err == nil {
		b.mem = b.mem[:d.Total:d.Total]
	}
	return d, err
}

// checkObject returns nil if there is a section under the name.
func checkObject(object string) error {
	h, err := openMapping(object, windows.FILE_MAP_READ)
	if err != nil {
		return refusal(err)
	}
	return windows.CloseHandle(h)
}

// objectNames returns the names of the session's sections.
func objectNames() (names []string, err error) {
	dir, err := objectDirectory()
	if err != nil {
		return nil, err
	}
	objects, err := readObjectDirectory(dir)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if name, ok := strings.CutPrefix(o.name, filePrefix); ok && o.kind == "Section" {
			names = append(names, name)
		}
	}
	return names, nil
}

// listObjects lists the sections of the session, except those whose creators
// are still at work.
func listObjects() ([]Info, error) {
	names, err := objectNames()
	if err != nil {
		return nil, err
	}
	var infos []Info
	for _, name := range names {
		in := Info{Name: name, Err: CheckName(name)}
		b, err := lookAt(objectPrefix+name, true)
		if errors.Is(err, os.ErrNotExist) {
			continue // gone since
		}
		if err == nil {
			in.Size = int64(len(b.mem))
			if !b.ready() {
				if pid, _ := b.maker(); pid != 0 {
					b.close()
					continue
				}
			}
			in.Descriptor, err = b.describe()
			b.close()
		}
		if in.Err == nil {
			in.Err = err
		} else {
			in.Descriptor = Descriptor{}
		}
		infos = append(infos, in)
	}
	return infos, nil
}

// objectDirectory returns where the system keeps the objects of the session: it
// makes one and asks for its whole name.
func objectDirectory() (string, error) {
	sa, err := winsec.OwnerOnly()
	if err != nil {
		return "", err
	}
	h, err := createMapping(windows.InvalidHandle, sa, windows.PAGE_READWRITE, PageSize, `Local\ringway-list-`+rand.Text())
	if err != nil {
		return "", err
	}
	defer windows.CloseHandle(h)
	name, err := objectName(h)
	if err != nil {
		return "", err
	}
	i := strings.LastIndexByte(name, '\\')
	return name[:max(i, 0)], nil
}
