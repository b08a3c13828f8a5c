package ringway_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
)

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
