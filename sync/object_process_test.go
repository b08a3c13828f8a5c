package sync

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

const objectVar = "RINGWAY_SYNC_TEST_OBJECT"

func init() {
	children["event"] = waitForEvent
	children["semaphore"] = useSemaphore
}

// waitForEvent is a child that waits for an event, time after time, and says
// so.
func waitForEvent() int {
	e, err := OpenEvent(os.Getenv(objectVar), EventOptions{})
	for err == nil {
		fmt.Println("waiting")
		if err = e.Wait(context.Background()); err == nil {
			fmt.Println("got it")
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// useSemaphore is a child that acquires and releases without end.
func useSemaphore() int {
	s, err := OpenSemaphore(os.Getenv(objectVar), SemaphoreOptions{})
	fmt.Println("here")
	for err == nil {
		if err = s.Acquire(context.Background()); err == nil {
			err = s.Release(1)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// startChild starts a child on an object; what it says comes line by line.
func startChild(t *testing.T, what, object string) (lines *bufio.Scanner, kill func()) {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childVar+"="+what, objectVar+"="+object)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	return bufio.NewScanner(out), kill
}

func expectLine(t *testing.T, lines *bufio.Scanner, want string) {
	t.Helper()
	if !lines.Scan() || lines.Text() != want {
		t.Fatalf("the child said %q (%v), want %q", lines.Text(), lines.Err(), want)
	}
}

func TestAnEventGoesFromProcessToProcess(t *testing.T) {
	e := newEvent(t, EventOptions{})
	lines, _ := startChild(t, "event", e.Name())
	for range rounds(100) {
		expectLine(t, lines, "waiting")
		must(t, e.Set())
		expectLine(t, lines, "got it")
	}
}

func TestAWaiterThatIsKilledTakesNoWakeUpToTheGraveForLong(t *testing.T) {
	e := newEvent(t, EventOptions{})
	for range 5 {
		lines, kill := startChild(t, "event", e.Name())
		expectLine(t, lines, "waiting")
		done := make(chan error, 1)
		go func() { done <- e.Wait(t.Context()) }()
		sleepers(t, 1, e.object)
		// The wake-up may be the child's, and it can't act on it any more.
		kill()
		must(t, e.Set())
		must(t, outcome(t, done))
	}
}

func TestASemaphoreIsUsableWhoeverIsKilled(t *testing.T) {
	const permits = 100
	s := newSemaphore(t, permits, 0)
	const n = 8
	for range n {
		lines, kill := startChild(t, "semaphore", s.Name())
		expectLine(t, lines, "here")
		for range 100 {
			must(t, s.Acquire(t.Context()))
			must(t, s.Release(1))
		}
		kill()
	}
	// Each of the dead took one at most.
	left := 0
	for {
		ok, err := s.TryAcquire()
		must(t, err)
		if !ok {
			break
		}
		left++
	}
	if left < permits-n || left > permits {
		t.Errorf("%d permits are left of %d after %d deaths", left, permits, n)
	}
	must(t, s.Release(1))
	must(t, s.Acquire(t.Context()))
}
