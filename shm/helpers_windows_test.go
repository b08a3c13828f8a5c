package shm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/wine"
	"github.com/ringway/ringway/internal/winsec"
)

// inEachPlace runs f for sections without a file, for which dir is empty, and
// for sections with one. Names must be unique: of the first kind all tests of
// the session share one directory.
func inEachPlace(t *testing.T, f func(t *testing.T, dir, name string)) {
	t.Helper()
	t.Run("object", func(t *testing.T) { f(t, "", unique(t)) })
	t.Run("file", func(t *testing.T) { f(t, t.TempDir(), "x") })
	if wine.Running() {
		t.Run("dev-shm", func(t *testing.T) { f(t, devShm(t), "x") })
	}
}

// devShm returns a fresh directory in the memory of the Linux below Wine.
func devShm(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(`Z:\dev\shm`, "ringway-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, n := range names(t, dir) {
			os.Remove(filepath.Join(dir, n))
		}
		os.Remove(dir)
	})
	return dir
}

func unique(t *testing.T) string {
	return strings.NewReplacer("/", "-", "#", "-").Replace(t.Name()) + "-" + time.Now().Format("150405.000000000")
}

// Who waits for others does so for long, here and in children: the machine may
// stand still for a while. Tests of what happens when waiting is over hurry.
func init() { patience = time.Minute }

// hurry makes waiting for others short.
func hurry(t *testing.T, d time.Duration) {
	old := patience
	patience = d
	t.Cleanup(func() { patience = old })
}

func small(dir string) Options { return Options{Dir: dir, Body: 10000, Participants: 3} }

// create makes a section that the test closes.
func create(t *testing.T, name string, o Options) *Section {
	t.Helper()
	s, err := Create(name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func open(t *testing.T, name string, o OpenOptions) *Section {
	t.Helper()
	s, err := Open(name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// refused opens what has the name in both ways, and wants err with words.
func refused(t *testing.T, dir, name string, want error, words string) {
	t.Helper()
	for _, ro := range []bool{false, true} {
		s, err := Open(name, OpenOptions{Dir: dir, ReadOnly: ro})
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, want) || !strings.Contains(err.Error(), words) {
			t.Errorf("Open: %v, want %v with %q", err, want, words)
		}
	}
}

// names returns what is in dir.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// attributes returns security attributes in the words of SDDL, in which ME is
// the current user.
func attributes(t *testing.T, sddl string) *windows.SecurityAttributes {
	t.Helper()
	sa, err := winsec.OwnerOnly()
	if err != nil {
		t.Fatal(err)
	}
	if sddl == "" {
		return sa
	}
	me, err := winsec.WhoAmI()
	if err != nil {
		t.Fatal(err)
	}
	sa.SecurityDescriptor, err = windows.SecurityDescriptorFromString(strings.ReplaceAll(sddl, "ME", me[0].String()))
	if err != nil {
		t.Fatal(err)
	}
	return sa
}

// plantObject makes a section object by hand, and returns its memory.
func plantObject(t *testing.T, name string, size int64, sddl string) []byte {
	t.Helper()
	h, err := createMapping(windows.InvalidHandle, attributes(t, sddl), windows.PAGE_READWRITE, size, objectPrefix+name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mapView(h, false, size)
	if err != nil {
		t.Fatal(err)
	}
	b := &backing{object: h, mem: m}
	t.Cleanup(func() { b.close() })
	return m
}

// plantFile writes a file of this user alone that Open then finds as name.
func plantFile(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	file := filePrefix + name
	h, err := openPath(longPath(dir, file), windows.GENERIC_WRITE, shareAll, windows.CREATE_ALWAYS, 0, attributes(t, ""), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(h)
	var n uint32
	if len(content) > 0 {
		if err := windows.WriteFile(h, content, &n, nil); err != nil || int(n) != len(content) {
			t.Fatal(n, err)
		}
	}
	return filepath.Join(dir, file)
}

// image returns a good section as the bytes of its file.
func image(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	create(t, "image", small(dir)).Close()
	b, err := os.ReadFile(filepath.Join(dir, filePrefix+"image"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
