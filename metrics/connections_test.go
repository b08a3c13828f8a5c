package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/metrics"
)

var _ metrics.Connection = (*ringway.Conn)(nil)

// negotiated is a connection of which only the negotiation matters.
type negotiated struct {
	transport fallback.Transport
	trail     []fallback.Step
}

func (n negotiated) Transport() fallback.Transport { return n.transport }
func (n negotiated) Trail() []fallback.Step        { return n.trail }

func TestADowngradeIsCountedWithItsReason(t *testing.T) {
	c := metrics.NewConnections()
	slow := negotiated{fallback.TCP, []fallback.Step{
		{Transport: fallback.SHM, Err: &ringway.Error{Op: "offer", Err: ringway.ErrNoSpace}},
		{Transport: fallback.Unix, Err: fmt.Errorf("a text of somebody else's: %w", ringway.ErrUnsupported)},
		{Transport: fallback.TCP},
	}}
	c.Opened(slow)
	c.Opened(negotiated{transport: fallback.SHM})
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
