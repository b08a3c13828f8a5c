package ringway_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
)

func init() {
	children["poller"] = poller
	children["quiet"] = quietSender
}

// descriptors raises the limit of open descriptors as far as it may be and
// returns it.
func descriptors(t *testing.T, want uint64) uint64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	old := l
	for _, most := range []uint64{max(want, l.Max), l.Max} {
		l.Cur, l.Max = min(want, most), max(l.Max, most)
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &l) == nil {
			t.Cleanup(func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &old) })
			return l.Cur
		}
		l = old
	}
	return old.Cur
}

func threads(t *testing.T) int {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}

// memory returns the bytes that this program has on its heap, and in stacks.
func memory() (heap, stacks int64) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), int64(m.StackInuse)
}

func TestTenThousandSleepingReceiversTakeAHandfulOfThreads(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes 10,000 rings")
	}
	n := 10_000
	const each, others = 3, 1000 // descriptors: the section, the place in it, the doorbell
	if limit := descriptors(t, uint64(n*each+others)); limit < uint64(n*each+others) {
		n = int(limit-others) / each
		t.Logf("this user may have %d descriptors: %d receivers", limit, n)
	}
	ctx := within(t)
	rings := make([]*ringway.Ring, n)
	dir := ""
	for i := range rings {
		if i%100 == 0 { // a new ring looks through its directory
			var err error
			if dir, err = os.MkdirTemp("/dev/shm", "ringway-test-"); err != nil {
				t.Fatal(err)
			}
			made := dir
			t.Cleanup(func() { _ = os.RemoveAll(made) })
		}
		rings[i] = newRing(t, ringway.Wait(ringway.Poll), ringway.Capacity(4096), ringway.Dir(dir))
	}
	heap, stacks := memory()
	consumers := make([]*ringway.Consumer, n)
	sources := make([]ringway.Source, n)
	for i := range rings {
		c, err := rings[i].Consumer()
		if err != nil {
			t.Fatal(err)
		}
		consumers[i], sources[i] = c, c
	}
	most := threads(t) + runtime.GOMAXPROCS(0) + 16 // those of tests before stay

	// wakeSome sends to some of the rings, and wants to hear when they were
	// woken.
	wakeSome := func(woken func(i int) time.Time) {
		t.Helper()
		var took []time.Duration
		for k := range 50 {
			i := k * 7919 % n
			p, err := rings[i].Producer()
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if err := p.Send(ctx, []byte("wake")); err != nil {
				t.Fatal(err)
			}
			took = append(took, woken(i).Sub(start))
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(took)
		t.Logf("woken after %v, %v at the median, %v at most", took[0], took[len(took)/2], took[len(took)-1])
		// The machine may be busy with something else, but not all the time; the
		// safety net takes half a second.
		if took[len(took)/4] > 200*time.Millisecond {
			t.Errorf("three of four are woken after more than %v: by the safety net", took[len(took)/4])
		}
	}
	handful := func() {
		t.Helper()
		got := threads(t)
		t.Logf("%d receivers, %d threads", n, got)
		if got > most {
			t.Errorf("%d threads, want at most %d", got, most)
		}
	}

	// All of them in one goroutine.
	s := ringway.NewSelector(sources...)
	pick := make(chan int)
	picked := make(chan time.Time)
	stop, cancel := context.WithCancel(ctx)
	go func() {
		defer close(picked)
		for {
			i, err := s.Wait(stop)
			if err != nil {
				return
			}
			if _, err := consumers[i].TryRecv(); err == nil {
				now := time.Now()
				if want := <-pick; i != want {
					t.Errorf("ring %d, want %d", i, want)
				}
				picked <- now
			}
		}
	}()
	wakeSome(func(i int) time.Time { pick <- i; return <-picked })
	handful()
	heapNow, stacksNow := memory()
	if per := (heapNow - heap + stacksNow - stacks) / int64(n); per > 4<<10 {
		t.Errorf("%d bytes each, want at most 4096", per)
	} else {
		t.Logf("%d bytes each", per)
	}
	cancel()
	<-picked
	s.Close()

	// One goroutine each. Its stack is the caller's own business.
	at := make([]chan time.Time, n)
	for i := range at {
		at[i] = make(chan time.Time, 1)
	}
	var up atomic.Int64
	for i, c := range consumers {
		go func() {
			up.Add(1)
			for {
				if _, err := c.Recv(ctx); err != nil {
					if !errors.Is(err, ringway.ErrClosed) {
						t.Error(err)
					}
					close(at[i])
					return
				}
				at[i] <- time.Now()
			}
		}()
	}
	for up.Load() < int64(n) {
		runtime.Gosched()
	}
	wakeSome(func(i int) time.Time { return <-at[i] })
	handful()
	heapNow, stacksNow = memory()
	t.Logf("with a goroutine each: %d bytes each, and %d of its stack", (heapNow-heap)/int64(n), (stacksNow-stacks)/int64(n))
	for _, c := range consumers {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range at {
		<-at[i]
	}
}

func TestADescriptorFitsIntoALoopOfOnesOwn(t *testing.T) {
	ctx := within(t)
	p, c := ends(t, newRing(t))
	fd, err := c.FD()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.FD(); again != fd || err != nil {
		t.Errorf("FD again: %d, %v", again, err)
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ep)
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		t.Fatal(err)
	}
	readable := func(ms int) bool {
		var events [1]unix.EpollEvent
		for {
			n, err := unix.EpollWait(ep, events[:], ms)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			return n == 1
		}
	}
	for i := range 100 {
		ready, err := c.Arm()
		if ready || err != nil {
			t.Fatalf("round %d: Arm of an empty ring: %t, %v", i, ready, err)
		}
		if readable(0) {
			t.Fatalf("round %d: readable, and nobody has sent", i)
		}
		sent := make(chan error, 1)
		go func() { sent <- p.Send(ctx, []byte{byte(i)}) }()
		if !readable(int(proctest.Patience.Milliseconds())) {
			t.Fatalf("round %d: a message doesn't make the descriptor readable", i)
		}
		if ready, err := c.Arm(); !ready || err != nil {
			t.Fatalf("round %d: Arm with a message in the ring: %t, %v", i, ready, err)
		}
		if m, err := c.TryRecv(); err != nil || m.Payload[0] != byte(i) {
			t.Fatalf("round %d: %v, %v", i, m.Payload, err)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
	if err := p.End(ctx); err != nil {
		t.Fatal(err)
	}
	if ready, err := c.Arm(); !ready || err != nil {
		t.Errorf("Arm at the end: %t, %v", ready, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Arm(); !errors.Is(err, ringway.ErrClosed) {
		t.Errorf("Arm after Close: %v", err)
	}
	if _, err := c.FD(); !errors.Is(err, ringway.ErrClosed) {
		t.Errorf("FD after Close: %v", err)
	}
}

func TestArmTellsOfTheProducersDeath(t *testing.T) {
	r := newRing(t)
	child := proctest.Run(t, "hold", r.Name(), "producer")
	child.Expect("attached")
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if ready, err := c.Arm(); ready || err != nil {
		t.Fatalf("Arm: %t, %v", ready, err)
	}
	child.Kill()
	if _, err := c.Arm(); !errors.Is(err, ringway.ErrPeerDead) {
		t.Errorf("Arm after the producer's death: %v", err)
	}
	if _, err := c.Arm(); err != nil {
		t.Errorf("Arm tells of it twice: %v", err)
	}
}

func TestAPollingReceiverThatWasSelectedLearnsOfTheProducersDeath(t *testing.T) {
	ctx := within(t)
	r := newRing(t, ringway.Capacity(4096), ringway.Wait(ringway.Poll))
	child := proctest.Run(t, "hold", r.Name(), "producer")
	child.Expect("attached")
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	for short.Err() == nil { // now and then it returns for nothing
		_, _ = ringway.Select(short, c)
	}
	child.Kill()
	if _, err := c.Recv(ctx); !errors.Is(err, ringway.ErrPeerDead) {
		t.Errorf("Recv after the producer's death: %v", err)
	}
}
