package shm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// memoryDir returns a fresh directory in /dev/shm.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(defaultDir, "ringway-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
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

func links(t *testing.T, path string) int {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	return int(st.Nlink)
}

// inEachWay runs f for each way in which Create can build and publish a file.
func inEachWay(t *testing.T, f func(t *testing.T, way string)) {
	for _, way := range []string{"unnamed", "renamed", "linked"} {
		t.Run(way, func(t *testing.T) {
			setWay(way)
			defer setWay("unnamed")
			f(t, way)
		})
	}
}

func setWay(way string) { noTmpfile, noRenameExcl = way != "unnamed", way == "linked" }

func TestWhatOneWritesTheOtherReads(t *testing.T) {
	inEachWay(t, func(t *testing.T, way string) {
		for _, dir := range []string{memoryDir(t), t.TempDir()} {
			params := [8]uint64{8, 7, 6, 5, 4, 3, 2, 1}
			a := create(t, "pair", Options{
				Dir: dir, Kind: 42, Params: params, Body: 10000, Participants: 20, Prefault: true,
				Init: func(body []byte) {
					if len(body) != 10000 || cap(body) != 10000 || !bytes.Equal(body, make([]byte, 10000)) {
						t.Errorf("Init got %d bytes", len(body))
					}
					copy(body, "formatted")
				},
			})
			if got := names(t, dir); !slices.Equal(got, []string{"ringway.pair"}) {
				t.Errorf("in the directory: %q", got)
			}
			file := filepath.Join(dir, "ringway.pair")
			if fi, err := os.Stat(file); err != nil || fi.Mode() != 0o600 || fi.Size() != a.Descriptor().Total || links(t, file) != 1 {
				t.Errorf("%v, %v, %d links", fi, err, links(t, file))
			}
			b := open(t, "pair", OpenOptions{Dir: dir, Prefault: true})
			if b.Descriptor() != a.Descriptor() {
				t.Errorf("opened %+v, created %+v", b.Descriptor(), a.Descriptor())
			}
			if d := b.Descriptor(); d.Kind != 42 || d.Params != params || d.BodyOffset != 4096+8192 || d.Total != 4096+8192+12288 || d.CreatorPID != os.Getpid() {
				t.Errorf("%+v", d)
			}
			if b.Name() != "pair" || len(b.Body()) != 10000 || cap(b.Body()) != 10000 || len(b.Table()) != 20*256 {
				t.Errorf("%q, body %d, table %d", b.Name(), len(b.Body()), len(b.Table()))
			}
			if !strings.HasPrefix(string(b.Body()[:9]), "formatted") {
				t.Errorf("body is %q", b.Body()[:9])
			}
			a.Body()[9999] = 'x'
			b.Table()[256+EntryCounters] = 'y'
			if b.Body()[9999] != 'x' || a.Table()[256+EntryCounters] != 'y' {
				t.Error("what one wrote the other does not see")
			}
			ro := open(t, "pair", OpenOptions{Dir: dir, ReadOnly: true, Prefault: true})
			if !ro.ReadOnly() || ro.Body()[9999] != 'x' {
				t.Error("the read-only section is different")
			}
			if err := Remove("pair", dir); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestTheSystemsPlaceIsDevShm(t *testing.T) {
	name := fmt.Sprintf("test-%d", os.Getpid())
	create(t, name, Options{Body: 1, Participants: 1})
	defer os.Remove("/dev/shm/ringway." + name)
	if _, err := os.Stat("/dev/shm/ringway." + name); err != nil {
		t.Error(err)
	}
	open(t, name, OpenOptions{})
	infos, err := List("")
	if !slices.ContainsFunc(infos, func(in Info) bool { return in.Name == name && in.Err == nil }) {
		t.Errorf("List does not have it: %v, %v", infos, err)
	}
	if err := Remove(name, ""); err != nil {
		t.Error(err)
	}
}

func TestARelativeDirectoryIsTheOneOfCreateEvenAfterChdir(t *testing.T) {
	t.Chdir(memoryDir(t))
	s := create(t, "here", small("."))
	t.Chdir("/")
	if same, err := s.SameName(); !same || err != nil {
		t.Error(same, err)
	}
}

func TestListReportsGoodAndBadSortedAndWritesNothing(t *testing.T) {
	dir := memoryDir(t)
	if infos, err := List(dir); len(infos) != 0 || err != nil {
		t.Error(infos, err)
	}
	b := create(t, "b", small(dir))
	create(t, "a", small(dir))
	plant := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plant("ringway.c", "short")
	plant("ringway.bad name", "")
	plant("other", "")
	plant(".ringway.x.0123456789abcdef", "") // a dead creator's
	if err := os.Mkdir(filepath.Join(dir, "ringway.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	before := names(t, dir)
	infos, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, before) {
		t.Errorf("List changed %q to %q", before, got)
	}
	want := []struct {
		name string
		size int64
		err  error
	}{
		{"a", b.Descriptor().Total, nil},
		{"b", b.Descriptor().Total, nil},
		{"bad name", 0, ErrBadName},
		{"c", 5, ErrNotRingway},
		{"d", -1, ErrNotRingway},
	}
	if len(infos) != len(want) {
		t.Fatalf("%+v", infos)
	}
	for i, w := range want {
		in := infos[i]
		if in.Name != w.name || w.size >= 0 && in.Size != w.size || !errors.Is(in.Err, w.err) || (w.err == nil) != (in.Descriptor.Total != 0) {
			t.Errorf("%d: %+v", i, in)
		}
	}
	if infos[1].Descriptor != b.Descriptor() {
		t.Errorf("%+v", infos[1])
	}
	if _, err := List(filepath.Join(dir, "nowhere")); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
}

func TestNothingLeaks(t *testing.T) {
	dir := memoryDir(t)
	count := func() (fds, maps int) {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("cannot count descriptors:", err)
		}
		text, _ := os.ReadFile("/proc/self/maps")
		return len(entries), strings.Count(string(text), dir)
	}
	cycle := func() {
		s, err := Create("leak", small(dir))
		if err != nil {
			t.Fatal(err)
		}
		o, err := Open("leak", OpenOptions{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		p, _ := o.Attach(0, 0)
		o.Attach(0, 0) // busy
		s.Attach(1, 0) // closed by Close
		s.Peer(0)
		p.Detach()
		Create("leak", small(dir))                                        // exists
		Open("missing", OpenOptions{Dir: dir})                            // does not
		Create("vast", Options{Dir: dir, Body: MaxBody, Participants: 1}) // no space
		List(dir)
		o.Close()
		s.Close()
		os.Truncate(filepath.Join(dir, "ringway.leak"), 8192)
		Open("leak", OpenOptions{Dir: dir}) // corrupt
		Remove("leak", dir)
	}
	cycle()
	fds, maps := count()
	for range 100 {
		cycle()
	}
	if f, m := count(); f != fds || m != maps {
		t.Errorf("%d descriptors and %d mappings became %d and %d", fds, maps, f, m)
	}
}

func TestATruncatedSectionIsAFaultAndNotACrash(t *testing.T) {
	dir := memoryDir(t)
	s := create(t, "cut", small(dir))
	p, err := s.Attach(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "ringway.cut"), 0); err != nil {
		t.Fatal(err)
	}
	_, peerErr := s.Peer(0)
	_, attachErr := s.Attach(1, 0)
	for i, err := range []error{peerErr, attachErr, p.Detach()} {
		if !errors.Is(err, ErrFault) {
			t.Errorf("%d: %v, want ErrFault", i, err)
		}
	}
	if held, err := s.b.entryHeld(0); held || err != nil {
		t.Error("a faulted Detach kept the lock:", held, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
