//go:build linux || windows

package shm

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestPeekShowsWhatOpenRefusesForItsContent(t *testing.T) {
	dir := t.TempDir()
	s, err := Create("ticks", Options{Body: 5000, Participants: 1, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f, err := os.OpenFile(filepath.Join(dir, "ringway.ticks"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0xff}, offTotal); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("ticks", OpenOptions{Dir: dir}); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
	start, size, err := Peek("ticks", dir)
	if err != nil || len(start) != PageSize || string(start[:8]) != magic || start[offTotal] != 0xff || size != s.Descriptor().Total {
		t.Errorf("%d bytes % x of %d, %v", len(start), start[:min(len(start), 40)], size, err)
	}
	for name, want := range map[string]error{"none": os.ErrNotExist, "../x": ErrBadName} {
		if b, _, err := Peek(name, dir); !errors.Is(err, want) || b != nil {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}
