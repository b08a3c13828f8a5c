package ringway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway"
)

func TestAContextEndsEveryCallThatWaits(t *testing.T) {
	for _, wait := range []ringway.WaitStrategy{ringway.Adaptive, ringway.BusySpin, ringway.Yield, ringway.Park} {
		p, c := ends(t, newRing(t, ringway.Capacity(4096), ringway.Wait(wait)))
		calls := map[string]func(context.Context) error{
			"Recv":      func(ctx context.Context) error { _, err := c.Recv(ctx); return err },
			"RecvBatch": func(ctx context.Context) error { _, err := c.RecvBatch(ctx, make([]ringway.Message, 4)); return err },
		}
		try := func() {
			for what, call := range calls {
				ctx, cancel := context.WithCancel(context.Background())
				done := make(chan error, 1)
				go func() { done <- call(ctx) }()
				runtime.Gosched()
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Errorf("%v: cancelled %s returned %v", wait, what, err)
				}
				ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
				if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v: %s returned %v at its deadline", wait, what, err)
				}
				cancel()
			}
		}
		try()
		clear(calls)
		calls["Send"] = func(ctx context.Context) error { return p.Send(ctx, make([]byte, 1000)) }
		calls["SendBatch"] = func(ctx context.Context) error {
			n, err := p.SendBatch(ctx, [][]byte{make([]byte, 1000)})
			if n != 0 {
				t.Error("sent into a full ring")
			}
			return err
		}
		calls["Claim"] = func(ctx context.Context) error { _, err := p.Claim(ctx, 1000); return err }
		for p.TrySend(make([]byte, 1000)) == nil {
		}
		try()
	}
}

func TestCloseEndsACallThatWaitsInAnotherGoroutine(t *testing.T) {
	for _, wait := range []ringway.WaitStrategy{ringway.Adaptive, ringway.BusySpin, ringway.Yield, ringway.Park} {
		for range 50 {
			r := newRing(t, ringway.Capacity(4096), ringway.Wait(wait))
			p, c := ends(t, r)
			for p.TrySend(make([]byte, 1000)) == nil {
			}
			done := make(chan error, 2)
			go func() { done <- p.Send(context.Background(), make([]byte, 1000)) }()
			runtime.Gosched()
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-done; !errors.Is(err, ringway.ErrClosed) {
				t.Fatalf("%v: Send returned %v", wait, err)
			}
			go func() {
				for {
					if _, err := c.Recv(context.Background()); err != nil {
						done <- err
						return
					}
				}
			}()
			runtime.Gosched()
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-done; !errors.Is(err, ringway.ErrClosed) {
				t.Fatalf("%v: Recv returned %v", wait, err)
			}
		}
	}
}

func TestAMessageStaysReadableWhenAnotherGoroutineCloses(t *testing.T) {
	r := newRing(t)
	p, c := ends(t, r)
	if err := p.TrySend([]byte("still here")); err != nil {
		t.Fatal(err)
	}
	b, err := p.TryClaim(100)
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.TryRecv()
	if err != nil {
		t.Fatal(err)
	}
	for _, closer := range []io.Closer{p, c, r} {
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if string(m.Payload) != "still here" {
		t.Errorf("the message became %q", m.Payload)
	}
	copy(b, "a claim is the ring's memory as well")
	runtime.KeepAlive(p)
	if _, err := c.TryRecv(); !errors.Is(err, ringway.ErrClosed) {
		t.Error(err)
	}
}

func TestUseAfterCloseIsAnErrorThatNamesTheRing(t *testing.T) {
	ctx := within(t)
	r := newRing(t)
	p, c := ends(t, r)
	for _, closer := range []io.Closer{p, c, r} {
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	calls := map[string]func() error{
		"Producer.Close": p.Close,
		"Consumer.Close": c.Close,
		"Ring.Close":     r.Close,
		"Ring.Producer":  func() error { _, err := r.Producer(); return err },
		"Ring.Consumer":  func() error { _, err := r.Consumer(); return err },
		"Send":           func() error { return p.Send(ctx, nil) },
		"TrySend":        func() error { return p.TrySend(nil) },
		"SendBatch":      func() error { _, err := p.SendBatch(ctx, [][]byte{nil}); return err },
		"Claim":          func() error { _, err := p.Claim(ctx, 1); return err },
		"TryClaim":       func() error { _, err := p.TryClaim(1); return err },
		"CommitTyped":    func() error { return p.CommitTyped(0, 0) },
		"End":            func() error { return p.End(ctx) },
		"Recv":           func() error { _, err := c.Recv(ctx); return err },
		"TryRecv":        func() error { _, err := c.TryRecv(); return err },
		"RecvBatch":      func() error { _, err := c.RecvBatch(ctx, make([]ringway.Message, 1)); return err },
		"RecvAppend":     func() error { _, err := c.RecvAppend(ctx, nil); return err },
		"Release":        c.Release,
		"Messages, 1st step": func() (err error) {
			for _, err = range c.Messages(ctx) {
				break
			}
			return err
		},
	}
	for what, call := range calls {
		if err := call(); !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), r.Name()) {
			t.Errorf("%s returned %v", what, err)
		}
	}
	p.Abort()
}

func TestTheEndIsSeenAfterTheLastMessage(t *testing.T) {
	ctx := within(t)
	r := newRing(t)
	p, c := ends(t, r)
	if err := p.Send(ctx, []byte("last")); err != nil {
		t.Fatal(err)
	}
	if err := p.End(ctx); err != nil {
		t.Fatal(err)
	}
	if m, err := c.Recv(ctx); err != nil || string(m.Payload) != "last" {
		t.Fatal(string(m.Payload), err)
	}
	for range 2 {
		if _, err := c.Recv(ctx); err != io.EOF {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Producer(); !errors.Is(err, ringway.ErrClosed) {
		t.Fatal("a producer attached behind the end:", err)
	}
}

func TestTheEndBindsTheProducerThatDeclaredIt(t *testing.T) {
	ctx := within(t)
	p, c := ends(t, newRing(t))
	if err := errors.Join(p.Send(ctx, []byte("last")), p.End(ctx)); err != nil {
		t.Fatal(err)
	}
	_, batchErr := p.SendBatch(ctx, [][]byte{nil})
	_, claimErr := p.Claim(ctx, 1)
	for what, err := range map[string]error{
		"Send": p.Send(ctx, []byte("lost")), "8 bytes": p.TrySend(make([]byte, 8)),
		"SendBatch": batchErr, "Claim": claimErr, "End": p.End(ctx),
	} {
		if !errors.Is(err, ringway.ErrClosed) {
			t.Errorf("%s after the end: %v", what, err)
		}
	}
	n := 0
	for m, err := range c.Messages(ctx) {
		if n++; err != nil || string(m.Payload) != "last" {
			t.Fatal(string(m.Payload), err)
		}
	}
	if n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestWhatWasNotReleasedGoesToTheNextConsumer(t *testing.T) {
	ctx := within(t)
	r := newRing(t)
	p, c := ends(t, r)
	for i := range 10 {
		if err := p.Send(ctx, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		if m, err := c.Recv(ctx); err != nil || string(m.Payload) != fmt.Sprint(i) {
			t.Fatal(err)
		}
	}
	// Number 4 is out and not released.
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c2, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	defer c2.Close()
	for i := 4; i < 10; i++ {
		if m, err := c2.Recv(ctx); err != nil || string(m.Payload) != fmt.Sprint(i) {
			t.Fatalf("want %d, got %q, %v", i, m.Payload, err)
		}
	}
}
