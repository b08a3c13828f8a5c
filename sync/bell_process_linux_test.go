package sync

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/mem"
)

const (
	fileVar   = "RINGWAY_SYNC_TEST_FILE"
	roundsVar = "RINGWAY_SYNC_TEST_ROUNDS"
)

func init() { children["answer"] = answer }

// mapFile maps a file of four cache line pairs, shared.
func mapFile(path string) (mem.Region, func(), error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return mem.Region{}, nil, err
	}
	defer f.Close()
	b, err := unix.Mmap(int(f.Fd()), 0, 4*mem.Line, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return mem.Region{}, nil, err
	}
	return mem.Of(b), func() { _ = unix.Munmap(b) }, nil
}

// answer is the child's side of the game.
func answer() int {
	r, _, err := mapFile(os.Getenv(fileVar))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	n, err := strconv.ParseUint(os.Getenv(roundsVar), 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	mine, err := NewBell(r.Slice(3*mem.Line, mem.Line), "", false)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	theirs, err := NewBell(r.Slice(2*mem.Line, mem.Line), "", false)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	safety = time.Hour
	p := &player{r: r, in: mem.Line, out: 0, mine: mine, theirs: theirs, stop: new(atomic.Bool)}
	p.play(n, false)
	fmt.Printf("%d sleeps", p.slept)
	return 0
}

func TestNoWakeUpIsLostBetweenProcesses(t *testing.T) {
	withoutNet(t)
	const n = 20_000
	path := filepath.Join(t.TempDir(), "memory")
	if err := os.WriteFile(path, make([]byte, 4*mem.Line), 0o600); err != nil {
		t.Fatal(err)
	}
	r, unmap, err := mapFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unmap) // after the bells are closed
	mine, theirs := newBell(t, r.Slice(2*mem.Line, mem.Line), "a"), newBell(t, r.Slice(3*mem.Line, mem.Line), "b")

	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childVar+"=answer", fileVar+"="+path, roundsVar+"="+strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	var said []byte
	var stop atomic.Bool
	p := &player{r: r, in: 0, out: mem.Line, mine: mine, theirs: theirs, stop: &stop}
	t.Cleanup(func() {
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
		}
	})
	done, played := make(chan struct{}), make(chan struct{})
	var failed error
	go func() {
		defer close(done)
		if said, failed = cmd.Output(); failed != nil {
			stop.Store(true) // nobody will answer
			mine.Interrupt()
		}
	}()
	go func() {
		defer close(played)
		p.play(n, true)
	}()
	within(t, played, "the game")
	within(t, done, "the child")
	t.Logf("here %d sleeps; in the child %s", p.slept, said)
	if failed != nil {
		t.Errorf("the child: %v", failed)
	}
	if p.slept == 0 {
		t.Error("nobody slept")
	}
}
