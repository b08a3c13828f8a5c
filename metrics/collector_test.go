package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/metrics"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// newRing creates a ring in dir that goes with the test.
func newRing(t testing.TB, dir, name string, kind ringway.Kind, opts ...ringway.Option) *ringway.Ring {
	t.Helper()
	r, err := ringway.CreateRing(name, kind, append(opts, ringway.Dir(dir), ringway.Capacity(4096))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.Close()
		_ = ringway.RemoveRing(name, ringway.Dir(dir))
	})
	return r
}

// traffic sends three messages through a ring, receives two, and keeps both
// ends attached until the test ends.
func traffic(t testing.TB, r *ringway.Ring) {
	t.Helper()
	var p interface {
		TrySend(b []byte) error
		Close() error
	}
	var c interface {
		RecvAppend(ctx context.Context, dst []byte) ([]byte, error)
		Close() error
	}
	var err error
	if r.Kind() == ringway.Broadcast {
		if p, err = r.Publisher(); err == nil {
			c, err = r.Subscribe()
		}
	} else if p, err = r.Producer(); err == nil {
		c, err = r.Consumer()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = p.Close(), c.Close() })
	for range 3 {
		if err := p.TrySend(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := c.RecvAppend(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// value returns the value of a series, which must be there once.
func value(t *testing.T, c prometheus.Collector, name string, labels ...string) float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var found []float64
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	series:
		for _, m := range f.GetMetric() {
			have := make(map[string]bool)
			for _, l := range m.GetLabel() {
				have[l.GetName()+"="+l.GetValue()] = true
			}
			for _, l := range labels {
				if !have[l] {
					continue series
				}
			}
			found = append(found, m.GetGauge().GetValue()+m.GetCounter().GetValue())
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s%q: %d series", name, labels, len(found))
	}
	return found[0]
}

func TestARingsFiguresAreTheSameFromInsideAndOutside(t *testing.T) {
	for _, kind := range []ringway.Kind{ringway.SPSC, ringway.MPMC, ringway.Broadcast} {
		t.Run(kind.String(), func(t *testing.T) {
			dir := t.TempDir()
			var opts []ringway.Option
			if kind == ringway.Broadcast {
				opts = append(opts, ringway.Lossless())
			}
			r := newRing(t, dir, "ticks", kind, opts...)
			traffic(t, r)
			for _, c := range []prometheus.Collector{metrics.NewMachine(dir, 0), metrics.NewRings(r)} {
				of := []string{"ring=ticks", "topology=" + kind.String(), "transport=shm"}
				for name, want := range map[string]float64{
					"ringway_ring_sent_messages_total":     3,
					"ringway_ring_sent_bytes_total":        300,
					"ringway_ring_received_messages_total": 2,
					"ringway_ring_received_bytes_total":    200,
					"ringway_ring_capacity_bytes":          4096,
					"ringway_ring_ended":                   0,
					"ringway_ring_recoveries_total":        0,
				} {
					if got := value(t, c, name, of...); got != want {
						t.Errorf("%s is %v, want %v", name, got, want)
					}
				}
				if got := value(t, c, "ringway_ring_depth_bytes", of...); got < 108 || got > 3*128 { // what was received is announced in batches

					t.Errorf("one message of 100 bytes waits, the depth is %v", got)
				}
				if kind == ringway.Broadcast && value(t, c, "ringway_ring_lag_messages", of...) != 1 {
					t.Error("the subscriber that has one message to receive doesn't lag by one")
				}
				for _, role := range inspect.Roles(kind.String()) {
					role = "role=" + role
					alive := value(t, c, "ringway_ring_participants", append(of, role, "state=alive")...)
					dead := value(t, c, "ringway_ring_participants", append(of, role, "state=dead")...)
					if alive != 1 || dead != 0 {
						t.Errorf("%s: %v alive, %v dead", role, alive, dead)
					}
				}
				if value(t, c, "ringway_sections", "status=good") != 1 || value(t, c, "ringway_scrape_success") != 1 {
					t.Error("the one section is not good")
				}
			}
		})
	}
}

func TestAReadOnlySubscriberIsInTheMetricsOfItsOwnProgramAlone(t *testing.T) {
	dir := t.TempDir()
	r := newRing(t, dir, "feed", ringway.Broadcast)
	ro, err := ringway.OpenRing("feed", ringway.Dir(dir), ringway.ReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	s, err := ro.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := r.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 1000 {
		if err := p.TrySend(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.TryRecv(); !errors.Is(err, ringway.ErrLapped) {
		t.Fatal(err)
	}
	own := metrics.NewRings(ro)
	for name, want := range map[string]uint64{"ringway_ring_lag_messages": 1001 - s.Sequence(), "ringway_ring_missed_messages_total": s.Missed()} {
		if got := value(t, own, name); got != float64(want) || want == 0 {
			t.Errorf("%s is %v, want %d", name, got, want)
		}
	}
	if got := value(t, own, "ringway_ring_participants", "role=subscriber", "state=alive"); got != 1 {
		t.Errorf("%v subscribers", got)
	}
	outside := metrics.NewMachine(dir, 0)
	if n := testutil.CollectAndCount(outside, "ringway_ring_lag_messages"); n != 0 {
		t.Error("its lag is known to others")
	}
	if got := value(t, outside, "ringway_ring_participants", "role=subscriber", "state=alive"); got != 0 {
		t.Errorf("others see %v subscribers", got)
	}
}

func TestNamesUnitsAndHelpAreWhatPrometheusWants(t *testing.T) {
	dir := t.TempDir()
	traffic(t, newRing(t, dir, "ticks", ringway.SPSC))
	problems, err := testutil.CollectAndLint(metrics.NewMachine(dir, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	// And what goes over the wire, with the standard collectors.
	rec := httptest.NewRecorder()
	metrics.Handler(metrics.NewMachine(dir, 0)).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	problems, err = promlint.New(rec.Body).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "ringway") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestTheHandlerSpeaksOpenMetricsAndHasTheStandardCollectors(t *testing.T) {
	dir := t.TempDir()
	newRing(t, dir, "ticks", ringway.SPSC)
	server := httptest.NewServer(metrics.Handler(metrics.NewMachine(dir, 0)))
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if ct := resp.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/openmetrics-text") {
		t.Errorf("content type %q", ct)
	}
	for _, want := range []string{"go_goroutines", "process_start_time_seconds", `ringway_ring_capacity_bytes{ring="ticks",topology="spsc",transport="shm"} 4096`, "# EOF"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
}

func TestABadSectionIsANumberAndSpoilsNothing(t *testing.T) {
	dir := t.TempDir()
	traffic(t, newRing(t, dir, "ticks", ringway.SPSC))
	vandal := newRing(t, dir, "vandal", ringway.MPMC)
	s, err := shm.Open(vandal.Name(), shm.OpenOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	body := s.Body()
	for i := range body {
		body[i] = 0xEE
	}
	for name, content := range map[string]string{"junk": "no section", "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, "ringway."+name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := shm.Create("foreign", shm.Options{Kind: 99, Body: 1, Participants: 1, Dir: dir}); err != nil {
		t.Fatal(err)
	} else {
		defer s.Close()
	}
	c := metrics.NewMachine(dir, 0)
	for status, want := range map[inspect.Status]float64{inspect.Good: 1, inspect.Corrupt: 1, inspect.Unknown: 1, inspect.Fault: 0} {
		if got := value(t, c, "ringway_sections", "status="+string(status)); got != want {
			t.Errorf("%v sections are %s, want %v", got, status, want)
		}
	}
	// On Windows others may read what WriteFile makes.
	junk := value(t, c, "ringway_sections", "status="+string(inspect.NotRingway)) + value(t, c, "ringway_sections", "status="+string(inspect.Insecure))
	if junk != 2 {
		t.Errorf("%v sections are none, want 2", junk)
	}
	if got := value(t, c, "ringway_ring_sent_messages_total"); got != 3 {
		t.Errorf("the good ring sent %v", got)
	}
}

func TestADirectoryThatCantBeListedIsANumber(t *testing.T) {
	c := metrics.NewMachine(filepath.Join(t.TempDir(), "none"), 0)
	if got := value(t, c, "ringway_scrape_success"); got != 0 {
		t.Error(got)
	}
}

func TestAScrapeReportsTheOldestRingsUpToTheLimit(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		newRing(t, dir, fmt.Sprintf("ring-%d", 9-i), ringway.SPSC)
	}
	c := metrics.NewMachine(dir, 3)
	if got := value(t, c, "ringway_sections_unreported"); got != 2 {
		t.Errorf("%v unreported", got)
	}
	for _, name := range []string{"ring-9", "ring-8", "ring-7"} {
		value(t, c, "ringway_ring_capacity_bytes", "ring="+name)
	}
	if n := testutil.CollectAndCount(c, "ringway_ring_capacity_bytes"); n != 3 {
		t.Errorf("%d rings reported", n)
	}
}

func TestForgedRolesAndCountersStayWithinTheirLabels(t *testing.T) {
	dir := t.TempDir()
	r := newRing(t, dir, "ticks", ringway.MPMC)
	s, err := shm.Open("ticks", shm.OpenOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 5 {
		p, err := s.Attach(i, uint32(1000+i*i))
		if err != nil {
			t.Fatal(err)
		}
		defer p.Detach()
	}
	for i := range ring.CountersSize {
		s.Table()[shm.EntryCounters+i] = 0xff
	}
	c := metrics.NewRings(r)
	if got := value(t, c, "ringway_ring_participants", "role=other", "state=alive"); got != 5 {
		t.Errorf("%v participants of no known role", got)
	}
	if n := testutil.CollectAndCount(c, "ringway_ring_participants"); n != 5 {
		t.Errorf("%d series of participants", n)
	}
}

func TestRingsComeAndGo(t *testing.T) {
	dir := t.TempDir()
	a, b := newRing(t, dir, "a", ringway.SPSC), newRing(t, dir, "b", ringway.SPSC)
	again, err := ringway.OpenRing("a", ringway.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	c := metrics.NewRings(a)
	c.Add(b, again)
	if n := testutil.CollectAndCount(c, "ringway_ring_capacity_bytes"); n != 2 {
		t.Errorf("%d rings, one of them twice", n)
	}
	c.Remove(b)
	if n := testutil.CollectAndCount(c, "ringway_ring_capacity_bytes"); n != 1 {
		t.Errorf("%d rings after one was removed", n)
	}
	_ = again.Close()
	_ = a.Close()
	if got := value(t, c, "ringway_sections", "status=vanished"); got != 1 {
		t.Errorf("%v vanished after all were closed", got)
	}
}
