package metrics

import (
	"context"
	"errors"
	"maps"
	"os"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/ring"
)

// Connection is what is counted of a connection. *ringway.Conn is one.
type Connection interface {
	Transport() fallback.Transport
	Trail() []fallback.Step
	Counts() ring.Totals
}

// Connections is a prometheus.Collector of a program's connections: how many are
// open over which transport, and what was negotiated, and why not something
// faster. The program tells it what happens; any goroutine may.
//
//	ringway_connections{transport}                         open now
//	ringway_connection_…_total{transport}                  messages and bytes sent and received by this program
//	ringway_negotiations_total{transport}                  agreed on
//	ringway_downgrades_total{transport}                    of these, not what was preferred
//	ringway_connection_latency_seconds{transport}          histogram: of messages received by this program, from being sent to being handed out
//	ringway_connection_wakeup_seconds{transport}           histogram: from being woken to being awake
//	ringway_negotiation_failures_total{transport,reason}   not to be had; transport none: no connection came of it
//
// The histograms are there if there was a connection whose messages are timed: see
// ringway.SampleLatency.
type Connections struct {
	open                       *prometheus.GaugeVec
	agreed, downgraded, failed *prometheus.CounterVec

	mu    sync.Mutex
	conns map[Connection]bool                // that are open
	gone  map[fallback.Transport]ring.Totals // of those that were closed
	times map[fallback.Transport]timings     // likewise
}

// timed is a Connection that may have had messages timed.
type timed interface {
	Latencies() (oneWay, wakeUp *inspect.Latency)
}

// timings are what connections over one transport have timed.
type timings struct{ oneWay, wakeUp *ring.Durations }

// addTimings adds those of a connection to all, if it has any.
func addTimings(all map[fallback.Transport]timings, conn Connection) {
	c, ok := conn.(timed)
	if !ok {
		return
	}
	oneWay, wakeUp := c.Latencies()
	if oneWay == nil {
		return
	}
	if before, ok := all[conn.Transport()]; ok {
		(*ring.Durations)(oneWay).Add(before.oneWay)
		(*ring.Durations)(wakeUp).Add(before.wakeUp)
	}
	all[conn.Transport()] = timings{(*ring.Durations)(oneWay), (*ring.Durations)(wakeUp)}
}

// none stands for the transport of a connection that never was.
const none = "none"

// NewConnections returns a collector that has counted nothing.
func NewConnections() *Connections {
	c := &Connections{
		conns: make(map[Connection]bool), gone: make(map[fallback.Transport]ring.Totals), times: make(map[fallback.Transport]timings),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ringway_connections", Help: "Open connections by transport.",
		}, []string{"transport"}),
		agreed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringway_negotiations_total", Help: "Connections agreed on, by transport.",
		}, []string{"transport"}),
		downgraded: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringway_downgrades_total", Help: "Connections over this transport because a preferred one was not to be had.",
		}, []string{"transport"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ringway_negotiation_failures_total", Help: "Transports that were not to be had, by reason; none is no connection at all.",
		}, []string{"transport", "reason"}),
	}
	// From the beginning, so that the first downgrade is an increase.
	for _, t := range fallback.Transports() {
		c.open.WithLabelValues(t.String())
		c.agreed.WithLabelValues(t.String())
		c.downgraded.WithLabelValues(t.String())
	}
	return c
}

// Opened counts a connection that was dialed or accepted, and what its
// negotiation went through.
func (c *Connections) Opened(conn Connection) {
	t := conn.Transport().String()
	c.mu.Lock()
	c.conns[conn] = true
	c.mu.Unlock()
	c.open.WithLabelValues(t).Inc()
	c.agreed.WithLabelValues(t).Inc()
	down := false
	for _, s := range conn.Trail() {
		if s.Err != nil {
			down = true
			c.failed.WithLabelValues(s.Transport.String(), reason(s.Err)).Inc()
		}
	}
	if down {
		c.downgraded.WithLabelValues(t).Inc()
	}
}

// Closed takes a connection that was opened out of the number of open ones. Call
// it before the connection is closed, or afterwards.
func (c *Connections) Closed(conn Connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.conns[conn] {
		return
	}
	delete(c.conns, conn)
	total := c.gone[conn.Transport()]
	for k, n := range conn.Counts() {
		total[k] += n
	}
	c.gone[conn.Transport()] = total
	addTimings(c.times, conn)
	c.open.WithLabelValues(conn.Transport().String()).Dec()
}

// Failed counts a Dial that failed, or, from the option Refused, a connection
// that a listener refused.
func (c *Connections) Failed(err error) { c.failed.WithLabelValues(none, reason(err)).Inc() }

// Describe implements prometheus.Collector.
func (c *Connections) Describe(ch chan<- *prometheus.Desc) {
	c.open.Describe(ch)
	c.agreed.Describe(ch)
	for _, d := range connectionCounters {
		ch <- d
	}
	ch <- connectionOneWay.desc
	ch <- connectionWakeUp.desc
	c.downgraded.Describe(ch)
	c.failed.Describe(ch)
}

// Collect implements prometheus.Collector.
func (c *Connections) Collect(ch chan<- prometheus.Metric) {
	c.open.Collect(ch)
	c.agreed.Collect(ch)
	c.downgraded.Collect(ch)
	c.failed.Collect(ch)
	c.mu.Lock()
	totals, times := maps.Clone(c.gone), maps.Clone(c.times)
	for conn := range c.conns {
		total := totals[conn.Transport()]
		for k, n := range conn.Counts() {
			total[k] += n
		}
		totals[conn.Transport()] = total
		addTimings(times, conn)
	}
	c.mu.Unlock()
	for _, t := range fallback.Transports() {
		total := totals[t]
		for k, d := range connectionCounters {
			ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(total[k]), t.String())
		}
		if d, ok := times[t]; ok {
			l := &labels{names: transportLabels, values: []string{t.String()}}
			ch <- sample{connectionOneWay, &series{labels: l, durations: d.oneWay}}
			ch <- sample{connectionWakeUp, &series{labels: l, durations: d.wakeUp}}
		}
	}
}

// connectionCounters are those that there are whatever the transport.
var connectionCounters = map[ring.Counter]*prometheus.Desc{
	ring.SentMessages:     describeConnection(ring.SentMessages, "Messages sent over connections."),
	ring.SentBytes:        describeConnection(ring.SentBytes, "Bytes of payload sent over connections."),
	ring.ReceivedMessages: describeConnection(ring.ReceivedMessages, "Messages received over connections."),
	ring.ReceivedBytes:    describeConnection(ring.ReceivedBytes, "Bytes of payload received over connections."),
}

var (
	transportLabels  = []string{"transport"}
	connectionOneWay = histogram("connection_latency_seconds", "Time from being sent to being handed out, of the messages received over connections that were timed.", transportLabels...)
	connectionWakeUp = histogram("connection_wakeup_seconds", "Time from being woken to being awake, over connections whose messages are timed.", transportLabels...)
)

func describeConnection(k ring.Counter, help string) *prometheus.Desc {
	return prometheus.NewDesc("ringway_connection_"+k.String()+"_total", help, []string{"transport"}, nil)
}

// reason is one of few words for an error.
func reason(err error) string {
	for _, c := range []struct {
		is   error
		word string
	}{
		{errs.Unsupported, "unsupported"}, {errs.Insecure, "insecure"}, {errs.Transport, "refused"}, {errs.NoSpace, "no-space"},
		{errs.PeerDead, "peer-dead"}, {errs.Version, "version"}, {errs.Corrupt, "corrupt"}, {errs.Busy, "busy"},
		{errs.Closed, "closed"}, {os.ErrDeadlineExceeded, "timeout"}, {context.DeadlineExceeded, "timeout"},
		{os.ErrNotExist, "not-there"}, {os.ErrPermission, "permission"},
	} {
		if errors.Is(err, c.is) {
			return c.word
		}
	}
	return "other"
}
