package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func interruptGroup(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(-pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// hasChild reports whether a process has started another one, which has got so far
// that it leaves Ctrl-C to its parent.
func hasChild(t *testing.T, pid int) bool {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		for _, child := range strings.Fields(string(list)) {
			if err == nil && ignoresInterrupts(child) {
				return true
			}
		}
	}
	return false
}

func ignoresInterrupts(pid string) bool {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(status), "SigIgn:")
	mask, err := strconv.ParseUint(strings.Fields(after + " -")[0], 16, 64)
	return err == nil && mask>>(syscall.SIGINT-1)&1 != 0
}

func TestWhoIsToldToEndLeavesNoSectionBehind(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SHMBENCH_TEST_MAIN=run --duration 1m")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sections := func() []string {
		list, err := filepath.Glob(fmt.Sprintf("/dev/shm/ringway.shmbench-*-%d-*", cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	for len(sections()) == 0 {
		runtime.Gosched()
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("%v", err)
	}
	if left := sections(); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}
