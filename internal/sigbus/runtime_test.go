//go:build linux && (amd64 || arm64)

package sigbus

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestManyThreadsFaultAtOnce(t *testing.T) {
	const threads, pages, rounds = 16, 256, 30
	for range rounds {
		m := newMapping(t, pages*page, 0)
		g := m.protect()
		m.truncate(0)
		var start, end sync.WaitGroup
		start.Add(threads)
		for n := range threads {
			end.Go(func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				start.Done()
				start.Wait()
				for i := pages - 1; i >= 0; i-- { // downwards: faults all the way
					poke(m.b, i*page+n, byte(n+1))
				}
				for i := range pages {
					if v := peek(m.b, i*page+n); v != byte(n+1) {
						t.Errorf("thread %d page %d: wrote %d, read %d", n, i, n+1, v)
						return
					}
				}
			})
		}
		end.Wait()
		if !g.Faulted() {
			t.Error("not faulted")
		}
		g.Release()
		m.close()
	}
}

func TestFaultsDoNotDisturbProfilingCollectionOrPreemption(t *testing.T) {
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Skip(err)
	}
	defer pprof.StopCPUProfile()
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	until := time.Now().Add(time.Second)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for time.Now().Before(until) {
				faults(t, 20)
				_ = make([]byte, 100_000)
			}
		})
	}
	wg.Wait()
}

// faults maps, truncates, and touches downwards.
func faults(t *testing.T, pages int) {
	m := newMapping(t, pages*page, 0)
	g := m.protect()
	m.truncate(0)
	for i := pages - 1; i >= 0; i-- {
		if v := peek(m.b, i*page); v != 0 {
			t.Errorf("read %d", v)
		}
	}
	if !g.Faulted() {
		t.Error("not faulted")
	}
	g.Release()
	m.close()
}

func TestFaultsWorkWhileAllSignalsAreNotified(t *testing.T) {
	works(t, func() {
		faults(t, 3)
		c := make(chan os.Signal, 10)
		signal.Notify(c)
		faults(t, 3)
		if err := unix.Kill(os.Getpid(), unix.SIGBUS); err != nil {
			panic(err)
		}
		for s := range c {
			if s == unix.SIGBUS {
				break
			}
		}
		faults(t, 3)
		signal.Reset()
		faults(t, 3)
		signal.Ignore(unix.SIGBUS)
		faults(t, 3)
		signal.Reset(unix.SIGBUS)
		faults(t, 3)
		if t.Failed() {
			os.Exit(1)
		}
	})
}

func TestFaultsWorkWhileTheStackGrows(t *testing.T) {
	m, g := guarded(t, 600)
	m.truncate(0)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if sum := deep(m.b, 599-n); sum != 0 {
				t.Errorf("read %d", sum)
			}
		})
	}
	wg.Wait()
	if !g.Faulted() {
		t.Error("not faulted")
	}
}

func deep(b []byte, n int) int {
	var frame [301]byte
	if n < 0 {
		return 0
	}
	frame[n%len(frame)] = peek(b, n*page)
	return deep(b, n-1) + int(frame[n%len(frame)])
}

func TestFaultsKeepNoMapsOrFilesAndNoEntries(t *testing.T) {
	rounds := 100_000
	if testing.Short() {
		rounds = 5_000
	}
	faults(t, 2)
	maps, files := countMaps(t), countFiles(t)
	for range rounds {
		faults(t, 1)
	}
	if n := countMaps(t); n > maps+rounds/100 { // the runtime takes some, too
		t.Errorf("%d mappings before, %d after", maps, n)
	}
	if n := countFiles(t); n > files {
		t.Errorf("%d files before, %d after", files, n)
	}
	ranges.Lock()
	defer ranges.Unlock()
	if len(ranges.live) != 0 {
		t.Errorf("%d ranges are left", len(ranges.live))
	}
}

func TestChildProcessesWorkAfterInstallation(t *testing.T) {
	if emulated {
		t.Skip("the emulator runs only what it is given")
	}
	faults(t, 2)
	out, err := exec.Command("echo", "well").Output()
	if err != nil || string(out) != "well\n" {
		t.Errorf("%q, %v", out, err)
	}
	// SIGBUS must kill a child: its handlers are the default ones.
	err = exec.Command("sh", "-c", "kill -BUS $$").Run()
	exit, _ := err.(*exec.ExitError)
	if exit == nil || exit.Sys().(interface{ Signal() unix.Signal }).Signal() != unix.SIGBUS {
		t.Errorf("the child ended with %v", err)
	}
}
