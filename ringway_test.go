package ringway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway"
)

func TestMessagesArriveInOrderAndWhole(t *testing.T) {
	for _, wait := range []ringway.WaitStrategy{ringway.Adaptive, ringway.BusySpin, ringway.Yield, ringway.Park} {
		t.Run(wait.String(), func(t *testing.T) {
			ctx := within(t)
			r := newRing(t, ringway.Capacity(8192), ringway.Wait(wait))
			p, c := ends(t, r)
			const n = 5000
			size := func(i int) int { return i * 7 % 900 }
			sent := make(chan error, 1)
			go func() {
				b := make([]byte, 1024)
				for i := range n {
					for j := range b {
						b[j] = byte(i + j)
					}
					if err := p.SendTyped(ctx, uint16(i), b[:size(i)]); err != nil {
						sent <- err
						return
					}
				}
				sent <- p.End(ctx)
			}()
			i := 0
			for m, err := range c.Messages(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				if m.Type != uint16(i) || len(m.Payload) != size(i) {
					t.Fatalf("message %d came as type %d with %d bytes", i, m.Type, len(m.Payload))
				}
				for j, got := range m.Payload {
					if got != byte(i+j) {
						t.Fatalf("byte %d of message %d is %d", j, i, got)
					}
				}
				i++
			}
			if err := <-sent; err != nil || i != n {
				t.Fatalf("received %d of %d; sending: %v", i, n, err)
			}
		})
	}
}

func TestBatchesArriveInOrderAndWhole(t *testing.T) {
	ctx := within(t)
	p, c := ends(t, newRing(t, ringway.Capacity(4096)))
	const n = 20000
	sent := make(chan error, 1)
	go func() {
		for i := 0; i < n; {
			batch := make([][]byte, min(1+i%50, n-i))
			for j := range batch {
				batch[j] = fmt.Append(nil, i+j)
			}
			k, err := p.SendBatch(ctx, batch)
			if i += k; err != nil {
				sent <- err
				return
			}
		}
		sent <- p.End(ctx)
	}()
	into := make([]ringway.Message, 32)
	for i := 0; ; {
		k, err := c.RecvBatch(ctx, into)
		if err == io.EOF {
			if err := <-sent; i != n || err != nil {
				t.Fatalf("received %d of %d; sending: %v", i, n, err)
			}
			return
		}
		if err != nil || k == 0 {
			t.Fatalf("%d messages, %v", k, err)
		}
		for _, m := range into[:k] {
			if string(m.Payload) != fmt.Sprint(i) {
				t.Fatalf("message %d is %q", i, m.Payload)
			}
			i++
		}
	}
}

func TestAClaimIsSentByCommitAndForgottenByAbort(t *testing.T) {
	ctx := within(t)
	p, c := ends(t, newRing(t))
	b, err := p.Claim(ctx, 100)
	if err != nil || len(b) != 100 {
		t.Fatal(len(b), err)
	}
	if _, err := c.TryRecv(); !errors.Is(err, ringway.ErrEmpty) {
		t.Fatal("an open claim is seen:", err)
	}
	p.Abort()
	if b, err = p.Claim(ctx, 10); err != nil {
		t.Fatal(err)
	}
	copy(b, "0123456789")
	if err := p.CommitTyped(7, 4); err != nil {
		t.Fatal(err)
	}
	if b, err = p.TryClaim(3); err != nil {
		t.Fatal(err)
	}
	copy(b, "abc")
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []ringway.Message{{Payload: []byte("0123"), Type: 7}, {Payload: []byte("abc")}} {
		m, err := c.Recv(ctx)
		if err != nil || !bytes.Equal(m.Payload, want.Payload) || m.Type != want.Type {
			t.Fatalf("got %q of type %d, %v", m.Payload, m.Type, err)
		}
	}
}

func TestRecvAppendCopies(t *testing.T) {
	ctx := within(t)
	p, c := ends(t, newRing(t))
	for _, s := range []string{"one ", "two"} {
		if err := p.Send(ctx, []byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	var got []byte
	for range 2 {
		var err error
		if got, err = c.RecvAppend(ctx, got); err != nil {
			t.Fatal(err)
		}
	}
	if string(got) != "one two" {
		t.Fatalf("%q", got)
	}
}

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

func TestABugOfTheCallerPanicsAndLeavesTheHandleUsable(t *testing.T) {
	ctx := within(t)
	for _, kind := range []ringway.Kind{ringway.SPSC, ringway.MPMC} {
		p, _ := ends(t, newRingOf(t, kind))
		for what, bug := range map[string]func(){
			"a negative claim":     func() { _, _ = p.Claim(ctx, -1) },
			"commit without claim": func() { _ = p.Commit() },
			"commit of too much": func() {
				if _, err := p.Claim(ctx, 8); err != nil {
					t.Error(err)
				}
				defer p.Abort()
				_ = p.CommitTyped(0, 9)
			},
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%v: %s did not panic", kind, what)
					}
				}()
				bug()
			}()
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRecvAppendReleases(t *testing.T) {
	ctx := within(t)
	r := newRing(t)
	p, c := ends(t, r)
	if err := errors.Join(p.Send(ctx, []byte("one")), p.Send(ctx, []byte("two"))); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RecvAppend(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if b, err := c.RecvAppend(ctx, nil); err != nil || string(b) != "two" {
		t.Errorf("%q, %v", b, err)
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

func TestAChecksummedRingReportsWhatWasChanged(t *testing.T) {
	ctx := within(t)
	p, c := ends(t, newRing(t, ringway.Checksums()))
	b, err := p.Claim(ctx, 8)
	if err != nil {
		t.Fatal(err)
	}
	copy(b, "original")
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	b[3] ^= 1 // the ring's memory, which a hostile peer has too
	if _, err := c.Recv(ctx); !errors.Is(err, ringway.ErrCorrupt) || !strings.Contains(err.Error(), "xxhash64") {
		t.Fatal(err)
	}
}

func TestMessagesAreBoundedByHalfTheRing(t *testing.T) {
	ctx := within(t)
	r := newRing(t, ringway.Capacity(4096))
	p, c := ends(t, r)
	big := make([]byte, r.MaxMessage())
	for i := range big {
		big[i] = byte(rand.Uint32())
	}
	for range 20 {
		if err := p.Send(ctx, big); err != nil {
			t.Fatal(err)
		}
		if m, err := c.Recv(ctx); err != nil || !bytes.Equal(m.Payload, big) {
			t.Fatal(err)
		}
		// Two of them need not fit together with what is lost at the end.
		if err := c.Release(); err != nil {
			t.Fatal(err)
		}
	}
	err := p.Send(ctx, make([]byte, r.MaxMessage()+1))
	if !errors.Is(err, ringway.ErrTooLarge) || !strings.Contains(err.Error(), fmt.Sprint(r.MaxMessage())) {
		t.Fatal(err)
	}
}

func TestSendingAndReceivingAllocateNothing(t *testing.T) {
	ctx := within(t)
	p, c := ends(t, newRing(t, ringway.Capacity(4096)))
	b, batch, into := make([]byte, 64), [][]byte{make([]byte, 8), make([]byte, 9)}, make([]ringway.Message, 2)
	allocs := testing.AllocsPerRun(2000, func() {
		if p.Send(ctx, b) != nil {
			t.Fatal("Send")
		}
		if _, err := p.Claim(ctx, 10); err != nil || p.Commit() != nil {
			t.Fatal("Claim, Commit")
		}
		if _, err := p.SendBatch(ctx, batch); err != nil {
			t.Fatal("SendBatch")
		}
		for range 2 {
			if _, err := c.Recv(ctx); err != nil {
				t.Fatal("Recv")
			}
		}
		if n, err := c.RecvBatch(ctx, into); n != 2 || err != nil {
			t.Fatal("RecvBatch")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a round", allocs)
	}
}
