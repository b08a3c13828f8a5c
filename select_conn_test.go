package ringway_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/ring"
)

// overEach runs a test over each transport that there is here, with two ends.
func overEach(t *testing.T, test func(t *testing.T, dialed, accepted *ringway.Conn)) {
	for _, tr := range []ringway.Transport{ringway.SharedMemory, ringway.Unix, ringway.Pipe, ringway.TCP, ringway.UDP} {
		t.Run(tr.String(), func(t *testing.T) {
			if why := tr.Missing(); why != "" {
				t.Skip(why)
			}
			addr := newAddress()
			if tr == ringway.TCP || tr == ringway.UDP {
				addr = tr.String() + "://127.0.0.1:0"
			}
			dialed, accepted := connect(t, listen(t, addr, ringway.Transports(tr)), ringway.Transports(tr))
			if accepted.Transport() != tr {
				t.Fatal(accepted.Transport())
			}
			test(t, dialed, accepted)
		})
	}
}

func TestSelectTakesConnectionsToo(t *testing.T) {
	overEach(t, func(t *testing.T, dialed, accepted *ringway.Conn) {
		ctx := within(t)
		p, c := ends(t, newRing(t))
		s := ringway.NewSelector(c, accepted)
		defer s.Close()
		next := func() (int, ringway.Message, error) {
			for {
				i, err := s.Wait(ctx)
				if err != nil {
					return i, ringway.Message{}, err
				}
				receive := c.TryRecv
				if i == 1 {
					receive = accepted.TryRecv
				}
				if m, err := receive(); !errors.Is(err, ringway.ErrEmpty) {
					return i, m, err
				}
			}
		}
		for n := range 60 {
			sent := make(chan error, 1)
			go func() {
				if n%3 == 0 {
					sent <- p.Send(ctx, []byte{byte(n)})
				} else {
					sent <- dialed.Send(ctx, []byte{byte(n)})
				}
			}()
			want := 1
			if n%3 == 0 {
				want = 0
			}
			if i, m, err := next(); i != want || err != nil || m.Payload[0] != byte(n) {
				t.Fatalf("round %d: source %d, %v, %v; want source %d", n, i, m.Payload, err, want)
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
		}
		if accepted.Transport() == ringway.UDP {
			return // which has no end
		}
		if err := dialed.Close(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if i, _, err := next(); i != 1 || err != io.EOF && !errors.Is(err, ringway.ErrPeerDead) {
				t.Errorf("after the connection's end: source %d, %v", i, err)
			}
		}
	})
}

func TestAConnectionThatWasSelectedReceivesAloneAgain(t *testing.T) {
	overEach(t, func(t *testing.T, dialed, accepted *ringway.Conn) {
		ctx := within(t)
		s := ringway.NewSelector(accepted)
		ended, cancel := context.WithCancel(ctx)
		cancel()
		for { // it may return for nothing
			if _, err := s.Wait(ended); err == context.Canceled {
				break
			}
		}
		s.Close()
		if _, err := accepted.Recv(ended); err != context.Canceled {
			t.Errorf("a receive with an ended context: %v", err)
		}
		for n := range 20 {
			sent := make(chan error, 1)
			go func() { sent <- dialed.Send(ctx, []byte{byte(n)}) }()
			if m, err := accepted.Recv(ctx); err != nil || m.Payload[0] != byte(n) {
				t.Fatalf("message %d: %v, %v", n, m.Payload, err)
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
		}
		if got := accepted.Counts(); got[ring.ReceivedMessages] != 20 {
			t.Errorf("%d messages are counted", got[ring.ReceivedMessages])
		}
	})
}

func TestCloseEndsASelectOfAConnection(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("", func(t *testing.T) {
		overEach(t, func(t *testing.T, _, accepted *ringway.Conn) {
			ctx := within(t)
			ended := make(chan error, 1)
			go func() {
				for {
					if _, err := ringway.Select(ctx, accepted); err != nil {
						ended <- err
						return
					}
					if _, err := accepted.TryRecv(); !errors.Is(err, ringway.ErrEmpty) {
						ended <- err
						return
					}
				}
			}()
			runtime.Gosched()
			if err := accepted.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, ringway.ErrClosed) {
				t.Errorf("the wait for a connection that was closed ends with %v", err)
			}
			if _, err := accepted.TryRecv(); !errors.Is(err, ringway.ErrClosed) {
				t.Errorf("a closed connection receives: %v", err)
			}
			if _, err := accepted.Recv(ctx); !errors.Is(err, ringway.ErrClosed) {
				t.Errorf("a closed connection receives: %v", err)
			}
		})
	})
	proctest.Until(t, "no goroutine is left but the hubs'", func() bool { return runtime.NumGoroutine() <= before+2 })
}
