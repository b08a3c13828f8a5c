package bench_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway/bench"
)

func TestWhatAScrapeDoesIsMeasuredOnTheSameRing(t *testing.T) {
	for _, c := range []struct {
		topology, mode string
		http           bool
		metrics        string
	}{
		{"spsc", bench.Throughput, false, "msgs_per_sec"},
		{"spsc", bench.Latency, false, "p50 p999"},
		{"spsc", bench.Latency, true, "p50 p999"},
		{"mpmc", bench.Throughput, false, "msgs_per_sec"},
		{"broadcast", bench.Throughput, false, "msgs_per_sec"},
	} {
		o := bench.RunOptions{Topology: c.topology, Mode: c.mode, Size: 8, Batch: 1, Capacity: 64 << 10,
			Duration: 10 * time.Millisecond, Runs: 2, KeepAll: true}
		s, err := bench.MeasureScrape(t.Context(), o, 1000, c.http)
		if err != nil {
			t.Fatal(c, err)
		}
		var names []string
		for _, e := range s.Effects {
			names = append(names, e.Metric)
			if e.Alone <= 0 || e.Awake <= 0 || e.Scraped <= 0 || e.All.Ratio <= 0 || e.Ring.Ratio <= 0 || e.All.Low > e.All.High {
				t.Errorf("%s %s: %+v", c.topology, c.mode, e)
			}
		}
		if strings.Join(names, " ") != c.metrics || s.Rounds < 1 || s.HTTP != c.http {
			t.Errorf("%+v", s)
		}
		var b strings.Builder
		if err := bench.WriteScrape(&b, s); err != nil || !strings.Contains(b.String(), "scraped to alone") {
			t.Error(b.String(), err)
		}
	}
}

func TestOnlyRingsThatAreBusyAreScraped(t *testing.T) {
	ok := bench.RunOptions{Topology: "spsc", Mode: bench.Throughput, Size: 8, Batch: 1, Capacity: 64 << 10, Duration: time.Millisecond, Runs: 1}
	wakeup, paced, conn := ok, ok, ok
	wakeup.Mode, paced.Mode, conn.Topology = bench.Wakeup, bench.Paced, bench.Connection
	for _, c := range []struct {
		o         bench.RunOptions
		perSecond float64
	}{{wakeup, 1000}, {paced, 1000}, {conn, 1000}, {ok, 0}, {ok, -1}, {ok, 1e9}} {
		if s, err := bench.MeasureScrape(t.Context(), c.o, c.perSecond, false); err == nil {
			t.Errorf("%+v", s)
		}
	}
}
