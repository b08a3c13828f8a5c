package ringway_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/sync"
)

func init() { children["sleepers"] = sleepInThousands }

// entries returns how many a directory of /proc has.
func entries(dir string) int {
	list, err := os.ReadDir(dir)
	if err != nil {
		proctest.Fail(err)
	}
	return len(list)
}

// inUse returns the bytes of heap and stacks.
func inUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// sleepInThousands is a child in which many receivers sleep: DIR COUNT HOW. It
// says how many threads and descriptors there were then, how many bytes each
// receiver took of heap and stacks, over what its ring does, how many that is, and
// then wakes them, one after the other.
func sleepInThousands(args []string) {
	dir, how := args[0], args[2]
	n, err := strconv.Atoi(args[1])
	if err != nil {
		proctest.Fail(err)
	}
	wait := ringway.Poll
	if how != "poll" {
		wait = ringway.Adaptive
	}
	create := func(name string) *ringway.Ring {
		r, err := ringway.CreateRing(name, ringway.SPSC, ringway.Capacity(4096), ringway.Dir(dir), ringway.Wait(wait))
		if err != nil {
			proctest.Fail(err)
		}
		return r
	}
	var (
		ctx     = context.Background()
		rings   = make([]*ringway.Ring, n)
		sources = make([]ringway.Source, n)
		woken   = make(chan int, n)
		ready   sync.WaitGroup
	)
	create("first") // what is only needed once is not counted
	bare, descriptors := inUse(), entries("/proc/self/fd")
	for i := range rings {
		rings[i] = create(fmt.Sprint(i))
	}
	before := inUse()
	for i := range rings {
		c, err := rings[i].Consumer()
		if err != nil {
			proctest.Fail(err)
		}
		sources[i] = c
		if how != "poll" {
			continue
		}
		ready.Add(1)
		go func() {
			ready.Done()
			if _, err := c.Recv(ctx); err != nil {
				proctest.Fail(err)
			}
			woken <- i
		}()
	}
	if how != "poll" {
		s := ringway.NewSelector(sources...)
		ready.Add(1)
		go func() {
			short, cancel := context.WithTimeout(ctx, time.Millisecond)
			for short.Err() == nil {
				_, _ = s.Wait(short) // until all are watched
			}
			cancel()
			ready.Done()
			for {
				i, err := s.Wait(ctx)
				if err == nil {
					_, err = sources[i].(*ringway.Consumer).TryRecv()
				}
				if err == nil {
					woken <- i
				} else if !errors.Is(err, ringway.ErrEmpty) {
					proctest.Fail(err)
				}
			}
		}()
	}
	ready.Wait()
	time.Sleep(sync.LongNet * 3 / 2) // all but a few have slept and looked around
	fmt.Println(entries("/proc/self/task"), entries("/proc/self/fd")-descriptors, (inUse()-before)/n, (before-bare)/n)
	var took []time.Duration
	for i, r := range rings {
		p, err := r.Producer()
		if err != nil {
			proctest.Fail(err)
		}
		start := time.Now()
		if err := p.Send(ctx, nil); err != nil {
			proctest.Fail(err)
		}
		if got := <-woken; got != i {
			proctest.Fail(fmt.Errorf("number %d is awake in place of %d", got, i))
		}
		took = append(took, time.Since(start))
		if err := p.Close(); err != nil {
			proctest.Fail(err)
		}
	}
	slices.Sort(took)
	fmt.Println("woken after p50", took[n/2], "p99", took[n*99/100], "at most", took[n-1])
}

// TestThousandsSleepOnAHandfulOfThreads also tells what they take. With
// RINGWAY_SLEEPERS=10000 in the environment there are that many.
func TestThousandsSleepOnAHandfulOfThreads(t *testing.T) {
	n := 1000
	if text := os.Getenv("RINGWAY_SLEEPERS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 {
			t.Fatalf("RINGWAY_SLEEPERS is %q", text)
		}
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if most := (int(min(limit.Cur, 1<<20)) - 100) / 2; n > most {
		t.Logf("%d of %d sleepers: this process may have %d descriptors open", most, n, limit.Cur)
		n = most
	}
	// 4 KiB, and what the runtime has not given back yet.
	for how, bytes := range map[string]int{"poll": 5 << 10, "select": 3 << 10} {
		t.Run(how, func(t *testing.T) {
			dir, err := os.MkdirTemp("/dev/shm", "ringway-test-")
			if err != nil {
				t.Skip(err)
			}
			defer os.RemoveAll(dir)
			child := proctest.Run(t, "sleepers", dir, strconv.Itoa(n), how)
			var threads, descriptors, each, ring int
			if _, err := fmt.Sscan(child.Line(), &threads, &descriptors, &each, &ring); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d sleepers: %d threads, %d descriptors, %d bytes each beside the %d of its ring", n, threads, descriptors, each, ring)
			if most := runtime.GOMAXPROCS(0) + 16; threads > most {
				t.Errorf("%d threads, want at most %d", threads, most)
			}
			if descriptors > 2*n+20 {
				t.Errorf("%d descriptors, want two each", descriptors)
			}
			if each > bytes && !raceEnabled { // which makes stacks larger
				t.Errorf("%d bytes each, want at most %d", each, bytes)
			}
			t.Log(child.Line())
			if err := child.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}
