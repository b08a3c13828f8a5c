package inspect_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/inspect"
)

// mapped returns how many mappings this process has of sections whose names begin
// like that.
func mapped(t *testing.T, name string) (n int) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(maps), "ringway."+name)
}

// rest creates a ring in dir that this process doesn't keep, and returns its file.
func rest(t *testing.T, dir, name string) string {
	t.Helper()
	closed(t, dir, name, ringway.SPSC)
	return filepath.Join(dir, "ringway."+name)
}

func TestAWatchKeepsNothingOfWhatWasRemoved(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, dir)
	rest(t, dir, "watched-gone")
	rest(t, dir, "watched-stays")
	seen(t, w)
	if a, b := mapped(t, "watched-gone"), mapped(t, "watched-stays"); a != 1 || b != 1 {
		t.Fatalf("%d and %d mappings", a, b)
	}
	if err := ringway.RemoveRing("watched-gone", ringway.Dir(dir)); err != nil {
		t.Fatal(err)
	}
	if _, there := seen(t, w)["watched-gone"]; there {
		t.Error("what was removed is seen")
	}
	if a, b := mapped(t, "watched-gone"), mapped(t, "watched-stays"); a != 0 || b != 1 {
		t.Errorf("%d and %d mappings", a, b)
	}
	w.Close()
	if b := mapped(t, "watched-stays"); b != 0 {
		t.Errorf("%d mappings after it was closed", b)
	}
}

func TestAWatchGivesEverythingBackWhenNobodyLooks(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, dir)
	rest(t, dir, "watched-idle")
	seen(t, w)
	w.Expire(inspect.KeepFor / 2)
	if n := mapped(t, "watched-idle"); n != 1 {
		t.Errorf("%d mappings after half the time", n)
	}
	w.Expire(inspect.KeepFor)
	if n := mapped(t, "watched-idle"); n != 0 {
		t.Errorf("%d mappings after nobody looked for long", n)
	}
	if s := seen(t, w)["watched-idle"]; s.Status != inspect.Good {
		t.Errorf("%+v", s)
	}
}

func TestAWatchSeesWhatBecameOfASectionSinceItWasMapped(t *testing.T) {
	overwrite := func(file string, at int64, b ...byte) {
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteAt(b, at)
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	for name, c := range map[string]struct {
		happens func(file string) error
		want    inspect.Status
	}{
		"opened":    {func(f string) error { return os.Chmod(f, 0o644) }, inspect.Insecure},
		"scribbled": {func(f string) error { overwrite(f, 100, 0xff); return nil }, inspect.Corrupt},
		"erased":    {func(f string) error { overwrite(f, 0, 0); return nil }, inspect.NotRingway},
		"linked":    {func(f string) error { return os.Link(f, filepath.Join(filepath.Dir(f), "other")) }, inspect.Insecure},
		"cut":       {func(f string) error { return os.Truncate(f, 5000) }, inspect.Corrupt},
		"replaced":  {func(f string) error { _ = os.Remove(f); return os.WriteFile(f, nil, 0o600) }, inspect.NotRingway},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w := watch(t, dir)
			file := rest(t, dir, name)
			first := seen(t, w)[name]
			if first.Status != inspect.Good {
				t.Fatalf("%+v", first)
			}
			if err := c.happens(file); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if s := seen(t, w)[name]; s.Status != c.want {
					t.Errorf("%+v", s)
				}
			}
			// And what takes its place is seen, too.
			_ = os.Remove(file)
			rest(t, dir, name)
			if s := seen(t, w)[name]; s.Status != inspect.Good || s.Region == first.Region {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestAWatchSeesANewSectionUnderTheNameOfAnOldOne(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, dir)
	rest(t, dir, "again")
	first := seen(t, w)["again"]
	if err := ringway.RemoveRing("again", ringway.Dir(dir)); err != nil {
		t.Fatal(err)
	}
	rest(t, dir, "again")
	if s := seen(t, w)["again"]; s.Status != inspect.Good || s.Region == first.Region {
		t.Errorf("%+v", s)
	}
	if n := mapped(t, "again"); n != 1 {
		t.Errorf("%d mappings", n)
	}
}

func TestWatchingChangesNoByte(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, dir)
	var files []string
	for _, kind := range kinds {
		create(t, dir, kind.String(), kind, ringway.SampleLatency(1))
		files = append(files, filepath.Join(dir, "ringway."+kind.String()))
	}
	content := func() (all []byte) {
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b...)
		}
		return all
	}
	before := content()
	for range 3 {
		seen(t, w)
	}
	if !bytes.Equal(before, content()) {
		t.Error("a file has changed")
	}
}

func TestAWatchOfThousandsKeepsAsManyAsItMay(t *testing.T) {
	if testing.Short() {
		t.Skip("makes hundreds of sections")
	}
	dir := t.TempDir()
	w := watch(t, dir)
	w.KeepMost(100)
	for i := range 250 {
		rest(t, dir, fmt.Sprintf("many-%d", i))
	}
	for range 3 {
		if got := seen(t, w); len(got) != 250 {
			t.Fatalf("%d seen", len(got))
		}
		if n := mapped(t, "many-"); n != 100 {
			t.Errorf("%d mappings", n)
		}
	}
}
