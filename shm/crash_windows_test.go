package shm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

func init() {
	// create DIR NAME [STEP]: creates, and stops at the step; then holds the
	// section for ever.
	children["create"] = func(args []string) {
		onStep = func(s string) {
			if len(args) > 2 && s == args[2] {
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
		pause()
	}
	// race DIR NAME: waits, creates, opens if somebody else won, waits, and
	// closes; as often as it is told to go on.
	children["race"] = func(args []string) {
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
			pause()
			s.Close()
		}
	}
}

var unfinished = []string{"opened", "mapped", "body", "half a body", "descriptor"}

func TestAnObjectOfAKilledCreatorIsGone(t *testing.T) {
	hurry(t, 50*time.Millisecond)
	for _, at := range append(unfinished, "magic", "published") {
		t.Run(at, func(t *testing.T) {
			name := unique(t)
			c := run(t, "create", "", name, at)
			c.expect("at " + at)
			switch at {
			case "opened": // not even its name is written there yet
				refused(t, "", name, ErrNotRingway, "nobody says that he is at work")
			case "magic", "published":
				open(t, name, OpenOptions{}).Close()
			default:
				refused(t, "", name, ErrNotExist, fmt.Sprintf("process %d is not ready with it after 50ms", c.cmd.Process.Pid))
				if in, ok := listed(t, name); ok {
					t.Errorf("%+v", in)
				}
			}
			if _, err := Create(name, small("")); !errors.Is(err, ErrExist) {
				t.Error(err)
			}
			c.kill()
			refused(t, "", name, ErrNotExist, "")
			create(t, name, small(""))
		})
	}
}

func TestAnUnfinishedObjectKeptByAHandleIsNotWaitedFor(t *testing.T) {
	for _, at := range unfinished[1:] {
		t.Run(at, func(t *testing.T) {
			name := unique(t)
			c := run(t, "create", "", name, at)
			c.expect("at " + at)
			h, err := openMapping(objectPrefix+name, windows.FILE_MAP_READ)
			if err != nil {
				t.Fatal(err)
			}
			c.kill()
			start := time.Now()
			refused(t, "", name, ErrNotExist, fmt.Sprintf("process %d died before it was ready", c.cmd.Process.Pid))
			if d := time.Since(start); d > patience/2 {
				t.Errorf("it took %v", d)
			}
			// Create tries for a while.
			go func() {
				time.Sleep(50 * time.Millisecond)
				windows.CloseHandle(h)
			}()
			create(t, name, small(""))
		})
	}
}

func TestAPidThatWasGivenToAnotherProcessMakesNoCreator(t *testing.T) {
	hurry(t, 50*time.Millisecond)
	name := unique(t)
	m := plantObject(t, name, 1<<16, "")
	write := func(pid, start uint64) {
		for i := range 8 {
			m[offPID+i], m[offMakerStart+i] = byte(pid>>(8*i)), byte(start>>(8*i))
		}
	}
	me := uint64(windows.GetCurrentProcessId())
	write(me, processStart())
	refused(t, "", name, ErrNotExist, "is not ready")
	write(me, 0)
	refused(t, "", name, ErrNotExist, "is not ready")
	write(me, processStart()-1)
	refused(t, "", name, ErrNotExist, "died before")
}

func TestAnOpenerWaitsForTheCreator(t *testing.T) {
	for _, at := range unfinished {
		t.Run(at, func(t *testing.T) {
			name := unique(t)
			c := run(t, "create", "", name, at)
			c.expect("at " + at)
			opened := make(chan string)
			go func() {
				s, err := Open(name, OpenOptions{})
				if err != nil {
					opened <- err.Error()
					return
				}
				defer s.Close()
				opened <- fmt.Sprint("created ", s.Descriptor().Region, " ", s.Body()[:3])
			}()
			select {
			case got := <-opened:
				t.Fatal(got)
			case <-time.After(30 * time.Millisecond):
			}
			c.goOn()
			want := c.line() + " [1 2 0]"
			if got := <-opened; got != want {
				t.Errorf("opener says %q, creator %q", got, want)
			}
		})
	}
}

func TestAWaitingOpenerKeepsNothingAlive(t *testing.T) {
	for _, at := range unfinished {
		t.Run(at, func(t *testing.T) {
			name := unique(t)
			c := run(t, "create", "", name, at)
			c.expect("at " + at)
			opened := make(chan error)
			go func() {
				_, err := Open(name, OpenOptions{})
				opened <- err
			}()
			time.Sleep(30 * time.Millisecond)
			c.kill()
			if err := <-opened; !errors.Is(err, ErrNotExist) {
				t.Error(err)
			}
			create(t, name, small(""))
		})
	}
}

func TestAKilledCreatorLeavesAFileThatTheNextCreateRemoves(t *testing.T) {
	for _, at := range append(unfinished, "magic") {
		t.Run(at, func(t *testing.T) {
			dir := t.TempDir()
			c := run(t, "create", dir, "x", at)
			c.expect("at " + at)
			refused(t, dir, "x", ErrNotExist, "")
			// The living one is left alone.
			create(t, "y", small(dir))
			if got := names(t, dir); len(got) != 2 || !isTemp(got[0]) || got[1] != "ringway.y" {
				t.Errorf("in the directory: %q", got)
			}
			if infos, err := List(dir); len(infos) != 1 || err != nil {
				t.Error(infos, err)
			}
			c.kill()
			refused(t, dir, "x", ErrNotExist, "")
			create(t, "x", small(dir))
			if got := names(t, dir); !slices.Equal(got, []string{"ringway.x", "ringway.y"}) {
				t.Errorf("in the directory: %q", got)
			}
		})
	}
}

func TestALivingCreatorsFileIsLeftAlone(t *testing.T) {
	for _, at := range append(unfinished, "magic") {
		t.Run(at, func(t *testing.T) {
			dir := t.TempDir()
			c := run(t, "create", dir, "x", at)
			c.expect("at " + at)
			if err := os.Remove(filepath.Join(dir, names(t, dir)[0])); !errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
				t.Error(err)
			}
			create(t, "y", small(dir)).Close()
			c.goOn()
			got := c.line()
			if want := fmt.Sprint("created ", open(t, "x", OpenOptions{Dir: dir}).Descriptor().Region); got != want {
				t.Errorf("creator says %q, opener %q", got, want)
			}
		})
	}
}

func TestAKilledCreatorsPublishedFileStays(t *testing.T) {
	dir := t.TempDir()
	c := run(t, "create", dir, "x", "published") // it has the file for itself
	c.expect("at published")
	h := make(chan error)
	go func() {
		s, err := Open("x", OpenOptions{Dir: dir})
		if err == nil {
			s.Close()
		}
		h <- err
	}()
	time.Sleep(30 * time.Millisecond)
	c.kill()
	if err := <-h; err != nil {
		t.Error(err)
	}
}

func TestOfManyCreatorsOneWins(t *testing.T) {
	inEachPlace(t, func(t *testing.T, dir, name string) {
		var racers []*child
		for range 4 {
			racers = append(racers, run(t, "race", dir, name))
		}
		for round := range 30 {
			for _, c := range racers {
				c.expect("ready")
			}
			if dir != "" && round > 0 {
				if err := Remove(name, dir); err != nil {
					t.Fatal(err)
				}
				if got := names(t, dir); len(got) != 0 {
					t.Errorf("left behind: %q", got)
				}
			}
			for _, c := range racers {
				c.goOn()
			}
			won, regions := 0, map[string]bool{}
			for _, c := range racers {
				line := c.line()
				outcome, region, ok := strings.Cut(line, " ")
				if !ok || outcome != "won" && outcome != "lost" {
					t.Fatalf("round %d: %s", round, line)
				}
				if outcome == "won" {
					won++
				}
				regions[region] = true
			}
			if won != 1 || len(regions) != 1 {
				t.Fatalf("round %d: %d won, %d sections", round, won, len(regions))
			}
			for _, c := range racers {
				c.goOn()
			}
		}
	})
}
