package ringway_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/internal/proctest"
)

// answerer is a child that listens, over one transport, and sends back what it
// receives: answer ADDRESS TRANSPORT [takeover]. When another one has taken over
// it closes its connections.
func answerer(args []string) {
	t, err := fallback.ParseTransport(args[1])
	if err != nil {
		proctest.Fail(err)
	}
	opts := []ringway.Option{ringway.Transports(t)}
	if len(args) > 2 {
		opts = append(opts, ringway.TakeOver())
	}
	l, err := ringway.Listen(args[0], opts...)
	if err != nil {
		proctest.Fail(err)
	}
	fmt.Println("listening")
	go func() {
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		for {
			c, err := l.Accept(ctx)
			if errors.Is(err, ringway.ErrClosed) {
				break
			}
			if err != nil {
				proctest.Fail(err)
			}
			running.Go(func() {
				for m, err := range c.Messages(ctx) {
					if err != nil || c.SendTyped(ctx, m.Type, m.Payload) != nil {
						break
					}
				}
				_ = c.Close()
			})
		}
		stop()
		running.Wait()
		fmt.Println("left")
	}()
	proctest.Pause()
}

// keeper is a child that receives five messages, of which it keeps the last:
// keep ADDRESS TRANSPORT.
func keeper(args []string) {
	t, err := fallback.ParseTransport(args[1])
	if err != nil {
		proctest.Fail(err)
	}
	l, err := ringway.Listen(args[0], ringway.Transports(t))
	if err != nil {
		proctest.Fail(err)
	}
	fmt.Println("listening")
	c, err := l.Accept(context.Background())
	if err != nil {
		proctest.Fail(err)
	}
	for range 5 {
		if _, err := c.Recv(context.Background()); err != nil {
			proctest.Fail(err)
		}
	}
	fmt.Println("received")
	proctest.Pause()
}

// eachLastingRoad runs f for each transport that knows of deaths, with an address
// at which one listener after the other can listen.
func eachLastingRoad(t *testing.T, f func(t *testing.T, addr, transport string, c func(t *testing.T, opts ...ringway.Option) *ringway.Conn)) {
	for _, tr := range []ringway.Transport{ringway.SharedMemory, ringway.Unix, ringway.Pipe, ringway.TCP} {
		t.Run(tr.String(), func(t *testing.T) {
			if why := tr.Missing(); why != "" {
				t.Skip(why)
			}
			addr := newAddress()
			if tr == ringway.TCP {
				addr = freePort(t)
			}
			f(t, addr, tr.String(), func(t *testing.T, opts ...ringway.Option) *ringway.Conn {
				return dial(t, addr, append(opts, ringway.Transports(tr))...)
			})
		})
	}
}

// freePort returns an address with a port that the system gives to nobody by
// itself.
func freePort(t *testing.T) string {
	t.Helper()
	for n := range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+(os.Getpid()*31+int(names.Add(1))*7+n)%12000)
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return "tcp://" + addr
		}
	}
	t.Fatal("no port")
	return ""
}

// exchange sends a message and receives its echo, as often as it takes, and
// returns what it was told meanwhile.
func exchange(t *testing.T, c *ringway.Conn, what string) (told []*ringway.Reconnected) {
	t.Helper()
	for {
		err := c.Send(t.Context(), []byte(what))
		if err == nil {
			var m ringway.Message
			if m, err = c.Recv(t.Context()); err == nil {
				if string(m.Payload) != what {
					t.Fatalf("received %q, want %q", m.Payload, what)
				}
				return told
			}
		}
		var r *ringway.Reconnected
		if !errors.As(err, &r) || !errors.Is(err, ringway.ErrReconnected) {
			t.Fatal(err)
		}
		told = append(told, r)
	}
}

func TestAClientIsToldOnceOfEachDeathAndGoesOn(t *testing.T) {
	eachLastingRoad(t, func(t *testing.T, addr, transport string, dial func(*testing.T, ...ringway.Option) *ringway.Conn) {
		if transport == "tcp" && onWine {
			t.Skip("Wine may hang in CreateProcess while another thread dials the port of a process that was killed")
		}
		server := proctest.Run(t, "answer", addr, transport)
		server.Expect("listening")
		c := dial(t, ringway.Reconnect(0))
		for i := range 3 {
			if told := exchange(t, c, fmt.Sprint("before ", i)); len(told) != 0 {
				t.Fatalf("told without a reason: %v", told[0])
			}
			server.Kill()
			server = proctest.Run(t, "answer", addr, transport)
			server.Expect("listening")
			told := exchange(t, c, fmt.Sprint("after ", i))
			if len(told) != 1 {
				t.Fatalf("told %d times", len(told))
			}
			if r := told[0]; !errors.Is(r.Cause, ringway.ErrPeerDead) || errors.Is(r, ringway.ErrPeerDead) ||
				r.Peer != c.PeerIdentity() || r.Incomplete != nil || r.Forgotten != 0 {
				t.Errorf("%+v", r)
			}
		}
		if c.Transport().String() != transport {
			t.Error(c.Transport())
		}
	})
}

func TestAClientIsToldWhatADeadListenerHadNotReleased(t *testing.T) {
	eachLastingRoad(t, func(t *testing.T, addr, transport string, dial func(*testing.T, ...ringway.Option) *ringway.Conn) {
		server := proctest.Run(t, "keep", addr, transport)
		server.Expect("listening")
		c := dial(t, ringway.Reconnect(0))
		for i := range 10 {
			if err := c.SendTyped(t.Context(), uint16(i), fmt.Appendf(nil, "message %d", i)); err != nil {
				t.Fatal(err)
			}
		}
		server.Expect("received")
		server.Kill()
		server = proctest.Run(t, "answer", addr, transport)
		server.Expect("listening")
		_, err := c.Recv(t.Context())
		var told *ringway.Reconnected
		if !errors.As(err, &told) {
			t.Fatal(err)
		}
		// Of those that it had released some may not have been announced.
		left := told.Unacknowledged
		if len(left) < 6 || len(left) > 10 {
			t.Fatalf("%d messages", len(left))
		}
		for i, m := range left {
			n := 10 - len(left) + i
			if m.Type != uint16(n) || string(m.Payload) != fmt.Sprintf("message %d", n) {
				t.Errorf("%d: %+v", i, m)
			}
			if told := exchange(t, c, string(m.Payload)); len(told) != 0 {
				t.Errorf("told again: %v", told[0])
			}
		}
	})
}

func TestAListenerThatIsReplacedHandsItsClientsOver(t *testing.T) {
	for _, tr := range []ringway.Transport{ringway.SharedMemory, ringway.Unix, ringway.Pipe} {
		t.Run(tr.String(), func(t *testing.T) {
			if why := tr.Missing(); why != "" {
				t.Skip(why)
			}
			addr := newAddress()
			old := proctest.Run(t, "answer", addr, tr.String())
			old.Expect("listening")
			c := dial(t, addr, ringway.Transports(tr), ringway.Reconnect(0))
			for i := range 3 {
				exchange(t, c, fmt.Sprint("before ", i))
				next := proctest.Run(t, "answer", addr, tr.String(), "takeover")
				next.Expect("listening")
				old.Expect("left")
				told := exchange(t, c, fmt.Sprint("after ", i))
				if len(told) != 1 {
					t.Fatalf("told %d times", len(told))
				}
				if c.PeerIdentity().PID != next.Cmd.Process.Pid && !onWine {
					t.Errorf("the other side is %v, not %d", c.PeerIdentity(), next.Cmd.Process.Pid)
				}
				old = next
			}
		})
	}
}

// traffic has one goroutine send numbers, and again what was not acknowledged.
type traffic struct {
	*testing.T
	c      *ringway.Conn
	again  chan ringway.Message
	told   atomic.Int32
	enough atomic.Bool   // no new numbers
	sent   atomic.Uint64 // numbers
}

// tell takes note of what a call was told, and reports whether it was.
func (f *traffic) tell(err error) bool {
	var r *ringway.Reconnected
	if !errors.As(err, &r) {
		return false
	}
	if r.Forgotten != 0 || r.Incomplete != nil {
		f.Errorf("%+v", r)
	}
	for _, m := range r.Unacknowledged {
		f.again <- m
	}
	f.told.Add(1)
	return true
}

// send sends until ctx ends.
func (f *traffic) send(ctx context.Context) {
	for {
		var b []byte
		select {
		case m := <-f.again:
			b = m.Payload
		case <-ctx.Done():
			return
		default:
			if f.enough.Load() {
				runtime.Gosched()
				continue
			}
			b = binary.LittleEndian.AppendUint64(nil, f.sent.Add(1)-1)
		}
		for err := f.c.Send(ctx, b); err != nil; err = f.c.Send(ctx, b) {
			if ctx.Err() != nil {
				return
			}
			if !f.tell(err) {
				f.Error(err)
				return
			}
		}
	}
}

// TestNothingIsMissingAfterListenersWereKilledAmidTheTraffic has one goroutine send
// and another one receive, while the listener is killed and started again. Each
// death is told to one of them, and once what was not acknowledged is sent again
// everything has come back.
func TestNothingIsMissingAfterListenersWereKilledAmidTheTraffic(t *testing.T) {
	const kills, each = 3, 300
	eachLastingRoad(t, func(t *testing.T, addr, transport string, dial func(*testing.T, ...ringway.Option) *ringway.Conn) {
		if transport == "tcp" && onWine {
			t.Skip("Wine's server keeps the socket of a process that was killed while it wrote")
		}
		server := proctest.Run(t, "answer", addr, transport)
		server.Expect("listening")
		f := &traffic{T: t, c: dial(t, ringway.Reconnect(0)), again: make(chan ringway.Message, 1<<20)}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		defer running.Wait()
		defer stop()
		running.Go(func() { f.send(ctx) })
		back := make(map[uint64]bool)
		killed, next := int32(0), each
		for !f.enough.Load() || uint64(len(back)) < f.sent.Load() {
			m, err := f.c.Recv(ctx)
			if err != nil {
				if !f.tell(err) {
					t.Fatal(err)
				}
				continue
			}
			if back[binary.LittleEndian.Uint64(m.Payload)] = true; f.told.Load() < killed || len(back) < next {
				continue
			}
			next = len(back) + each
			if killed == kills {
				f.enough.Store(true)
				continue
			}
			killed++
			server.Kill()
			server = proctest.Run(t, "answer", addr, transport)
			server.Expect("listening")
		}
		if told := f.told.Load(); told != kills {
			t.Errorf("told %d times of %d deaths", told, kills)
		}
	})
}
