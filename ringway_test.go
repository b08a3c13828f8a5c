package ringway_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

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
		if _, err := p.SendPacked(ctx, b, 8); err != nil {
			t.Fatal("SendPacked")
		}
		for range 2 {
			if _, err := c.Recv(ctx); err != nil {
				t.Fatal("Recv")
			}
		}
		if n, err := c.RecvBatch(ctx, into); n != 2 || err != nil {
			t.Fatal("RecvBatch")
		}
		for left := 8; left > 0; { // at the ring's end they come in two pieces
			got, err := c.RecvPacked(ctx)
			if left -= got.Count(); left < 0 || err != nil {
				t.Fatal("RecvPacked")
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a round", allocs)
	}
}
