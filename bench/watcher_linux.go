package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// rest sleeps, with nothing but a timer of the kernel's and the thread that it is
// called on: a sleep of the runtime's takes a second thread now and then, which looks
// for work before it goes to sleep itself. It may return too early.
func rest(d time.Duration) {
	if d > 0 {
		ts := unix.NsecToTimespec(int64(d))
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, nil)
	}
}
