package sync

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/mem"
)

// doorbellAt returns how to open a FIFO.
func doorbellAt(t *testing.T) func(create bool) (*os.File, error) {
	path := filepath.Join(t.TempDir(), "doorbell")
	must(t, unix.Mkfifo(path, 0o600))
	return func(bool) (*os.File, error) {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		return os.NewFile(uintptr(fd), path), err
	}
}

// polling returns a sleeper that polls and its ringer.
func polling(t *testing.T, shared_ bool) (sleeper, ringer *Bell, find func(bool) (*os.File, error)) {
	r := shared(1)
	find = doorbellAt(t)
	handle := func() *Bell {
		b, err := NewBell(r, bellName(t, "b"), shared_)
		must(t, err)
		b.Doorbell(find)
		t.Cleanup(func() { must(t, b.Close()) })
		return b
	}
	sleeper, ringer = handle(), handle()
	must(t, sleeper.Poll())
	return sleeper, ringer, find
}

func TestADoorbellThatIsFullWakesAllTheSame(t *testing.T) {
	for _, several := range []bool{false, true} {
		sleeper, ringer, find := polling(t, several)
		f, err := find(false)
		must(t, err)
		_ = f.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
		for err == nil {
			_, err = f.Write(make([]byte, 1<<16))
		}
		must(t, f.Close())
		late := 0
		for range 20 {
			sleeper.Announce()
			done := make(chan struct{})
			go func() {
				defer close(done)
				time.Sleep(time.Millisecond)
				ringer.Ring()
			}()
			start := time.Now()
			must(t, sleeper.Sleep(t.Context()))
			if time.Since(start) > LongNet/3 {
				late++
			}
			<-done
		}
		if late > 10 { // the machine may stand still for a while, but not all the time
			t.Errorf("several: %t: %d of 20 sleeps ended by the safety net", several, late)
		}
	}
}

func TestWhoPolledBeforeLeavesNoMarkForWhoSleepsNow(t *testing.T) {
	sleeper, ringer, _ := polling(t, false)
	sleeper.Announce() // and then it is killed
	next := newBell(t, sleeper.mem, "b")
	next.Announce()
	if got := sleeper.mem.Load32(offState); got&onDoorbell != 0 {
		t.Errorf("state %d: the ringer would ring where nobody sleeps", got)
	}
	ringer.Ring()
	if sleeper.mem.Load32(offState)&asleep != 0 {
		t.Error("the ring took nothing back")
	}
}

func TestPollingAllocatesNothing(t *testing.T) {
	if mem.Hooked {
		t.Skip("a hook's description of the access is on the heap")
	}
	sleeper, ringer, _ := polling(t, false)
	if n := testing.AllocsPerRun(200, func() {
		sleeper.Announce()
		ringer.Ring()
		must(t, sleeper.Sleep(t.Context()))
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
