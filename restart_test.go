package ringway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
)

// onWine: there two listeners have a name at the same time for a moment, or
// none has.
const onWine = runtime.GOOS == "windows"

// echoServer is a child that listens at a name and echoes, until it is told to
// go or another one has taken over: echo NAME TAKEOVER.
func echoServer(args []string) {
	var opts []ringway.Option
	if args[1] == "takeover" {
		opts = append(opts, ringway.TakeOver())
	}
	l, err := ringway.Listen(args[0], opts...)
	if err != nil {
		proctest.Fail(err)
	}
	fmt.Println("listening")
	go func() {
		for {
			c, err := l.Accept(context.Background())
			if errors.Is(err, ringway.ErrClosed) {
				fmt.Println("left")
				return
			}
			if err != nil {
				proctest.Fail(err)
			}
			go func() {
				for m, err := range c.Messages(context.Background()) {
					if err != nil || c.SendTyped(context.Background(), m.Type, m.Payload) != nil {
						return
					}
				}
				_ = c.Close()
			}()
		}
	}()
	proctest.Pause()
}

func roundTrip(t *testing.T, c *ringway.Conn, what string) {
	t.Helper()
	if err := c.Send(t.Context(), []byte(what)); err != nil {
		t.Fatal(err)
	}
	if m, err := c.Recv(t.Context()); err != nil || string(m.Payload) != what {
		t.Fatalf("%q, %v", m.Payload, err)
	}
}

func dial(t *testing.T, addr string, opts ...ringway.Option) *ringway.Conn {
	t.Helper()
	c, err := ringway.Dial(t.Context(), addr, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestANewListenerTakesTheNameOverAndNobodyIsTurnedAway(t *testing.T) {
	addr := newAddress()
	old := proctest.Run(t, "echo", addr, "first")
	old.Expect("listening")
	before := dial(t, addr)
	roundTrip(t, before, "before")

	// Somebody dials all the time.
	ctx, stop := context.WithCancel(t.Context())
	turned := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			c, err := ringway.Dial(t.Context(), addr)
			if err == nil {
				if err = c.Send(t.Context(), []byte("x")); err == nil {
					_, err = c.Recv(t.Context())
				}
				_ = c.Close()
			}
			if err != nil {
				turned <- err
				return
			}
		}
		turned <- nil
	}()
	for range 3 {
		next := proctest.Run(t, "echo", addr, "takeover")
		next.Expect("listening")
		old.Expect("left")
		roundTrip(t, before, "still there")
		if next.Cmd.Process.Pid != dial(t, addr).PeerIdentity().PID && !onWine {
			t.Error("the old one has accepted")
		}
		old = next
	}
	stop()
	if err := <-turned; err != nil && !onWine {
		t.Error(err)
	}
}

func TestANameThatIsTakenIsNotTakenOverUnasked(t *testing.T) {
	addr := newAddress()
	l := listen(t, addr)
	if other, err := ringway.Listen(addr); !errors.Is(err, ringway.ErrBusy) {
		t.Error(err)
		if err == nil {
			_ = other.Close()
		}
	}
	connect(t, l) // it still works
}

func TestTakingOverFromNobodyIsListening(t *testing.T) {
	l := listen(t, newAddress(), ringway.TakeOver())
	a, b := connect(t, l)
	if err := a.Send(t.Context(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Recv(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTheNameOfAKilledListenerIsFree(t *testing.T) {
	addr := newAddress()
	c := proctest.Run(t, "echo", addr, "first")
	c.Expect("listening")
	c.Kill()
	connect(t, listen(t, addr))
}

func TestAClientRedialsAndKnowsWhatWasNotAcknowledged(t *testing.T) {
	addr := newAddress()
	server := proctest.Run(t, "holder", addr)
	server.Expect("listening")
	c := dial(t, addr, ringway.Transports(ringway.SharedMemory))
	for i := range 10 {
		if err := c.SendTyped(t.Context(), uint16(i), fmt.Appendf(nil, "message %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	server.Expect("released 4")
	if _, err := c.Unacknowledged(); !errors.Is(err, ringway.ErrBusy) {
		t.Error(err)
	}
	server.Kill()
	if _, err := c.Recv(t.Context()); !errors.Is(err, ringway.ErrPeerDead) {
		t.Fatal(err)
	}
	left, err := c.Unacknowledged()
	if err != nil || len(left) != 6 {
		t.Fatalf("%d messages, %v", len(left), err)
	}
	for i, m := range left {
		if m.Type != uint16(4+i) || string(m.Payload) != fmt.Sprintf("message %d", 4+i) {
			t.Errorf("%d: %+v", i, m)
		}
	}
	redialled := make(chan *ringway.Conn, 1)
	go func() {
		next, err := c.Redial(t.Context())
		if err != nil {
			t.Error(err)
		}
		redialled <- next
	}()
	again := proctest.Run(t, "echo", addr, "first")
	again.Expect("listening")
	next := <-redialled
	if next == nil {
		t.FailNow()
	}
	defer next.Close()
	for _, m := range left {
		roundTrip(t, next, string(m.Payload))
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Unacknowledged(); !errors.Is(err, ringway.ErrClosed) {
		t.Error(err)
	}
}

// holder is a child that accepts one connection, and receives five messages, of
// which it keeps the last.
func holder(args []string) {
	l, err := ringway.Listen(args[0])
	if err != nil {
		proctest.Fail(err)
	}
	fmt.Println("listening")
	c, err := l.Accept(context.Background())
	if err != nil {
		proctest.Fail(err)
	}
	for i := range 5 {
		if i == 4 {
			c.ReleaseNow()
		}
		if _, err := c.Recv(context.Background()); err != nil {
			proctest.Fail(err)
		}
	}
	fmt.Println("released 4")
	proctest.Pause()
}

func TestOnlyWhoDialledCanRedial(t *testing.T) {
	_, b := connect(t, listen(t, newAddress()))
	if _, err := b.Redial(t.Context()); !errors.Is(err, ringway.ErrBadArgument) {
		t.Error(err)
	}
}

func TestWhatAStreamHasNotDeliveredIsUnknown(t *testing.T) {
	l := listen(t, newAddress(), ringway.Transports(ringway.Unix, ringway.Pipe))
	a, b := connect(t, l)
	_ = b.Close()
	if _, err := a.Recv(t.Context()); err != io.EOF {
		t.Fatal(err)
	}
	if _, err := a.Unacknowledged(); !errors.Is(err, ringway.ErrUnsupported) {
		t.Error(err)
	}
}
