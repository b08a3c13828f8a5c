package ringway_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

func init() { children["onCommand"] = sendOnCommand }

// sendOnCommand is a child that sends a message each time it is told to.
func sendOnCommand(args []string) {
	r, err := ringway.OpenRing(args[0])
	if err != nil {
		proctest.Fail(err)
	}
	p, err := r.Producer()
	if err != nil {
		proctest.Fail(err)
	}
	fmt.Println("attached")
	for i := byte(0); ; i++ {
		proctest.Pause()
		if err := p.Send(context.Background(), []byte{i}); err != nil {
			proctest.Fail(err)
		}
	}
}

func TestAnnouncementsThatAreWipedOutDelayMessagesAndLoseNone(t *testing.T) {
	// So each and every wake-up is dropped.
	for _, wait := range []ringway.WaitStrategy{ringway.Park, ringway.Adaptive, ringway.Poll} {
		r := newRing(t, ringway.Wait(wait))
		section, err := shm.Open(r.Name(), shm.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		bell := ring.DataBell(section.Body())
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				default:
					bell.Store32(4, 0) // the state
				}
			}
		}()
		p, c := ends(t, r)
		ctx := within(t)
		sent := make(chan error, 1)
		const n = 4
		go func() {
			var err error
			for i := 0; i < n && err == nil; i++ {
				err = p.Send(ctx, []byte{byte(i)})
				time.Sleep(5 * time.Millisecond)
			}
			sent <- err
		}()
		start := time.Now()
		for i := range n {
			if m, err := c.Recv(ctx); err != nil || m.Payload[0] != byte(i) {
				t.Fatalf("%v: message %d: %v, %v", wait, i, m.Payload, err)
			}
		}
		t.Logf("%v: %d messages in %v", wait, n, time.Since(start))
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		close(stop)
		<-done
		if err := section.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAStoppedSenderIsWaitedForAndNotTakenForDead(t *testing.T) {
	for _, wait := range []ringway.WaitStrategy{ringway.Park, ringway.Poll} {
		r := newRing(t, ringway.Wait(wait))
		child := proctest.Run(t, "onCommand", r.Name())
		child.Expect("attached")
		c, err := r.Consumer()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for i := range byte(3) {
			if err := child.Cmd.Process.Signal(unix.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			// A signal takes its time.
			if err := unix.Waitid(unix.P_PID, child.Cmd.Process.Pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil); err != nil {
				t.Fatal(err)
			}
			child.GoOn()
			short, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
			if m, err := c.Recv(short); err != context.DeadlineExceeded {
				t.Fatalf("%v: of a stopped sender came %v, %v", wait, m.Payload, err)
			}
			cancel()
			if err := child.Cmd.Process.Signal(unix.SIGCONT); err != nil {
				t.Fatal(err)
			}
			if m, err := c.Recv(within(t)); err != nil || m.Payload[0] != i {
				t.Fatalf("%v: %v, %v; want %d", wait, m.Payload, err, i)
			}
		}
	}
}

func TestCloseEndsTheWaitsOfThousands(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 100
	}
	before, descriptorsBefore := runtime.NumGoroutine(), openDescriptors(t)
	var consumers []*ringway.Consumer
	var rings []*ringway.Ring
	done := make(chan error, n)
	for i := range n {
		name := fmt.Sprintf("test-%d-close-%d", os.Getpid(), i)
		r, err := ringway.CreateRing(name, ringway.SPSC, ringway.Capacity(4096),
			ringway.Wait([]ringway.WaitStrategy{ringway.Park, ringway.Poll, ringway.Adaptive}[i%3]))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ringway.RemoveRing(name) }()
		c, err := r.Consumer()
		if err != nil {
			t.Fatal(err)
		}
		consumers, rings = append(consumers, c), append(rings, r)
		go func() {
			_, err := c.Recv(context.Background())
			done <- err
		}()
	}
	for i, c := range consumers {
		if err := errors.Join(c.Close(), rings[i].Close()); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		if err := <-done; !errors.Is(err, ringway.ErrClosed) {
			t.Errorf("a wait that Close ended: %v", err)
		}
	}
	proctest.Until(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before+1 })
	if now := openDescriptors(t); now > descriptorsBefore+1 { // the runtime's poller may be new
		t.Errorf("%d descriptors are open, there were %d", now, descriptorsBefore)
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
