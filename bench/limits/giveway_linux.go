package limits

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// GiveWay has no thread of this process take a processor away from another program
// when it wakes up: it waits for one that is free, or for the end of a time slice,
// which is some milliseconds, and has its share from then on. That is for those who
// watch others at work. It returns an error when the system refuses, or has no such
// thing.
func GiveWay() error {
	err := eachThread(func(tid int) error {
		attr, err := unix.SchedGetAttr(tid, 0)
		if err != nil || attr.Policy != unix.SCHED_NORMAL {
			return err // whoever started us wants something else
		}
		attr.Policy = unix.SCHED_BATCH
		return unix.SchedSetAttr(tid, attr, 0)
	})
	if err != nil {
		return fmt.Errorf("limits: give way: %w", err)
	}
	return nil
}
