package sync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/mem"
)

// lines returns the two ends of a line, which are closed when the test ends.
func lines(t *testing.T) (a, b *Line) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	must(t, err)
	ends := [2]*Line{}
	for i, fd := range fds {
		ends[i], err = NewLine(os.NewFile(uintptr(fd), "line"))
		must(t, err)
		t.Cleanup(func() { must(t, ends[i].Close()) })
	}
	return ends[0], ends[1]
}

// onLine returns a bell over r for a side whose end of a line is l.
func onLine(t *testing.T, r mem.Region, l *Line) *Bell {
	t.Helper()
	b, err := NewBell(r, bellName(t, "b"), false)
	must(t, err)
	b.Line(l)
	must(t, b.Poll())
	t.Cleanup(func() { must(t, b.Close()) })
	return b
}

func TestAllWhoSleepOnOneLineAreWokenByEachRing(t *testing.T) {
	withoutNet(t)
	here, there := lines(t)
	const rounds = 3000
	var running WaitGroup
	for i := range 3 {
		r := shared(1)
		sleeper, ringer := onLine(t, r, here), onLine(t, r, there)
		var rung, seen atomic.Int64
		back := make(chan struct{}, 1)
		running.Go(func() {
			for seen.Load() < rounds {
				sleeper.Announce()
				if now := rung.Load(); now != seen.Load() {
					sleeper.Retract()
					seen.Store(now)
					back <- struct{}{}
					continue
				}
				must(t, sleeper.Sleep(context.Background()))
			}
		})
		running.Go(func() {
			for n := range rounds {
				if n%7 == i { // they fall in and out of step
					time.Sleep(time.Microsecond)
				}
				rung.Add(1)
				ringer.Ring()
				<-back
			}
		})
	}
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	within(t, done, "the sleepers")
}

func TestOneOfTwoWhoSleepOnALineIsInterrupted(t *testing.T) {
	withoutNet(t)
	here, _ := lines(t)
	first, second := onLine(t, shared(1), here), onLine(t, shared(1), here)
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		for _, b := range []*Bell{first, second} {
			go func() {
				for {
					b.Announce()
					if err := b.Sleep(ctx); err != nil {
						done <- err
						return
					}
				}
			}()
		}
		cancel()
		for range 2 {
			if err := outcome(t, done); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
	}
}

func TestALineThatIsFullOrCutHarmsNobody(t *testing.T) {
	withoutNet(t)
	here, there := lines(t)
	r := shared(1)
	sleeper, ringer := onLine(t, r, here), onLine(t, r, there)
	for range 100_000 {
		there.ring() // more than there is room for
	}
	for range 3 {
		sleeper.Announce()
		ringer.Ring()
		must(t, asleepAt(t, sleeper, t.Context()))
	}
	must(t, there.file.Close())
	sleeper.Announce()
	ringer.Ring()
	must(t, asleepAt(t, sleeper, t.Context()))
	here.ring() // to nobody
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	for err := error(nil); err == nil; { // the end of the stream wakes once
		sleeper.Announce()
		err = asleepAt(t, sleeper, ctx)
	}
	there.closed = true
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	unix.Close(fds[0])
	there.file = os.NewFile(uintptr(fds[1]), "for the test's end")
}

func TestSleepsOnALineBecomeLonger(t *testing.T) {
	here, _ := lines(t)
	b := onLine(t, shared(1), here)
	last := time.Duration(0)
	for i := range 20 {
		net := b.net()
		if net < last || net > LineNet || i == 0 && net != LongNet || i > 10 && net != LineNet {
			t.Error(fmt.Sprint(i, net, last))
		}
		last = net
		b.seq = b.mem.Load32(offSeq)
		b.slept(0)
	}
}
