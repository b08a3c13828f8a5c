package peer

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// smallPages keeps the process from huge pages, which Ringway's rings don't have
// unless asked for.
func smallPages() { _ = unix.Prctl(unix.PR_SET_THP_DISABLE, 1, 0, 0, 0) }

// dieWithUs has the system end a process when this one ends, however.
func dieWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// Yield lets another thread of the processor run. The scheduler of Go is not
// told, because there is nothing that it should do.
func Yield() { unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
