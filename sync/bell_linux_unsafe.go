//go:build linux

package sync

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/mem"
)

// Commands of futex(2), without FUTEX_PRIVATE_FLAG: the word is shared.
const (
	futexWait = 0
	futexWake = 1
)

// osBell sleeps on the bell's own word; there is nothing to open.
type osBell struct{}

func (osBell) open(string) error { return nil }
func (osBell) close() error      { return nil }

// sleep sleeps until wake or for d, unless the word is no longer seq.
func (osBell) sleep(r mem.Region, seq uint32, d time.Duration) {
	ts := unix.NsecToTimespec(d.Nanoseconds())
	// Every outcome (woken, EAGAIN, ETIMEDOUT, EINTR) means: look again.
	unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(r.Ptr32(offSeq))), futexWait, uintptr(seq),
		uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// wake wakes everyone who sleeps on the word.
func (osBell) wake(r mem.Region, _ uint32) {
	const all = 1<<31 - 1
	unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(r.Ptr32(offSeq))), futexWake, all, 0, 0, 0)
}
