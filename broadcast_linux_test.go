package ringway_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/internal/sigbus"
	"github.com/ringway/ringway/ring"
)

func TestATruncatedBroadcastRingIsAnErrorAndNoCrash(t *testing.T) {
	if !sigbus.Supported {
		t.Skip("a truncated section ends the process on this architecture, as documented")
	}
	ctx := within(t)
	for _, size := range []int{0, 4096, 3*4096 + 1, 40_000} {
		r := newRingOf(t, ringway.Broadcast, ringway.Capacity(64<<10))
		p, s, ro := publisher(t, r), subscriber(t, r), subscriber(t, readOnly(t, r))
		if err := p.Send(ctx, []byte("before")); err != nil {
			t.Fatal(err)
		}
		m, err := s.Lease(ctx)
		if err != nil {
			t.Fatal(err)
		}
		child := proctest.Run(t, "truncate", "/dev/shm/ringway."+r.Name(), fmt.Sprint(size))
		if err := child.Wait(); err != nil {
			t.Fatal(err)
		}
		_ = string(m.Payload) // can be read; it means nothing
		for i := 0; err == nil && i < 200; i++ {
			err = p.Send(ctx, make([]byte, 1000))
		}
		if !errors.Is(err, ringway.ErrFault) {
			t.Errorf("cut to %d bytes: Send returned %v", size, err)
		}
		if s.Valid() {
			t.Errorf("cut to %d bytes: the lease is said to be valid", size)
		}
		for _, s := range []*ringway.Subscriber{s, ro} {
			if _, err := s.Recv(ctx); !errors.Is(err, ringway.ErrFault) {
				t.Errorf("cut to %d bytes: Recv returned %v", size, err)
			}
			if _, _, _, err := s.Last(nil); !errors.Is(err, ringway.ErrFault) {
				t.Errorf("cut to %d bytes: Last returned %v", size, err)
			}
		}
	}
}

func TestAStoppedSubscriberMattersOnlyToALosslessPublisher(t *testing.T) {
	ctx := within(t)
	for _, opts := range [][]ringway.Option{nil, {ringway.Lossless()}} {
		r := newRingOf(t, ringway.Broadcast, append(opts, ringway.Capacity(4096))...)
		child := proctest.Run(t, "subscribe", r.Name(), "writing")
		child.Expect("attached")
		if err := child.Cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		p := publisher(t, r)
		send := func(ctx context.Context) (err error) {
			for n := 0; n < 500 && err == nil; n++ {
				err = p.Send(ctx, sequenced(nil, p.Sequence()))
			}
			return err
		}
		if opts == nil {
			if err := send(ctx); err != nil {
				t.Fatal(err)
			}
			continue
		}
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		if err := send(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the publisher did not wait for a subscriber that is stopped: %v", err)
		}
		cancel()
		// It goes on where it was.
		if err := child.Cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if err := send(ctx); err != nil {
			t.Fatal(err)
		}
		if err := p.End(); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("end 1 %d 0 0", p.Sequence()-1)
		var line string
		for line = child.Line(); len(line) > 8 && line[:8] == "going on"; line = child.Line() {
		}
		if line != want {
			t.Errorf("the subscriber says %q, want %q", line, want)
		}
		if n := countOf(r, ring.Recoveries); n != 0 {
			t.Errorf("%d were taken for dead", n)
		}
	}
}
