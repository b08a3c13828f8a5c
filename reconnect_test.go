package ringway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/ring"
)

// eachRejoining runs f with a listener in this process, and a client that
// reconnects to it.
func eachRejoining(t *testing.T, f func(t *testing.T, l *ringway.Listener, a, b *ringway.Conn)) {
	eachRoad(t, func(t *testing.T, opts ...ringway.Option) {
		l := listen(t, newAddress(), opts...)
		a, b := connect(t, l, append(opts, ringway.Reconnect(0))...)
		f(t, l, a, b)
	})
}

// accept accepts the next connection.
func accept(t *testing.T, l *ringway.Listener) *ringway.Conn {
	t.Helper()
	c, err := l.Accept(within(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// sendUntilTold sends until that fails, which it must with ErrReconnected.
func sendUntilTold(t *testing.T, c *ringway.Conn, what string) *ringway.Reconnected {
	t.Helper()
	for {
		var told *ringway.Reconnected
		if err := c.Send(within(t), []byte(what)); errors.As(err, &told) {
			return told
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func mustSend(t *testing.T, c *ringway.Conn, what string) {
	t.Helper()
	if err := c.Send(within(t), []byte(what)); err != nil {
		t.Fatal(err)
	}
}

func mustRecv(t *testing.T, c *ringway.Conn, want string) {
	t.Helper()
	if m, err := c.Recv(within(t)); err != nil || string(m.Payload) != want {
		t.Fatalf("received %q, %v, want %q", m.Payload, err, want)
	}
}

func mustReconnect(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ringway.ErrReconnected) {
		t.Fatal(err)
	}
}

func TestWhatTheOldListenerSentIsReceivedFirst(t *testing.T) {
	t.Parallel()
	eachRejoining(t, func(t *testing.T, l *ringway.Listener, a, b *ringway.Conn) {
		for i := range 3 {
			mustSend(t, b, fmt.Sprint("old ", i))
		}
		_ = b.Close()
		sendUntilTold(t, a, "x") // who sends notices first
		b = accept(t, l)
		mustSend(t, b, "new")
		for i := range 3 {
			mustRecv(t, a, fmt.Sprint("old ", i))
		}
		mustRecv(t, a, "new")
	})
}

func TestWhatWasNeverLookedAtIsKept(t *testing.T) {
	t.Parallel()
	eachRejoining(t, func(t *testing.T, l *ringway.Listener, a, b *ringway.Conn) {
		for i := range 3 {
			mustSend(t, b, fmt.Sprint("from ", i))
			_ = b.Close()
			sendUntilTold(t, a, "x")
			b = accept(t, l)
		}
		mustSend(t, b, "from 3")
		for i := range 4 {
			mustRecv(t, a, fmt.Sprint("from ", i))
		}
	})
}

func TestWhoOnlyReceivesReconnects(t *testing.T) {
	t.Parallel()
	eachRejoining(t, func(t *testing.T, l *ringway.Listener, a, b *ringway.Conn) {
		for i := range 3 {
			mustSend(t, b, fmt.Sprint(i))
			_ = b.Close()
			mustRecv(t, a, fmt.Sprint(i))
			_, err := a.Recv(within(t))
			mustReconnect(t, err)
			b = accept(t, l)
		}
		mustSend(t, b, "here")
		mustRecv(t, a, "here")
		mustSend(t, a, "and there")
		mustRecv(t, b, "and there")
	})
}

func TestAMessageIsValidUntilTheNextRecvThoughTheConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	eachRejoining(t, func(t *testing.T, l *ringway.Listener, a, b *ringway.Conn) {
		mustSend(t, b, "a message")
		m, err := a.Recv(within(t))
		if err != nil {
			t.Fatal(err)
		}
		_ = b.Close()
		sendUntilTold(t, a, "x")
		accept(t, l)
		if string(m.Payload) != "a message" {
			t.Errorf("%q", m.Payload)
		}
	})
}

func TestTheEndOfOneDirectionIsNoLoss(t *testing.T) {
	t.Parallel()
	eachRejoining(t, func(t *testing.T, l *ringway.Listener, a, b *ringway.Conn) {
		if err := b.CloseSend(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := a.Recv(within(t)); err != io.EOF {
				t.Fatal(err)
			}
		}
		mustSend(t, a, "still there")
		mustRecv(t, b, "still there")
		_ = b.Close()
		sendUntilTold(t, a, "x")
		b = accept(t, l)
		mustSend(t, b, "new")
		mustRecv(t, a, "new")
	})
}

func TestOneOfTwoThatWaitIsTold(t *testing.T) {
	t.Parallel()
	eachRejoining(t, func(t *testing.T, l *ringway.Listener, a, b *ringway.Conn) {
		block := make([]byte, min(a.MaxMessage(), 32<<10))
		for round := range 3 {
			got := make(chan error, 2)
			ctx, stop := context.WithCancel(within(t))
			var wg sync.WaitGroup
			wg.Go(func() {
				for {
					if err := a.Send(ctx, block); err != nil {
						got <- err
						return
					}
				}
			})
			wg.Go(func() {
				_, err := a.Recv(ctx)
				got <- err
			})
			_ = b.Close()
			b = accept(t, l)
			err := <-got
			stop() // the other one waits, on the next connection
			wg.Wait()
			mustReconnect(t, err)
			if err := <-got; err != context.Canceled {
				t.Fatalf("round %d: the other one got %v", round, err)
			}
		}
	})
}

func TestAClaimGoesOverTheNextConnection(t *testing.T) {
	t.Parallel()
	eachRejoining(t, func(t *testing.T, l *ringway.Listener, a, b *ringway.Conn) {
		buf, err := a.Claim(within(t), 5)
		if err != nil {
			t.Fatal(err)
		}
		_ = b.Close()
		_, err = a.Recv(within(t)) // is told
		mustReconnect(t, err)
		b = accept(t, l)
		copy(buf, "claim")
		if err = a.Commit(within(t), 7); err != nil {
			t.Fatal(err)
		}
		if m, err := b.Recv(within(t)); err != nil || string(m.Payload) != "claim" || m.Type != 7 {
			t.Fatalf("%+v, %v", m, err)
		}
	})
}

func TestACallWhoseAnswerWillNotComeIsTold(t *testing.T) {
	t.Parallel()
	eachRejoining(t, func(t *testing.T, l *ringway.Listener, a, b *ringway.Conn) {
		const n = 8
		asked, never := make(chan struct{}, n), make(chan struct{})
		defer close(never)
		served := make(chan error, 1)
		go func() {
			served <- b.Serve(within(t), n, func(ctx context.Context, _ uint16, _, dst []byte) ([]byte, error) {
				asked <- struct{}{}
				<-never
				return dst, nil
			})
		}()
		results := make(chan error, n)
		for range n {
			go func() {
				_, err := a.Call(within(t), 1, []byte("question"), nil)
				results <- err
			}()
		}
		for range n {
			<-asked
		}
		_ = b.Close()
		b = accept(t, l)
		for range n {
			mustReconnect(t, <-results)
		}
		go func() { _ = b.Serve(within(t), 1, upper) }()
		for range 3 {
			if answer, err := a.Call(within(t), 1, []byte("again"), nil); err != nil || string(answer) != "AGAIN" {
				t.Fatalf("%q, %v", answer, err)
			}
		}
	})
}

func TestWhoServesIsToldAndServesOn(t *testing.T) {
	t.Parallel()
	eachRejoining(t, func(t *testing.T, l *ringway.Listener, a, b *ringway.Conn) {
		told := make(chan error, 8)
		go func() {
			for {
				err := a.Serve(context.Background(), 4, upper)
				told <- err
				if !errors.Is(err, ringway.ErrReconnected) {
					return
				}
			}
		}()
		for range 3 {
			if answer, err := b.Call(within(t), 0, []byte("x"), nil); err != nil || string(answer) != "X" {
				t.Fatalf("%q, %v", answer, err)
			}
			_ = b.Close()
			b = accept(t, l)
			mustReconnect(t, <-told)
		}
		_ = a.Close()
		if err := <-told; !errors.Is(err, ringway.ErrClosed) {
			t.Error(err)
		}
	})
}

func TestWaitingForAListenerIsBounded(t *testing.T) {
	eachRoad(t, func(t *testing.T, opts ...ringway.Option) {
		l := listen(t, newAddress(), opts...)
		a, b := connect(t, l, append(opts, ringway.Reconnect(10*time.Millisecond))...)
		_ = l.Close()
		_ = b.Close()
		for range 2 {
			if _, err := a.Recv(within(t)); !errors.Is(err, ringway.ErrPeerDead) || errors.Is(err, ringway.ErrReconnected) {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := a.Recv(ctx); err != context.Canceled {
			t.Error(err)
		}
		listen(t, l.Addr(), opts...)
		_, err := a.Recv(within(t))
		for errors.Is(err, ringway.ErrPeerDead) { // it had to be faster
			_, err = a.Recv(within(t))
		}
		mustReconnect(t, err)
	})
}

func TestCloseEndsWaitingForAListener(t *testing.T) {
	eachRejoining(t, func(t *testing.T, l *ringway.Listener, a, b *ringway.Conn) {
		_ = l.Close()
		_ = b.Close()
		ended := make(chan error, 1)
		go func() {
			_, err := a.Recv(context.Background())
			ended <- err
		}()
		blockedAWhile()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, ringway.ErrClosed) {
			t.Error(err)
		}
		if err := a.Send(t.Context(), nil); !errors.Is(err, ringway.ErrClosed) {
			t.Error(err)
		}
		if err := a.Close(); !errors.Is(err, ringway.ErrClosed) {
			t.Error(err)
		}
	})
}

func TestCountsGoOnOverReconnections(t *testing.T) {
	t.Parallel()
	eachRejoining(t, func(t *testing.T, l *ringway.Listener, a, b *ringway.Conn) {
		for range 3 {
			mustSend(t, b, "to a")
			mustRecv(t, a, "to a")
			_ = b.Close()
			_, err := a.Recv(within(t))
			mustReconnect(t, err)
			b = accept(t, l)
		}
		if n := a.Counts()[ring.ReceivedMessages]; n != 3 {
			t.Errorf("%d messages received, not 3", n)
		}
	})
}

func TestReconnectingIsRefusedWhereItCanNotBe(t *testing.T) {
	l := listen(t, newAddress())
	a, _ := connect(t, l, ringway.Reconnect(0))
	if _, err := a.TryRecv(); !errors.Is(err, ringway.ErrUnsupported) {
		t.Error(err)
	}
	if _, err := a.Watch(func() {}); !errors.Is(err, ringway.ErrUnsupported) {
		t.Error(err)
	}
	if _, err := a.Redial(t.Context()); !errors.Is(err, ringway.ErrBadArgument) {
		t.Error(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a stream that begins anew in its midst")
			}
		}()
		a.NetConn()
	}()
	if _, err := ringway.Dial(t.Context(), l.Addr(), ringway.Reconnect(-1)); !errors.Is(err, ringway.ErrBadArgument) {
		t.Error(err)
	}
	if ringway.UDP.Missing() == "" {
		u := listen(t, "udp://127.0.0.1:0", ringway.Transports(ringway.UDP))
		if _, err := ringway.Dial(t.Context(), u.Addr(), ringway.Transports(ringway.UDP), ringway.Reconnect(0)); !errors.Is(err, ringway.ErrUnsupported) {
			t.Error(err)
		}
	}
}

// blockedAWhile lets some time pass in which what was started has probably come
// to the point where it blocks. The tests hold wherever it has come to.
func blockedAWhile() { time.Sleep(5 * time.Millisecond) }
