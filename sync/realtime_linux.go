package sync

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
)

// enter does it for the calling thread. Threads that the runtime starts
// meanwhile inherit nothing: it never starts them from a locked one.
func (rt Realtime) enter() (restore func() bool, err error) {
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cpus); err != nil {
		return nil, rt.fail(err, "")
	}
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return nil, rt.fail(err, "")
	}
	restore = func() bool {
		return errors.Join(unix.SchedSetAttr(0, before, 0), unix.SchedSetaffinity(0, &cpus)) == nil
	}
	if rt.CPU >= 0 {
		var one unix.CPUSet
		one.Set(rt.CPU)
		if one.Count() != 1 {
			return nil, rt.fail(errs.BadArgument, fmt.Sprintf("there is no processor %d", rt.CPU))
		}
		switch err := unix.SchedSetaffinity(0, &one); {
		case errors.Is(err, unix.EINVAL):
			return nil, rt.fail(errs.BadArgument, fmt.Sprintf("there is no processor %d, or this process may not run on it: it may use %d processors", rt.CPU, cpus.Count()))
		case err != nil:
			return nil, rt.fail(err, "pinning the thread")
		}
	}
	if rt.Priority > 0 {
		after := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: uint32(rt.Priority)}
		if err := unix.SchedSetAttr(0, after, 0); err != nil {
			restore()
			return nil, rt.refused(err)
		}
	}
	return restore, nil
}

// refused says what is missing for the priority.
func (rt Realtime) refused(err error) error {
	var limit unix.Rlimit
	if !errors.Is(err, unix.EPERM) || unix.Getrlimit(unix.RLIMIT_RTPRIO, &limit) != nil {
		return rt.fail(err, fmt.Sprintf("SCHED_FIFO of priority %d", rt.Priority))
	}
	return rt.fail(err, fmt.Sprintf("SCHED_FIFO of priority %d: this user may go up to %d; raise RLIMIT_RTPRIO (ulimit -r, LimitRTPRIO= of a service, rtprio in limits.conf) or give the program CAP_SYS_NICE",
		rt.Priority, limit.Cur))
}
