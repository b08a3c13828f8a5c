package ringway_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
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

// doorbells returns the FIFOs of a ring in a directory. Where others clean up, too,
// those that nobody has open may go at any time.
func doorbells(t *testing.T, dir string, r *ringway.Ring) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "ringway-bell."+r.Name()+"~*"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAVandalAtTheDoorbellLosesNothing(t *testing.T) {
	ctx := within(t)
	r := newRing(t, ringway.Wait(ringway.Poll), ringway.Capacity(4096))
	p, c := ends(t, r)
	bells := doorbells(t, "/dev/shm", r)
	if len(bells) == 0 {
		t.Fatal("a polling receiver has no doorbell; this test is blind")
	}
	for _, vandal := range []func(f *os.File){
		func(f *os.File) { _, _ = f.Read(make([]byte, 100)) },                   // drains
		func(f *os.File) { _, _ = f.Write([]byte(strings.Repeat("x", 1<<16))) }, // floods
	} {
		stop, done := make(chan struct{}), make(chan struct{})
		for _, path := range bells {
			if !strings.HasSuffix(path, ".data") {
				continue
			}
			f, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				defer close(done)
				for {
					select {
					case <-stop:
						_ = f.Close()
						return
					default:
						_ = f.SetDeadline(time.Now().Add(time.Millisecond))
						vandal(f)
					}
				}
			}()
		}
		sent := make(chan error, 1)
		go func() {
			var err error
			for i := 0; i < 20 && err == nil; i++ {
				err = p.Send(ctx, []byte{byte(i)})
				runtime.Gosched()
			}
			sent <- err
		}()
		for i := range 20 {
			if m, err := c.Recv(ctx); err != nil || m.Payload[0] != byte(i) {
				t.Fatalf("message %d: %v, %v", i, m.Payload, err)
			}
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		close(stop)
		<-done
	}
}

func TestDoorbellsGoWithTheirLastUserOrTheRing(t *testing.T) {
	dir := t.TempDir()
	r := newRing(t, ringway.Wait(ringway.Poll), ringway.Dir(dir))
	p, c := ends(t, r)
	if len(doorbells(t, dir, r)) == 0 {
		t.Fatal("there are no doorbells; this test is blind")
	}
	if err := ringway.RemoveRing(r.Name(), ringway.Dir(dir)); err != nil {
		t.Fatal(err)
	}
	// Who is attached goes on.
	done := make(chan error, 1)
	go func() {
		_, err := c.Recv(t.Context())
		done <- err
	}()
	runtime.Gosched()
	if err := p.Send(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Close(), c.Close()); err != nil {
		t.Fatal(err)
	}
	if left := doorbells(t, dir, r); len(left) > 0 {
		t.Errorf("%q are left", left)
	}

	// What a killed one leaves goes with the ring.
	r = newRing(t, ringway.Dir(dir))
	child := proctest.Run(t, "poller", r.Name(), dir)
	child.Expect("attached")
	child.Kill()
	if len(doorbells(t, dir, r)) == 0 {
		t.Fatal("a killed receiver left no doorbell; this test is blind")
	}
	if err := ringway.RemoveRing(r.Name(), ringway.Dir(dir)); err != nil {
		t.Fatal(err)
	}
	if left := doorbells(t, dir, r); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

// poller is a child that receives by polling until it is killed.
func poller(args []string) {
	r, err := ringway.OpenRing(args[0], ringway.Wait(ringway.Poll), ringway.Dir(args[1]))
	if err != nil {
		proctest.Fail(err)
	}
	c, err := r.Consumer()
	if err != nil {
		proctest.Fail(err)
	}
	fmt.Println("attached")
	proctest.Pause()
	_ = c.Close()
}

// quietSender is a child that sends to a spinning receiver, and says by two
// system calls of its own where that begins and ends.
func quietSender(args []string) {
	r, err := ringway.OpenRing(args[0], ringway.Wait(ringway.BusySpin), ringway.Prefault())
	if err != nil {
		proctest.Fail(err)
	}
	p, err := r.Producer()
	if err != nil {
		proctest.Fail(err)
	}
	runtime.LockOSThread()
	message := make([]byte, 64)
	ctx := context.Background()
	send := func(n int) {
		for range n {
			if err := p.Send(ctx, message); err != nil {
				proctest.Fail(err)
			}
		}
	}
	send(10_000)
	fmt.Println("thread", unix.Gettid())
	mark()
	send(200_000)
	mark()
	_ = p.End(ctx)
}

// mark makes a system call that nothing else makes.
func mark() { _, _ = unix.Getpriority(unix.PRIO_PROCESS, 0) }

func TestASenderToASpinningReceiverMakesNoSystemCall(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("counting system calls takes strace, which is not installed")
	}
	r := newRing(t, ringway.Wait(ringway.BusySpin))
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	out := filepath.Join(t.TempDir(), "trace")
	child := proctest.Command(t, "quiet", r.Name())
	child.Cmd.Args = append([]string{strace, "-f", "-o", out}, child.Cmd.Args...)
	child.Cmd.Path = strace
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ctx := within(t)
	for _, err := range c.Messages(ctx) {
		if err != nil {
			t.Fatal(err)
		}
	}
	thread, ok := strings.CutPrefix(child.Line(), "thread ")
	if err := child.Wait(); err != nil || !ok {
		t.Skipf("strace can't trace here: %v", err)
	}
	trace, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	marks, between := 0, []string(nil)
	for line := range strings.Lines(string(trace)) {
		rest, ok := strings.CutPrefix(line, thread+" ")
		switch {
		case !ok:
		case strings.Contains(rest, "getpriority("):
			marks++
		case marks == 1 && !strings.HasPrefix(strings.TrimSpace(rest), "---") && !strings.Contains(rest, "rt_sigreturn") &&
			!strings.Contains(rest, "_PRIVATE") && !strings.Contains(rest, "resumed>") && !strings.Contains(rest, "F_OFD_GETLK"):
			between = append(between, rest)
		}
	}
	if marks != 2 {
		t.Fatalf("%d marks in the trace, want 2", marks)
	}
	// Not the sender's are signals, with which the runtime asks for its turn,
	// and futexes of this process alone, with which it starts other threads. And
	// where the receiver is kept from its processor with the ring full, the sender
	// looks whether it lives, each 10 ms at most.
	if len(between) > 0 {
		t.Errorf("200,000 messages took %d system calls:\n%s", len(between), strings.Join(between, ""))
	}
}

func TestARingWithLockedMemoryStaysInRAM(t *testing.T) {
	r := newRing(t)
	locked, err := ringway.OpenRing(r.Name(), ringway.LockMemory())
	if errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.EPERM) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	if _, rest, _ := strings.Cut(string(status), "VmLck:"); strings.HasPrefix(strings.TrimSpace(rest), "0 ") {
		t.Error("nothing is locked")
	}
}
