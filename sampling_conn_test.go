package ringway_test

import (
	"crypto/rand"
	"io"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/ring"
)

// paired returns both sides of a connection in this process.
func paired(t *testing.T, dial []ringway.Option, listen ...ringway.Option) (dialed, accepted *ringway.Conn, l *ringway.Listener) {
	t.Helper()
	ctx := within(t)
	l, err := ringway.Listen("timed-"+rand.Text(), listen...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	done := make(chan error, 1)
	go func() {
		var err error
		dialed, err = ringway.Dial(ctx, l.Addr(), dial...)
		done <- err
	}()
	if accepted, err = l.Accept(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = dialed.Close(), accepted.Close() })
	return dialed, accepted, l
}

// timedExchange sends so many messages one way, and receives them.
func timedExchange(t *testing.T, from, to *ringway.Conn, n int) {
	t.Helper()
	ctx := within(t)
	for range n {
		if err := from.Send(ctx, make([]byte, 40)); err != nil {
			t.Fatal(err)
		}
		if m, err := to.Recv(ctx); err != nil || len(m.Payload) != 40 {
			t.Fatal(m, err)
		}
	}
}

func timedBy(c *ringway.Conn) uint64 {
	oneWay, _ := c.Latencies()
	return (*ring.Durations)(oneWay).Count()
}

func TestMessagesOfAConnectionAreTimedIfTheListenerSaysSo(t *testing.T) {
	if why := ringway.SharedMemory.Missing(); why != "" {
		t.Skip(why)
	}
	began := time.Now()
	dialed, accepted, _ := paired(t, nil, ringway.SampleLatency(1))
	timedExchange(t, dialed, accepted, 10)
	timedExchange(t, accepted, dialed, 20)
	if a, d := timedBy(accepted), timedBy(dialed); a != 10 || d != 20 {
		t.Errorf("%d and %d timed, want 10 and 20", a, d)
	}
	most := time.Since(began)
	oneWay, _ := accepted.Latencies()
	if oneWay.Sum == 0 || oneWay.Sum > 10*uint64(most) {
		t.Errorf("%d ns all together, where nothing took longer than %v", oneWay.Sum, most)
	}
	_, _ = dialed.Close(), accepted.Close()
	if a, d := timedBy(accepted), timedBy(dialed); a != 10 || d != 20 {
		t.Errorf("closed: %d and %d timed, want 10 and 20", a, d)
	}
}

func TestMessagesOfAConnectionAreNotTimedOtherwise(t *testing.T) {
	sample := ringway.SampleLatency(1)
	for name, opts := range map[string]struct{ dial, listen []ringway.Option }{
		"who dials doesn't decide": {dial: []ringway.Option{sample}},
		"over sockets there are no rings": {
			dial:   []ringway.Option{ringway.Transports(ringway.Unix, ringway.Pipe)},
			listen: []ringway.Option{ringway.Transports(ringway.Unix, ringway.Pipe), sample},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dialed, accepted, _ := paired(t, opts.dial, opts.listen...)
			timedExchange(t, dialed, accepted, 10)
			for _, c := range []*ringway.Conn{dialed, accepted} {
				if oneWay, wakeUp := c.Latencies(); oneWay != nil || wakeUp != nil {
					t.Errorf("%v", oneWay)
				}
			}
		})
	}
	if oneWay, _ := new(ringway.Conn).Latencies(); oneWay != nil {
		t.Error("a connection that nobody made has latencies")
	}
}

func TestAConnectionThatReconnectsCountsOnWhereItStopped(t *testing.T) {
	if why := ringway.SharedMemory.Missing(); why != "" {
		t.Skip(why)
	}
	ctx := within(t)
	dialed, accepted, l := paired(t, []ringway.Option{ringway.Reconnect(time.Minute)}, ringway.SampleLatency(1))
	timedExchange(t, accepted, dialed, 5)
	_ = accepted.Close()
	again := make(chan *ringway.Conn, 1)
	go func() {
		c, err := l.Accept(ctx)
		if err == nil {
			err = c.Send(ctx, make([]byte, 40))
		}
		if err != nil {
			t.Error(err)
		}
		again <- c
	}()
	for got := 0; got < 1; {
		if _, err := dialed.Recv(ctx); err == nil {
			got++
		} else if err == io.EOF || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	if c := <-again; c != nil {
		defer c.Close()
	}
	if n := timedBy(dialed); n != 6 {
		t.Errorf("%d timed, want 5 and 1", n)
	}
}

func TestABadSampleLatencyOfAListenerIsRefused(t *testing.T) {
	if l, err := ringway.Listen("timed-"+rand.Text(), ringway.SampleLatency(-1)); err == nil {
		_ = l.Close()
		t.Error("one of -1 messages")
	}
}
