package inspect_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sys/unix"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/internal/sigbus"
)

// plant puts into dir what only this system has under the names of sections.
func plant(t *testing.T, dir string) map[string]inspect.Status {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, "ringway."+name) }
	must(os.Symlink(at("good"), at("link")))
	must(unix.Mkfifo(at("fifo"), 0o600))
	must(os.WriteFile(at("open"), make([]byte, 8192), 0o644))
	must(os.Chmod(at("open"), 0o644))
	must(os.WriteFile(at("a\x1b[2Jb\nc"), make([]byte, 8192), 0o600))
	return map[string]inspect.Status{
		"link": inspect.Insecure, "fifo": inspect.NotRingway, "open": inspect.Insecure, "a\x1b[2Jb\nc": inspect.BadName,
	}
}

func TestASectionTruncatedUnderOurEyesIsAFault(t *testing.T) {
	if !sigbus.Supported {
		t.Skip("a truncated section ends the process on this system")
	}
	dir := t.TempDir()
	create(t, dir, "ticks", ringway.SPSC)
	v, err := inspect.Open("ticks", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := os.Truncate(filepath.Join(dir, "ringway.ticks"), 0); err != nil {
		t.Fatal(err)
	}
	if s := v.Section(); s.Status != inspect.Fault || !v.Faulted() {
		t.Errorf("%+v", s)
	}
}

func TestTheMappingIsReadOnly(t *testing.T) {
	dir := t.TempDir()
	closed(t, dir, "ticks", ringway.MPMC)
	v, err := inspect.Open("ticks", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "ringway.ticks") {
			found = true
			if !strings.Contains(line, " r--s ") {
				t.Errorf("mapped as %s", line)
			}
		}
	}
	if !found {
		t.Error("it is not mapped at all")
	}
}

func TestAHugeSparseSectionIsLookedAtLikeAnyOther(t *testing.T) {
	dir := t.TempDir()
	closed(t, dir, "small", ringway.SPSC)
	page, err := os.ReadFile(filepath.Join(dir, "ringway.small"))
	if err != nil {
		t.Fatal(err)
	}
	// What a vandal makes of it: a ring of a tebibyte, and hashed well.
	const capacity, control = 1 << 40, 4096
	le := binary.LittleEndian
	le.PutUint64(page[24:], 2*4096+control+capacity) // total
	le.PutUint64(page[56:], control+capacity)        // body
	le.PutUint64(page[96:], capacity)
	clear(page[8:16])
	le.PutUint64(page[8:], xxhash.Sum64(page[:4096]))
	file := filepath.Join(dir, "ringway.huge")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, 2*4096+control+capacity); err != nil {
		t.Skip("this file system has no files of a tebibyte: ", err)
	}
	s := inspect.Look("huge", dir)
	if s.Status == inspect.Good && s.Capacity != capacity || s.Status != inspect.Good && s.Status != inspect.Unreadable {
		t.Errorf("%+v", s)
	}
	if s := inspect.Look("small", dir); s.Status != inspect.Good {
		t.Errorf("the other one: %+v", s)
	}
	t.Log(s.Status, s.Error)
}
