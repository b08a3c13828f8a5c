package ringway_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
)

// quietSender is a child that sends to a spinning receiver, and says by two
// system calls of its own where that begins and ends.
func quietSender(args []string) {
	r, err := ringway.OpenRing(args[0], ringway.Wait(ringway.BusySpin), ringway.Prefault())
	if err != nil {
		proctest.Fail(err)
	}
	p, err := r.Producer()
	if err != nil {
		proctest.Fail(err)
	}
	runtime.LockOSThread()
	message := make([]byte, 64)
	ctx := context.Background()
	send := func(n int) {
		for range n {
			if err := p.Send(ctx, message); err != nil {
				proctest.Fail(err)
			}
		}
	}
	send(10_000)
	fmt.Println("thread", unix.Gettid())
	mark()
	send(200_000)
	mark()
	_ = p.End(ctx)
}

// mark makes a system call that nothing else makes.
func mark() { _, _ = unix.Getpriority(unix.PRIO_PROCESS, 0) }

func TestASenderToASpinningReceiverMakesNoSystemCall(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("counting system calls takes strace, which is not installed")
	}
	r := newRing(t, ringway.Wait(ringway.BusySpin))
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	out := filepath.Join(t.TempDir(), "trace")
	child := proctest.Command(t, "quiet", r.Name())
	child.Cmd.Args = append([]string{strace, "-f", "-o", out}, child.Cmd.Args...)
	child.Cmd.Path = strace
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ctx := within(t)
	for _, err := range c.Messages(ctx) {
		if err != nil {
			t.Fatal(err)
		}
	}
	thread, ok := strings.CutPrefix(child.Line(), "thread ")
	if err := child.Wait(); err != nil || !ok {
		t.Skipf("strace can't trace here: %v", err)
	}
	trace, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	marks, between := 0, []string(nil)
	for line := range strings.Lines(string(trace)) {
		rest, ok := strings.CutPrefix(line, thread+" ")
		switch {
		case !ok:
		case strings.Contains(rest, "getpriority("):
			marks++
		case marks == 1 && !strings.HasPrefix(strings.TrimSpace(rest), "---") && !strings.Contains(rest, "rt_sigreturn") &&
			!strings.Contains(rest, "_PRIVATE") && !strings.Contains(rest, "resumed>") && !strings.Contains(rest, "F_OFD_GETLK"):
			between = append(between, rest)
		}
	}
	if marks != 2 {
		t.Fatalf("%d marks in the trace, want 2", marks)
	}
	// Not the sender's are signals, with which the runtime asks for its turn,
	// and futexes of this process alone, with which it starts other threads. And
	// where the receiver is kept from its processor with the ring full, the sender
	// looks whether it lives, each 10 ms at most.
	if len(between) > 0 {
		t.Errorf("200,000 messages took %d system calls:\n%s", len(between), strings.Join(between, ""))
	}
}

func TestARingWithLockedMemoryStaysInRAM(t *testing.T) {
	r := newRing(t)
	locked, err := ringway.OpenRing(r.Name(), ringway.LockMemory())
	if errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.EPERM) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	if _, rest, _ := strings.Cut(string(status), "VmLck:"); strings.HasPrefix(strings.TrimSpace(rest), "0 ") {
		t.Error("nothing is locked")
	}
}
