package main

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// pin lets the calling thread run on one processor.
func pin(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	return unix.SchedSetaffinity(0, &set)
}

// pinnedEnv is set when all threads of the process are pinned.
const pinnedEnv = "RINGWAY_PEERS_PINNED"

// pinProcess starts the program anew on one processor, with all the threads
// that it will have, unless it was started so.
func pinProcess(cpu int) error {
	if os.Getenv(pinnedEnv) != "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := pin(cpu); err != nil {
		return err
	}
	return syscall.Exec(self, os.Args, append(os.Environ(), pinnedEnv+"=1"))
}

// dieWithUs has the system end a process when this one ends, however.
func dieWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// yield lets another thread of the processor run. The scheduler of Go is not
// told, because there is nothing that it should do.
func yield() { unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

// monotonic is the clock that all processes share, in nanoseconds.
func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // can't fail for this clock
	return t.Nano()
}
