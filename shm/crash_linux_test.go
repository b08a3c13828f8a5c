package shm

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// steps returns the steps of Create in the way that is set.
func steps(t *testing.T) []string {
	t.Helper()
	var steps []string
	onStep = func(s string) { steps = append(steps, s) }
	defer func() { onStep = nil }()
	o := small(memoryDir(t))
	o.Init = func([]byte) { step("half a body") }
	create(t, "steps", o)
	return steps
}

func TestACreatorKilledAtAnyStepIsNotInTheWay(t *testing.T) {
	inEachWay(t, func(t *testing.T, way string) {
		all := steps(t)
		t.Logf("steps: %q", all)
		want := map[string]int{"unnamed": 9, "renamed": 10, "linked": 11}[way]
		if len(all) != want {
			t.Fatalf("%d steps, want %d", len(all), want)
		}
		for _, at := range all {
			t.Run(strings.ReplaceAll(at, " ", "-"), func(t *testing.T) {
				dir := memoryDir(t)
				c := run(t, "create", dir, "x", way, at)
				c.expect("at " + at)
				published := at == "published" || at == "linked"
				c.kill()
				left := names(t, dir)
				t.Logf("left: %q", left)
				if way == "unnamed" && !published && len(left) != 0 {
					t.Error("it left something behind")
				}
				if _, err := List(dir); err != nil || !slices.Equal(names(t, dir), left) {
					t.Errorf("List: %v, and leaves %q", err, names(t, dir))
				}
				if _, err := Open("x", OpenOptions{Dir: dir}); published != (err == nil) || !published && !errors.Is(err, ErrNotExist) {
					t.Errorf("Open: %v", err)
				}
				if published {
					if _, err := Create("x", small(dir)); !errors.Is(err, ErrExist) {
						t.Fatal(err)
					}
					s := open(t, "x", OpenOptions{Dir: dir})
					if s.Body()[0] != 1 || s.Body()[1] != 2 {
						t.Error("published with half a body")
					}
					if n := links(t, filepath.Join(dir, "ringway.x")); n != 1 {
						t.Errorf("%d links", n)
					}
					if err := Remove("x", dir); err != nil {
						t.Fatal(err)
					}
				}
				create(t, "x", small(dir))
				if got := names(t, dir); !slices.Equal(got, []string{"ringway.x"}) {
					t.Errorf("in the directory: %q", got)
				}
			})
		}
	})
}

func TestALivingCreatorIsLeftAlone(t *testing.T) {
	for _, way := range []string{"renamed", "linked"} {
		dir := memoryDir(t)
		c := run(t, "create", dir, "x", way, "half a body")
		c.expect("at half a body")
		create(t, "other", small(dir))
		if got := names(t, dir); len(got) != 2 {
			t.Errorf("in the directory: %q", got)
		}
		c.goOn()
		if got := c.line(); !strings.HasPrefix(got, "created") {
			t.Error(got)
		}
		c.kill()
		open(t, "x", OpenOptions{Dir: dir})
	}
}

func TestACreatorWhoseFileIsRemovedBeforeItIsLockedTakesAnother(t *testing.T) {
	setWay("renamed")
	defer setWay("unnamed")
	dir := memoryDir(t)
	seen := 0
	onStep = func(s string) {
		if s != "named" {
			return
		}
		switch seen++; seen {
		case 1: // removed before the lock
			dfd, err := openDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(dfd)
			removeLeftovers(dir, dfd)
		case 2: // about to be removed
			fd, err := openat(unix.AT_FDCWD, filepath.Join(dir, names(t, dir)[0]), unix.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { unix.Close(fd) })
			if err := fileLock(fd, unix.F_OFD_SETLK, unix.F_WRLCK, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	defer func() { onStep = nil }()
	create(t, "x", small(dir))
	if got := names(t, dir); seen != 3 || !slices.Equal(got, []string{"ringway.x"}) {
		t.Errorf("%d files, in the directory: %q", seen, got)
	}
}

func TestLeftoversOfOthersAreLeftAlone(t *testing.T) {
	dir := memoryDir(t)
	keep := []string{
		".ringway.x.0123456789abcdeg", ".ringway.x.0123", ".ringway..x.0123456789abcdef",
		"x.ringway.x.0123456789abcdef", ".other.x.0123456789abcdef",
	}
	for _, name := range append(keep, ".ringway.x.0123456789abcdef") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link, shared := ".ringway.y.0000000000000000", ".ringway.y.1111111111111111"
	os.Symlink(keep[0], filepath.Join(dir, link))
	os.WriteFile(filepath.Join(dir, shared), nil, 0o600)
	os.Chmod(filepath.Join(dir, shared), 0o666)
	want := append(slices.Clone(keep), link, shared, "ringway.x")
	slices.Sort(want)
	create(t, "x", small(dir))
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("in the directory: %q, want %q", got, want)
	}
}

func TestOfEightCreatorsExactlyOneWins(t *testing.T) {
	const n, rounds = 8, 20
	inEachWay(t, func(t *testing.T, way string) {
		dir := memoryDir(t)
		var racers []*child
		for range n {
			racers = append(racers, run(t, "race", dir, "x", way))
		}
		for range rounds {
			for _, c := range racers {
				c.expect("ready")
			}
			for _, c := range racers {
				c.goOn()
			}
			won, ids := 0, map[string]bool{}
			for _, c := range racers {
				got := c.line()
				outcome, id, _ := strings.Cut(got, " ")
				if outcome == "won" {
					won++
				} else if outcome != "lost" {
					t.Error(got)
				}
				ids[id] = true
			}
			if won != 1 || len(ids) != 1 {
				t.Fatalf("%d won, and %d sections were seen", won, len(ids))
			}
			if got := names(t, dir); !slices.Equal(got, []string{"ringway.x"}) {
				t.Errorf("in the directory: %q", got)
			}
			if err := Remove("x", dir); err != nil {
				t.Fatal(err)
			}
		}
	})
}
