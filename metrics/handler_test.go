package metrics_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/metrics"
	"github.com/ringway/ringway/ring"
)

// found is a Source of what a test says was found.
type found inspect.Section

func (f *found) Inspect() inspect.Section { return inspect.Section(*f) }

// oddities are rings with everything that may stand in a line.
func oddities() (all []metrics.Source) {
	numbers := []uint64{0, 1, 2, 10, 999_999, 1_000_000, 1_000_001, 123_456_789, 1 << 53, 1<<53 + 1, 1 << 63, 1<<64 - 1}
	for i, name := range []string{"plain", `quoted "name" \ back`, "two\nlines\x1b[2J", "not \xff utf-8", "ünï", "a{b=\"c\"} 7", ""} {
		s := found{Name: name, Status: inspect.Good, Kind: "mpmc", Capacity: 4096, Created: time.Unix(int64(i), 5)}
		for k := range s.Counts {
			s.Counts[k] = numbers[(k+i)%len(numbers)]
		}
		s.Ring.Depth, s.Ring.Ended = uint64(i), i%2 == 1
		s.Participants = []inspect.Participant{{Role: "other", State: "dead"}, {Role: "consumer", State: "alive"}, {Role: "consumer", State: "alive"}}
		if i < 2 {
			s.SampleEvery, s.OneWay, s.WakeUp = 1, new(inspect.Latency), new(inspect.Latency)
			s.OneWay.Sum, s.OneWay.Buckets[3], s.OneWay.Buckets[ring.HistogramBuckets-1] = 1e7, 1e6, 7
		}
		all = append(all, &s)
	}
	return all
}

// ask returns what a handler answers, without what depends on the moment.
func ask(t *testing.T, h http.Handler, target, accept string) (lines []string) {
	t.Helper()
	req := httptest.NewRequest("GET", target, nil)
	req.Header.Set("Accept", accept)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK {
		t.Fatal(rec.Code, rec.Body)
	}
	for line := range strings.Lines(rec.Body.String()) {
		if !strings.HasPrefix(line, "ringway_scrape_duration_seconds ") && (strings.Contains(line, "ringway_") || !strings.Contains(line, "_")) {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestWhatIsWrittenTheFastWayIsWhatPrometheusOwnWritersWrite(t *testing.T) {
	conns := metrics.NewConnections()
	conns.Failed(io.EOF)
	h := metrics.Handler(metrics.NewRings(oddities()...), conns)
	for name, accept := range map[string]string{
		"text": "", "OpenMetrics": "application/openmetrics-text;version=1.0.0", "old OpenMetrics": "application/openmetrics-text;version=0.0.1",
		"UTF-8": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, h, "/metrics", accept)
			want := ask(t, h, "/metrics?debug", accept) // which goes through promhttp
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("line %d is\n%swant\n%s", i, got[i], want[i])
				}
			}
			if len(got) != len(want) || len(got) < 7*20 {
				t.Errorf("%d lines, want %d", len(got), len(want))
			}
		})
	}
}

func TestHostileNamesStayWithinTheirLabels(t *testing.T) {
	h := metrics.Handler(metrics.NewRings(oddities()...))
	text := strings.Join(ask(t, h, "/metrics", ""), "")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, m := range families["ringway_ring_depth_bytes"].GetMetric() {
		if l := m.GetLabel(); len(l) != 3 {
			t.Errorf("labels %v", l)
		} else {
			names[l[0].GetValue()] = true
		}
	}
	for _, want := range []string{"plain", `quoted "name" \ back`, "two\nlines\x1b[2J", "not \uFFFD utf-8", "ünï", "a{b=\"c\"} 7", ""} {
		if !names[want] {
			t.Errorf("%q is not among %v", want, names)
		}
	}
	if len(names) != 7 {
		t.Errorf("%v", names)
	}
}

// broken is a collector of which one metric is good.
type broken struct{}

var goodDesc, badDesc = prometheus.NewDesc("a_good_one", "h", nil, nil), prometheus.NewDesc("b_bad_one", "h", nil, nil)

func (broken) Describe(ch chan<- *prometheus.Desc) { ch <- goodDesc; ch <- badDesc }
func (broken) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(goodDesc, prometheus.GaugeValue, 1)
	ch <- prometheus.NewInvalidMetric(badDesc, errors.New("broken"))
}

func TestACollectorThatFailsHidesNothing(t *testing.T) {
	rec := httptest.NewRecorder()
	metrics.Handler(metrics.NewRings(oddities()[:1]...), broken{}).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{"a_good_one 1\n", `ringway_ring_capacity_bytes{ring="plain",topology="mpmc",transport="shm"} 4096` + "\n", "go_goroutines "} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%d: no %q in\n%s", rec.Code, want, rec.Body)
		}
	}
}

func TestAnAnswerIsCompressedForThoseWhoTakeIt(t *testing.T) {
	server := httptest.NewServer(metrics.Handler(metrics.NewRings(oddities()...)))
	defer server.Close()
	for _, encoding := range []string{"gzip", "identity"} {
		req := asPrometheus(t, server.URL)
		req.Header.Set("Accept-Encoding", encoding)
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		got, compressed := answer.Header.Get("Content-Encoding"), !strings.Contains(string(body), "ringway_ring_depth_bytes")
		if want := encoding == "gzip"; compressed != want || (got == "gzip") != want {
			t.Errorf("asked for %s: encoded as %q, compressed %t", encoding, got, compressed)
		}
		if vary := answer.Header.Values("Vary"); !strings.Contains(strings.Join(vary, ","), "Accept-Encoding") {
			t.Errorf("Vary: %q", vary)
		}
	}
}

// slow is a ring that takes its time.
type slow struct{ entered, leave chan struct{} }

func (s *slow) Inspect() inspect.Section {
	s.entered <- struct{}{}
	<-s.leave
	return inspect.Section{Name: "slow", Status: inspect.Good, Kind: "spsc"}
}

func TestAFloodOfScrapesIsRefused(t *testing.T) {
	s := &slow{make(chan struct{}), make(chan struct{})}
	h := metrics.Handler(metrics.NewRings(s))
	codes := make(chan int)
	scrape := func() {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
		codes <- rec.Code
	}
	const most = 8
	for range most {
		go scrape()
		<-s.entered
	}
	go scrape()
	if code := <-codes; code != http.StatusServiceUnavailable {
		t.Errorf("%d while %d others are under way", code, most)
	}
	close(s.leave)
	for range most {
		if code := <-codes; code != http.StatusOK {
			t.Error(code)
		}
	}
}
