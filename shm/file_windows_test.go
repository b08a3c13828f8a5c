package shm

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/ringway/ringway/internal/wine"
)

// golden returns the page of the golden descriptor.
func golden(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "descriptor-v1.hex"))
	if err != nil {
		t.Fatal(err)
	}
	page := make([]byte, 0, PageSize)
	for _, line := range regexp.MustCompile(`(?m)^[0-9a-f]{8}  ([0-9a-f ]*)`).FindAllStringSubmatch(string(text), -1) {
		b, err := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		page = append(page, b...)
	}
	return page[:PageSize:PageSize]
}

func TestAFileMadeOnLinuxOpensAndBack(t *testing.T) {
	dirs := []string{t.TempDir()}
	if wine.Running() {
		dirs = append(dirs, devShm(t))
	}
	want := fixed()
	for _, dir := range dirs {
		content := make([]byte, want.Total)
		copy(content, golden(t))
		content[want.BodyOffset] = 0x55
		file := plantFile(t, dir, "linux", content)
		if wine.Running() { // as Linux makes it: a file of mode 0600
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := open(t, "linux", OpenOptions{Dir: dir})
		if s.Descriptor() != want || s.Body()[0] != 0x55 {
			t.Errorf("%+v, want %+v", s.Descriptor(), want)
		}
		p := attach(t, s, 99, 0)
		if b, err := os.ReadFile(file); err != nil || !bytes.Equal(b, s.b.mem) {
			t.Error("the file has not what the memory has", err)
		}
		p.Detach()

		o := Options{Dir: dir, Kind: want.Kind, Params: want.Params, Participants: 100, Body: 1<<20 + 1}
		made := create(t, "windows", o)
		d := made.Descriptor()
		d.Region, d.Created, d.CreatorPID = want.Region, want.Created, want.CreatorPID
		if d != want {
			t.Errorf("%+v, want %+v", d, want)
		}
		b, err := os.ReadFile(filepath.Join(dir, "ringway.windows"))
		if err != nil || int64(len(b)) != d.Total {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		for _, off := range []int{offHash, offRegion, offRegion + 8, offCreated, offPID} {
			copy(b[off:off+8], golden(t)[off:]) // the rest is the same
		}
		if !bytes.Equal(b[:PageSize], golden(t)) {
			t.Errorf("the page is\n%swant\n%s", hex.Dump(b[:endUsed]), hex.Dump(golden(t)[:endUsed]))
		}
	}
}

func TestWhatIsNoSectionsFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	good := image(t)
	for _, n := range []int{0, 1, 159, 4095} {
		plantFile(t, dir, "x", good[:n])
		refused(t, dir, "x", ErrNotRingway, "a descriptor alone has 4096")
	}
	for _, n := range []int{PageSize, len(good) - PageSize, len(good) - 1} {
		plantFile(t, dir, "x", good[:n])
		refused(t, dir, "x", ErrCorrupt, "but the section has only")
	}
	for bit := 0; bit < endUsed*8; bit += 7 {
		bad := bytes.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		plantFile(t, dir, "x", bad)
		if s, err := Open("x", OpenOptions{Dir: dir}); err == nil {
			s.Close()
			t.Fatalf("bit %d flipped, and opened", bit)
		}
	}
	clear(good[:8])
	plantFile(t, dir, "x", good)
	refused(t, dir, "x", ErrNotRingway, "00 00 00 00 00 00 00 00")
	refused(t, filepath.Join(dir, "nowhere"), "x", ErrNotExist, "nowhere")
	if err := Remove("x", filepath.Join(dir, "nowhere")); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
	if _, err := Create("x", small(filepath.Join(dir, "nowhere"))); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
}

func TestPlantedFilesThatAreNotASectionsOwnAreRefused(t *testing.T) {
	for what, c := range map[string]struct {
		plant func(t *testing.T, dir, path string) error
		err   error
		words string
	}{
		"directory": {func(_ *testing.T, _, p string) error { return os.Mkdir(p, 0o700) }, ErrNotRingway, "directory"},
		"hard link": {func(_ *testing.T, d, p string) error { return os.Link(filepath.Join(d, "ringway.good"), p) }, ErrInsecure, "2 names"},
		"symlink": {func(_ *testing.T, d, p string) error {
			if wine.Running() {
				return errors.New("Wine shows what a link leads to")
			}
			return os.Symlink(filepath.Join(d, "ringway.good"), p)
		}, ErrInsecure, "symbolic link"},
		"rights for others": {func(t *testing.T, d, p string) error {
			h, err := openPath(p, windows.GENERIC_WRITE, shareAll, windows.CREATE_NEW, 0, attributes(t, "O:MED:P(A;;GA;;;ME)(A;;GR;;;WD)"), 0)
			if err == nil {
				windows.CloseHandle(h)
			}
			return err
		}, ErrInsecure, "gives rights to S-1-1-0"},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			create(t, "good", small(dir)).Close()
			if err := c.plant(t, dir, filepath.Join(dir, "ringway.x")); err != nil {
				t.Skip("cannot plant it:", err)
			}
			refused(t, dir, "x", c.err, c.words)
			if _, err := Create("x", small(dir)); !errors.Is(err, ErrExist) || !strings.Contains(err.Error(), "remove it") {
				t.Errorf("Create: %v", err)
			}
			err := Remove("x", dir)
			if (err != nil) != (what == "directory") {
				t.Error(err)
			}
			if what != "directory" {
				open(t, "good", OpenOptions{Dir: dir})
			}
		})
	}
}

func TestARemovedFileThatIsMappedLeavesItsNameAndLaterItsDirectory(t *testing.T) {
	dir := t.TempDir()
	s := create(t, "x", small(dir))
	o := open(t, "x", OpenOptions{Dir: dir})
	if err := Remove("x", dir); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); slices.Contains(got, "ringway.x") {
		t.Errorf("in the directory: %q", got)
	}
	s.Body()[0] = 7
	if o.Body()[0] != 7 {
		t.Error("they do not share it any more")
	}
	if infos, err := List(dir); len(infos) != 0 || err != nil {
		t.Error(infos, err)
	}
	s.Close()
	o.Close()
	create(t, "y", small(dir))
	if got := names(t, dir); !slices.Equal(got, []string{"ringway.y"}) {
		t.Errorf("in the directory: %q", got)
	}
}

func TestAMappedFileCannotBeTruncated(t *testing.T) {
	dir := t.TempDir()
	s := create(t, "x", small(dir))
	if err := os.Truncate(filepath.Join(dir, "ringway.x"), 0); err != windows.ERROR_USER_MAPPED_FILE && !errors.Is(err, windows.ERROR_USER_MAPPED_FILE) {
		t.Error(err)
	}
	s.Body()[9999] = 1
}

func TestOpenWaitsForWhoHasTheFileForHimself(t *testing.T) {
	dir := t.TempDir()
	create(t, "x", small(dir)).Close()
	h, err := openPath(longPath(dir, "ringway.x"), windows.GENERIC_READ, 0, windows.OPEN_EXISTING, 0, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(50 * time.Millisecond)
		windows.CloseHandle(h)
	}()
	open(t, "x", OpenOptions{Dir: dir}).Close()
	<-done
	hurry(t, 20*time.Millisecond)
	h, err = openPath(longPath(dir, "ringway.x"), windows.GENERIC_READ, shareAll&^windows.FILE_SHARE_WRITE, windows.OPEN_EXISTING, 0, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(h)
	if _, err := Open("x", OpenOptions{Dir: dir}); !errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		t.Error(err)
	}
	open(t, "x", OpenOptions{Dir: dir, ReadOnly: true})
}

func TestListReportsGoodAndBadFilesAndWritesNothing(t *testing.T) {
	dir := t.TempDir()
	if infos, err := List(dir); len(infos) != 0 || err != nil {
		t.Error(infos, err)
	}
	b := create(t, "b", small(dir))
	create(t, "a", small(dir))
	plantFile(t, dir, "c", []byte("short"))
	plantFile(t, dir, "bad name", nil)
	leftover := tempName("x")
	for _, other := range []string{"other", leftover, ".ringway.x.0123456789abcdef"} {
		if err := os.WriteFile(filepath.Join(dir, other), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
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
		{"d", math.MaxInt64, ErrNotRingway},
	}
	if len(infos) != len(want) {
		t.Fatalf("%+v", infos)
	}
	for i, w := range want {
		in := infos[i]
		if in.Name != w.name || w.size != math.MaxInt64 && in.Size != w.size || !errors.Is(in.Err, w.err) || (w.err == nil) != (in.Descriptor.Total != 0) {
			t.Errorf("%d: %+v", i, in)
		}
	}
	if _, err := List(filepath.Join(dir, "nowhere")); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
	create(t, "e", small(dir)) // takes the leftover with it, and nothing else
	if got := names(t, dir); slices.Contains(got, leftover) || len(got) != len(before) {
		t.Errorf("in the directory: %q", got)
	}
}

func TestARelativeDirectoryIsTheOneOfCreateEvenAfterChdir(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := create(t, "here", small("."))
	t.Chdir(filepath.Dir(dir))
	if same, err := s.SameName(); !same || err != nil {
		t.Error(same, err)
	}
}
