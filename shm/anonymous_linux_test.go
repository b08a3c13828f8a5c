package shm_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/shm"
)

func newAnonymous(t *testing.T, body int64) *shm.Section {
	t.Helper()
	s, err := shm.Anonymous(shm.Options{Kind: 7, Body: body, Participants: 1, Init: func(b []byte) { copy(b, "hello") }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestAnAnonymousSectionIsOneMemoryForWhoGetsItsDescriptor(t *testing.T) {
	a := newAnonymous(t, 8192)
	fd, err := a.TakeFD()
	if err != nil {
		t.Fatal(err)
	}
	b, err := shm.FromFD(fd, shm.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Descriptor() != a.Descriptor() || string(b.Body()[:5]) != "hello" {
		t.Errorf("%+v %q", b.Descriptor(), b.Body()[:5])
	}
	b.Body()[0] = 'H'
	if a.Body()[0] != 'H' {
		t.Error("two memories")
	}
	if _, err := a.TakeFD(); !errors.Is(err, shm.ErrClosed) {
		t.Error(err)
	}
}

func TestNobodyCanTruncateAnAnonymousSection(t *testing.T) {
	fd, err := newAnonymous(t, 8192).TakeFD()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, 0); err != unix.EPERM {
		t.Error(err)
	}
}

func TestADescriptorOfTheWrongKindIsRefusedAndClosed(t *testing.T) {
	whole := func(seals int, cut int64) int {
		fd, err := newAnonymous(t, 8192).TakeFD()
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		image := make([]byte, 16384)
		n, _ := unix.Pread(fd, image, 0)
		copied, err := unix.MemfdCreate("copy", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Pwrite(copied, image[:int64(n)-cut], 0); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.FcntlInt(uintptr(copied), unix.F_ADD_SEALS, seals); err != nil {
			t.Fatal(err)
		}
		return copied
	}
	const all = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	open := func(fd int, err error) int {
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	for name, c := range map[string]struct {
		fd   int
		want error
	}{
		"unsealed":             {whole(0, 0), shm.ErrInsecure},
		"may shrink":           {whole(unix.F_SEAL_GROW|unix.F_SEAL_SEAL, 0), shm.ErrInsecure},
		"may be sealed":        {whole(unix.F_SEAL_GROW|unix.F_SEAL_SHRINK, 0), shm.ErrInsecure},
		"read-only":            {whole(all|unix.F_SEAL_WRITE, 0), shm.ErrInsecure},
		"shorter than it says": {whole(all, 4096), shm.ErrCorrupt},
		"shorter than a page":  {whole(all, 12288+4000), shm.ErrNotRingway},
		"a device":             {open(unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)), shm.ErrNotRingway},
		"a file":               {open(unix.Open(t.TempDir(), unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)), shm.ErrInsecure},
	} {
		s, err := shm.FromFD(c.fd, shm.OpenOptions{})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if s != nil {
			s.Close()
		}
		if _, err := unix.FcntlInt(uintptr(c.fd), unix.F_GETFD, 0); err != unix.EBADF {
			t.Errorf("%s: the descriptor is still open", name)
		}
	}
}
