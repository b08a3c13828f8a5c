package shm

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

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

// image returns a good section as the bytes of its file.
func image(t *testing.T) []byte {
	t.Helper()
	dir := memoryDir(t)
	create(t, "image", small(dir)).Close()
	b, err := os.ReadFile(filepath.Join(dir, "ringway.image"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// plant writes a file that Open then finds as x.
func plant(t *testing.T, dir string, content []byte) string {
	t.Helper()
	file := filepath.Join(dir, "ringway.x")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOpenOfNothingIsErrNotExist(t *testing.T) {
	dir := memoryDir(t)
	refused(t, dir, "x", ErrNotExist, "no such file")
	refused(t, filepath.Join(dir, "nowhere"), "x", ErrNotExist, "nowhere")
	for _, d := range []string{dir, filepath.Join(dir, "nowhere")} {
		if err := Remove("x", d); !errors.Is(err, ErrNotExist) {
			t.Error(err)
		}
	}
}

func TestShortFilesAreNotRingway(t *testing.T) {
	dir := memoryDir(t)
	for _, n := range []int{0, 1, 159, 4095} {
		plant(t, dir, image(t)[:n])
		refused(t, dir, "x", ErrNotRingway, "a descriptor alone has 4096")
	}
}

func TestOtherOrNoMagicIsNotRingway(t *testing.T) {
	dir := memoryDir(t)
	b := image(t)
	copy(b, "RINGWAY\x02")
	plant(t, dir, b)
	refused(t, dir, "x", ErrNotRingway, "52 49 4e 47 57 41 59 02")
	clear(b[:8])
	plant(t, dir, b)
	refused(t, dir, "x", ErrNotRingway, "00 00 00 00 00 00 00 00")
}

func TestEveryFlippedBitInTheFilesDescriptorIsRefusedByOpen(t *testing.T) {
	dir := memoryDir(t)
	f, err := os.OpenFile(plant(t, dir, image(t)), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	for bit := range endUsed * 8 {
		at := int64(bit / 8)
		f.ReadAt(b[:], at)
		f.WriteAt([]byte{b[0] ^ 1<<(bit%8)}, at)
		if s, err := Open("x", OpenOptions{Dir: dir}); err == nil {
			s.Close()
			t.Fatalf("bit %d flipped, and opened", bit)
		}
		f.WriteAt(b[:], at)
	}
	open(t, "x", OpenOptions{Dir: dir})
}

func TestAFileShorterThanItSaysIsCorrupt(t *testing.T) {
	dir := memoryDir(t)
	b := image(t)
	for _, n := range []int{PageSize, len(b) - PageSize, len(b) - 1} {
		plant(t, dir, b[:n])
		refused(t, dir, "x", ErrCorrupt, "but the section has only")
	}
	plant(t, dir, append(b, 1, 2, 3))
	open(t, "x", OpenOptions{Dir: dir})
}

func TestPlantedFilesThatAreNotRegularAreRefusedUntouched(t *testing.T) {
	for what, c := range map[string]struct {
		plant func(path string) error
		err   error
		words string
	}{
		"symlink to a good section": {func(p string) error { return os.Symlink("ringway.good", p) }, ErrInsecure, "symbolic link"},
		"symlink to nothing":        {func(p string) error { return os.Symlink("nothing", p) }, ErrInsecure, "symbolic link"},
		"fifo":                      {func(p string) error { return unix.Mkfifo(p, 0o600) }, ErrNotRingway, "FIFO"},
		"directory":                 {func(p string) error { return os.Mkdir(p, 0o700) }, ErrNotRingway, "directory"},
		"socket":                    {plantSocket, ErrNotRingway, "socket"},
		"device":                    {func(p string) error { return unix.Mknod(p, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))) }, ErrNotRingway, "device"},
		"hard link":                 {func(p string) error { return os.Link(filepath.Join(filepath.Dir(p), "ringway.good"), p) }, ErrInsecure, "2 names"},
	} {
		t.Run(what, func(t *testing.T) {
			dir := memoryDir(t)
			create(t, "good", small(dir))
			path := filepath.Join(dir, "ringway.x")
			if err := c.plant(path); err != nil {
				t.Skip("cannot plant it:", err)
			}
			var before, after unix.Stat_t
			unix.Lstat(path, &before)
			refused(t, dir, "x", c.err, c.words)
			if _, err := Create("x", small(dir)); !errors.Is(err, ErrExist) || !strings.Contains(err.Error(), "remove it") {
				t.Errorf("Create: %v", err)
			}
			if unix.Lstat(path, &after); before != after {
				t.Errorf("it was %+v and is %+v", before, after)
			}
			if what == "directory" {
				if err := Remove("x", dir); err == nil {
					t.Error("Remove removed a directory")
				}
				return
			}
			if err := Remove("x", dir); err != nil {
				t.Error(err)
			}
			open(t, "good", OpenOptions{Dir: dir})
		})
	}
}

func plantSocket(path string) error {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err == nil {
		l.SetUnlinkOnClose(false)
		l.Close()
	}
	return err
}

func TestAFileWithRightsForOthersIsInsecure(t *testing.T) {
	dir := memoryDir(t)
	file := plant(t, dir, image(t))
	for _, mode := range []os.FileMode{0o601, 0o602, 0o604, 0o610, 0o620, 0o640, 0o666, 0o777} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, "x", ErrInsecure, fmt.Sprintf("mode %#o ", mode))
	}
}

func TestAFileOfAnotherUserIsInsecure(t *testing.T) {
	dir := memoryDir(t)
	file := plant(t, dir, image(t))
	if err := os.Chown(file, 12345, -1); err != nil {
		t.Skip("cannot give a file away, not being root:", err)
	}
	refused(t, dir, "x", ErrInsecure, "user 12345, this program runs as user 0")
}

func init() {
	children["open"] = func(args []string) {
		_, err := Open(args[1], OpenOptions{Dir: args[0]})
		if errors.Is(err, ErrInsecure) {
			io.WriteString(os.Stdout, "insecure\n")
		}
	}
}

func TestAnotherUserLearnsThatTheSectionIsNotHis(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can start a program of another user")
	}
	dir := memoryDir(t)
	os.Chmod(dir, 0o755)
	create(t, "mine", small(dir))
	c := command(t, "open", dir, "mine")
	c.cmd.Path = "/proc/self/exe" // the test program lies where others cannot reach it
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
	if err := c.start(); err != nil {
		t.Skip("cannot start a program of another user:", err)
	}
	c.expect("insecure")
}

func TestOpenReadsACopyAndLaterChangesMeanNothing(t *testing.T) {
	dir := memoryDir(t)
	file := plant(t, dir, image(t))
	s := open(t, "x", OpenOptions{Dir: dir})
	before := s.Descriptor()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range int64(PageSize) {
		f.WriteAt([]byte{0xff}, i)
	}
	if s.Descriptor() != before || len(s.Body()) != 10000 || len(s.Table()) != 3*EntrySize {
		t.Error("an overwritten descriptor changed an open section")
	}
	if _, err := s.Attach(2, 0); err != nil {
		t.Error(err)
	}
}

func TestPrefaultWorksOnKernelsWithoutPopulate(t *testing.T) {
	noPopulate = true
	defer func() { noPopulate = false }()
	dir := memoryDir(t)
	o := small(dir)
	o.Prefault = true
	create(t, "x", o)
	open(t, "x", OpenOptions{Dir: dir, Prefault: true, ReadOnly: true})
}
