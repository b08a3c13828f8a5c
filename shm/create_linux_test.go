package shm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOptionsOutsideTheirRangesAreRefusedAndLeaveNothing(t *testing.T) {
	dir := memoryDir(t)
	for words, change := range map[string]func(*Options){
		"a body of 0 bytes":              func(o *Options) { o.Body = 0 },
		"a body of -1 bytes":             func(o *Options) { o.Body = -1 },
		"a body of 70368744177665 bytes": func(o *Options) { o.Body = MaxBody + 1 },
		"0 participants":                 func(o *Options) { o.Participants = 0 },
		"-1 participants":                func(o *Options) { o.Participants = -1 },
		"4096 participants":              func(o *Options) { o.Participants = 4096 },
	} {
		o := small(dir)
		change(&o)
		if _, err := Create("x", o); !errors.Is(err, ErrBadArgument) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want ErrBadArgument with %q", err, words)
		}
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
	o := small(dir)
	o.Participants = MaxParticipants
	s := create(t, "x", o)
	if _, err := s.Attach(MaxParticipants-1, 0); err != nil {
		t.Error(err)
	}
}

func TestCreateOfATakenNameSaysHowToGoOn(t *testing.T) {
	inEachWay(t, func(t *testing.T, way string) {
		dir := memoryDir(t)
		a := create(t, "x", small(dir))
		check := func() {
			t.Helper()
			_, err := Create("x", small(dir))
			if !errors.Is(err, ErrExist) || !errors.Is(err, os.ErrExist) || !strings.Contains(err.Error(), "open it; or") {
				t.Error(err)
			}
			if got := names(t, dir); !slices.Equal(got, []string{"ringway.x"}) {
				t.Errorf("in the directory: %q", got)
			}
			if d := open(t, "x", OpenOptions{Dir: dir}).Descriptor(); d != a.Descriptor() {
				t.Errorf("the first section is now %+v", d)
			}
		}
		check()
		// Taken only at the last moment, after the early look.
		Remove("x", dir)
		onStep = func(s string) {
			if s == "magic" {
				onStep = nil
				a = create(t, "x", small(dir))
			}
		}
		defer func() { onStep = nil }()
		check()
	})
}

func TestAPanicInInitLeavesNothing(t *testing.T) {
	inEachWay(t, func(t *testing.T, way string) {
		dir := memoryDir(t)
		func() {
			defer func() {
				if recover() != "init" {
					t.Error("the panic was lost")
				}
			}()
			o := small(dir)
			o.Init = func([]byte) { panic("init") }
			Create("x", o)
		}()
		if got := names(t, dir); len(got) != 0 {
			t.Errorf("left behind: %q", got)
		}
	})
}

func TestTheUmaskDoesNotMatter(t *testing.T) {
	inEachWay(t, func(t *testing.T, way string) {
		for _, mask := range []int{0, 0o777} {
			dir := memoryDir(t)
			old := unix.Umask(mask)
			s, err := Create("x", small(dir))
			unix.Umask(old)
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			if fi, _ := os.Stat(filepath.Join(dir, "ringway.x")); fi.Mode() != 0o600 {
				t.Errorf("umask %#o: mode %v", mask, fi.Mode())
			}
		}
	})
}

func init() {
	// create DIR NAME WAY [STEP]: creates, and stops for ever at the step.
	children["create"] = func(args []string) {
		setWay(args[2])
		onStep = func(s string) {
			if len(args) > 3 && s == args[3] {
				fmt.Println("at", s)
				pause()
			}
		}
		o := small(args[0])
		o.Init = func(body []byte) {
			body[0] = 1
			step("half a body")
			body[1] = 2
		}
		s, err := Create(args[1], o)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("created", s.Descriptor().Region)
	}
	// race DIR NAME WAY: waits, creates, and opens if somebody else won; as
	// often as it is told to go on.
	children["race"] = func(args []string) {
		setWay(args[2])
		for {
			fmt.Println("ready")
			pause()
			s, err := Create(args[1], small(args[0]))
			outcome := "won"
			if errors.Is(err, ErrExist) {
				outcome = "lost"
				s, err = Open(args[1], OpenOptions{Dir: args[0]})
			}
			if err != nil {
				fmt.Println(err)
				continue
			}
			fmt.Println(outcome, s.Descriptor().Region)
			s.Close()
		}
	}
}
