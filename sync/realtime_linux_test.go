package sync

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRealTimeEndsWithLeave(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	look := func() (cpus unix.CPUSet, policy uint32) {
		must(t, unix.SchedGetaffinity(0, &cpus))
		a, err := unix.SchedGetAttr(0, 0)
		must(t, err)
		return cpus, a.Policy
	}
	before, policy := look()
	leave, err := Realtime{CPU: 0, Priority: 3}.Enter()
	if errors.Is(err, os.ErrPermission) {
		leave, err = Realtime{CPU: 0}.Enter()
	}
	must(t, err)
	if cpus, _ := look(); cpus.Count() != 1 || !cpus.IsSet(0) {
		t.Errorf("pinned to %d processors", cpus.Count())
	}
	leave()
	if cpus, now := look(); cpus != before || now != policy {
		t.Errorf("after leave: %d processors, policy %d; want %d, %d", cpus.Count(), now, before.Count(), policy)
	}
}

func TestRefusedPrioritySaysWhichLimitIsMissing(t *testing.T) {
	err := Realtime{Priority: 50}.refused(unix.EPERM)
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "RLIMIT_RTPRIO") {
		t.Error(err)
	}
}
