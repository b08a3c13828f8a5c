package main

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/bench/limits"
)

// pin locks the calling goroutine to a thread that runs on one processor.
func pin(cpu int) error { return limits.Pin(cpu) }

// smallPages keeps the process from huge pages, which Ringway's rings don't have
// unless asked for.
func smallPages() { _ = unix.Prctl(unix.PR_SET_THP_DISABLE, 1, 0, 0, 0) }

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
