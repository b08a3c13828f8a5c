package limits

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAProcessThatGivesWayDoesSoWithAllItsThreads(t *testing.T) {
	policies := func() map[int]uint32 {
		all := make(map[int]uint32)
		if err := eachThread(func(tid int) error {
			attr, err := unix.SchedGetAttr(tid, 0)
			if err == nil {
				all[tid] = attr.Policy
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil || before.Policy != unix.SCHED_NORMAL {
		t.Skip("somebody has this process be scheduled in another way")
	}
	if err := GiveWay(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = eachThread(func(tid int) error {
			return unix.SchedSetAttr(tid, &unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: before.Nice}, 0)
		})
	}()
	stop := make(chan struct{})
	defer close(stop)
	for range 3 { // threads that come later
		there := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			close(there)
			<-stop
		}()
		<-there
	}
	for tid, policy := range policies() {
		if policy != unix.SCHED_BATCH {
			t.Errorf("thread %d has policy %d", tid, policy)
		}
	}
}
