package shm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inMount runs the child in a mount namespace of its own.
func inMount(t *testing.T, verb string, args ...string) *child {
	t.Helper()
	c := command(t, verb, args...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		c.cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER
		c.cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		c.cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if err := c.start(); err != nil {
		t.Skip("cannot make a mount namespace:", err)
	}
	if got := c.line(); got != "mounted" {
		t.Skip("cannot mount a tmpfs:", got)
	}
	return c
}

// mount is for children: it mounts a tmpfs at dir.
func mount(dir, options string) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		fmt.Println(err)
		os.Exit(0)
	}
	fmt.Println("mounted")
}

func init() {
	// full DIR WAY: what Create says in a tmpfs of 1 MiB.
	children["full"] = func(args []string) {
		dir := args[0]
		mount(dir, "size=1m")
		setWay(args[1])
		noFallocate = len(args) > 2
		say := func(o Options) {
			s, err := Create("x", o)
			if s != nil {
				s.Close()
			}
			left, _ := os.ReadDir(dir)
			fmt.Printf("%t %d %v\n", errors.Is(err, ErrNoSpace), len(left), err)
		}
		o := small(dir)
		o.Body = 2 << 20
		say(o) // too large by what the file system says before
		o.Body = 600 << 10
		onStep = func(s string) {
			if s == "checked" { // half of it goes after the look, before the allocation
				os.WriteFile(filepath.Join(dir, "other"), make([]byte, 512<<10), 0o600)
			}
		}
		say(o)
		onStep = nil
		o.Body = 256 << 10
		o.Prefault = true
		say(o)
	}
}

func TestAFullFileSystemIsErrNoSpaceWithBothNumbersAndLeavesNothing(t *testing.T) {
	inEachWay(t, func(t *testing.T, way string) {
		for _, args := range [][]string{{}, {"without fallocate"}} {
			c := inMount(t, "full", append([]string{t.TempDir(), way}, args...)...)
			for _, want := range []struct {
				left          int
				words, words2 string
			}{
				{0, "asked for " + strconv.Itoa(2<<20+8192), strconv.Itoa(1<<20) + " bytes are available"},
				{1, "asked for " + strconv.Itoa(600<<10+8192), " bytes are available"},
			} {
				got := c.line()
				if !strings.HasPrefix(got, fmt.Sprintf("true %d ", want.left)) || !strings.Contains(got, want.words) || !strings.Contains(got, want.words2) {
					t.Errorf("%s, want ErrNoSpace with %+v", got, want)
				}
			}
			c.expect("false 2 <nil>")
		}
	})
}

func TestWithoutFallocateEveryPageIsWritten(t *testing.T) {
	noFallocate = true
	defer func() { noFallocate = false }()
	dir := memoryDir(t)
	o := small(dir)
	o.Body = 3<<20 + 5
	s := create(t, "x", o)
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(dir, "ringway.x"), &st); err != nil || st.Blocks*512 < s.Descriptor().Total {
		t.Errorf("%d bytes allocated of %d, %v", st.Blocks*512, s.Descriptor().Total, err)
	}
}

func init() {
	// huge DIR OPTIONS: makes a section of huge pages, and says what it has.
	children["huge"] = func(args []string) {
		mount(args[0], args[1])
		s, err := Create("x", Options{Dir: args[0], Body: 16 << 20, Participants: 1, HugePages: true, Prefault: true})
		if err != nil {
			fmt.Println(err)
			return
		}
		smaps, _ := os.ReadFile("/proc/self/smaps")
		kB := 0 // of all mappings; there is no other of this kind
		for line := range strings.Lines(string(smaps)) {
			var n int
			fmt.Sscanf(line, "ShmemPmdMapped: %d", &n)
			kB += n
		}
		s.Close()
		_, err = Open("x", OpenOptions{Dir: args[0], HugePages: true})
		fmt.Println(kB, err)
	}
}

func TestHugePagesAreHadOrHonestlyRefused(t *testing.T) {
	t.Run("had", func(t *testing.T) {
		c := inMount(t, "huge", t.TempDir(), "size=64m,huge=advise")
		got := c.line()
		if strings.Contains(got, "not supported on this system") {
			t.Skip(got)
		}
		kB, rest, _ := strings.Cut(got, " ")
		if n, _ := strconv.Atoi(kB); n < 8<<10 || rest != "<nil>" {
			t.Errorf("%q: of 16 MiB, less than half is in huge pages", got)
		}
	})
	t.Run("mounted without", func(t *testing.T) {
		c := inMount(t, "huge", t.TempDir(), "size=64m")
		if got := c.line(); !strings.Contains(got, "not supported on this system") || !strings.Contains(got, "huge=advise") {
			t.Error(got)
		}
	})
	t.Run("denied by the system", func(t *testing.T) {
		dir, root := memoryDir(t), hugePagesRoot
		defer func() { hugePagesRoot = root }()
		hugePagesRoot = t.TempDir() + "/"
		o := small(dir)
		o.HugePages = true
		for content, words := range map[string]string{
			"always within_size advise never [deny] force\n": "shmem_enabled is deny",
			"": "the kernel has none",
		} {
			file := hugePagesRoot + "shmem_enabled"
			os.Remove(file)
			if content != "" {
				os.WriteFile(file, []byte(content), 0o600)
			}
			if _, err := Create("x", o); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), words) {
				t.Errorf("Create: %v, want %q", err, words)
			}
		}
		create(t, "y", small(dir))
		if _, err := Open("y", OpenOptions{Dir: dir, HugePages: true}); !errors.Is(err, ErrUnsupported) {
			t.Errorf("Open: %v", err)
		}
	})
}
