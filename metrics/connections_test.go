package metrics_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/metrics"
	"github.com/ringway/ringway/ring"
)

var (
	_ metrics.Connection = (*ringway.Conn)(nil)
	_ interface {
		Latencies() (oneWay, wakeUp *inspect.Latency)
	} = (*ringway.Conn)(nil)
)

// negotiated is a connection of which only the negotiation matters.
type negotiated struct {
	transport fallback.Transport
	trail     []fallback.Step
	sent      uint64
}

func (n *negotiated) Transport() fallback.Transport { return n.transport }
func (n *negotiated) Trail() []fallback.Step        { return n.trail }
func (n *negotiated) Counts() (t ring.Totals)       { t[ring.SentMessages] = n.sent; return t }

func TestADowngradeIsCountedWithItsReason(t *testing.T) {
	c := metrics.NewConnections()
	slow := &negotiated{transport: fallback.TCP, trail: []fallback.Step{
		{Transport: fallback.SHM, Err: &ringway.Error{Op: "offer", Err: ringway.ErrNoSpace}},
		{Transport: fallback.Unix, Err: fmt.Errorf("a text of somebody else's: %w", ringway.ErrUnsupported)},
		{Transport: fallback.TCP},
	}}
	c.Opened(slow)
	c.Opened(&negotiated{transport: fallback.SHM})
	c.Closed(slow)
	c.Failed(os.ErrNotExist)
	c.Failed(fmt.Errorf("dial: %w", context.DeadlineExceeded))
	c.Failed(errors.New("\x1b[2J anything\nelse"))
	want := `
# HELP ringway_negotiation_failures_total Transports that were not to be had, by reason; none is no connection at all.
# TYPE ringway_negotiation_failures_total counter
ringway_negotiation_failures_total{reason="no-space",transport="shm"} 1
ringway_negotiation_failures_total{reason="not-there",transport="none"} 1
ringway_negotiation_failures_total{reason="other",transport="none"} 1
ringway_negotiation_failures_total{reason="timeout",transport="none"} 1
ringway_negotiation_failures_total{reason="unsupported",transport="unix"} 1
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want), "ringway_negotiation_failures_total"); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]float64{"ringway_connections": 0, "ringway_negotiations_total": 1} {
		if got := value(t, c, "ringway_downgrades_total", "transport=tcp"); got != 1 {
			t.Errorf("%v downgrades", got)
		}
		if got := value(t, c, "ringway_downgrades_total", "transport=shm"); got != 0 {
			t.Errorf("%v downgrades to shared memory", got)
		}
		if got := value(t, c, name, "transport=tcp"); got != want {
			t.Errorf("%s over TCP is %v, want %v", name, got, want)
		}
		if got := value(t, c, name, "transport=shm"); got != 1 {
			t.Errorf("%s over shared memory is %v", name, got)
		}
		if got := value(t, c, name, "transport=udp"); got != 0 {
			t.Errorf("%s over UDP is %v", name, got)
		}
	}
	problems, err := testutil.CollectAndLint(c)
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestWhatClosedConnectionsCountedStaysCounted(t *testing.T) {
	c := metrics.NewConnections()
	a, b := &negotiated{transport: fallback.Unix, sent: 3}, &negotiated{transport: fallback.Unix, sent: 4}
	c.Opened(a)
	c.Opened(b)
	sent := func() float64 { return value(t, c, "ringway_connection_sent_messages_total", "transport=unix") }
	if got := sent(); got != 7 {
		t.Errorf("%v sent over two connections, want 7", got)
	}
	c.Closed(a)
	c.Closed(a)
	b.sent++
	if got := sent(); got != 8 {
		t.Errorf("%v after one was closed, want 8", got)
	}
	if got := value(t, c, "ringway_connections", "transport=unix"); got != 1 {
		t.Errorf("%v open", got)
	}
}

// timedConn is a connection of which only what was timed matters.
type timedConn struct {
	negotiated
	oneWay, wakeUp *inspect.Latency
}

func (c *timedConn) Latencies() (oneWay, wakeUp *inspect.Latency) {
	if c.oneWay == nil {
		return nil, nil
	}
	oneWay, wakeUp = new(inspect.Latency), new(inspect.Latency) // the caller's own
	*oneWay, *wakeUp = *c.oneWay, *c.wakeUp
	return oneWay, wakeUp
}

func TestWhatConnectionsHaveTimedIsAHistogramThatNeverFalls(t *testing.T) {
	c := metrics.NewConnections()
	c.Opened(&timedConn{negotiated: negotiated{transport: fallback.Unix}})
	if h := histogram(t, c, "ringway_connection_latency_seconds"); h != nil {
		t.Errorf("nothing is timed: %v", h)
	}
	var conns []*timedConn
	for range 3 {
		conn := &timedConn{negotiated{transport: fallback.SHM}, new(inspect.Latency), new(inspect.Latency)}
		conn.oneWay.Sum, conn.oneWay.Buckets[10], conn.wakeUp.Buckets[20] = 1e9, 2, 1
		c.Opened(conn)
		conns = append(conns, conn)
	}
	want := func(when string) {
		t.Helper()
		for range 2 { // a scrape changes nothing
			h, w := histogram(t, c, "ringway_connection_latency_seconds"), histogram(t, c, "ringway_connection_wakeup_seconds")
			if h.GetSampleCount() != 6 || h.GetSampleSum() != 3 || w.GetSampleCount() != 3 {
				t.Errorf("%s: %v %v", when, h, w)
			}
		}
	}
	want("all open")
	c.Closed(conns[0])
	want("one closed")
	c.Closed(conns[1])
	c.Closed(conns[2])
	want("all closed")
	problems, err := testutil.CollectAndLint(c)
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestAConnectionCountsBothWaysWhateverItGoesOver(t *testing.T) {
	for _, transport := range []ringway.Transport{ringway.SharedMemory, ringway.Unix, ringway.TCP} {
		t.Run(transport.String(), func(t *testing.T) {
			addr := "metrics-" + transport.String() + "-" + rand.Text()
			if transport == ringway.TCP {
				addr = "tcp://127.0.0.1:0"
			}
			if why := transport.Missing(); why != "" {
				t.Skip(why)
			}
			l, err := ringway.Listen(addr, ringway.Transports(transport))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			dialed := make(chan error, 1)
			go func() {
				c, err := ringway.Dial(t.Context(), l.Addr(), ringway.Transports(transport))
				if err == nil {
					for m, e := range c.Messages(t.Context()) { // echo
						if err = e; err == nil {
							err = c.Send(t.Context(), m.Payload)
						}
					}
					_ = c.Close()
				}
				dialed <- err
			}()
			c, err := l.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if err := c.Send(t.Context(), make([]byte, 10)); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Recv(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			want := func(when string) {
				t.Helper()
				n := c.Counts()
				if n[ring.SentMessages] != 3 || n[ring.SentBytes] != 30 || n[ring.ReceivedMessages] != 3 || n[ring.ReceivedBytes] != 30 {
					t.Errorf("%s: %v", when, n)
				}
			}
			want("open")
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			want("closed")
			if err := <-dialed; err != nil && !errors.Is(err, ringway.ErrPeerDead) {
				t.Error(err)
			}
		})
	}
}
