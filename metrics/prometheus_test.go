package metrics_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/metrics"
)

func TestMain(m *testing.M) {
	proctest.Main(m, proctest.Children{"produce": produce})
}

// produce is a child: it sends until it is killed.
func produce(args []string) {
	r, err := ringway.OpenRing(args[0], ringway.Dir(args[1]))
	if err != nil {
		proctest.Fail(err)
	}
	p, err := r.Producer()
	if err != nil {
		proctest.Fail(err)
	}
	fmt.Println("producing")
	go func() { _, _ = io.Copy(io.Discard, bufio.NewReader(os.Stdin)); os.Exit(3) }() // with the parent
	for range time.Tick(time.Millisecond) {
		if err := p.TrySend(make([]byte, 32)); err != nil && err != ringway.ErrFull {
			proctest.Fail(err)
		}
	}
}

// tools returns a Prometheus server and promtool, fetched by the project's
// script if they are missing.
func tools(t *testing.T) (server, promtool string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("a real Prometheus server: the package is Debian's, so this is tested on Linux only")
	}
	cmd := exec.Command(filepath.Join("..", "scripts", "install-prometheus"))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("there is no Prometheus server, and it could not be fetched: %v: %s", err, stderr.String())
	}
	dir := strings.TrimSpace(string(out))
	return filepath.Join(dir, "prometheus"), filepath.Join(dir, "promtool")
}

func monitoring(t *testing.T, file string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "monitoring", file))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPromtoolAcceptsTheAlertsAndTheyFireWhenTheyShould(t *testing.T) {
	_, promtool := tools(t)
	for _, args := range [][]string{
		{"check", "rules", monitoring(t, "alerts.yml")},
		{"test", "rules", monitoring(t, "alerts_test.yml")},
		{"check", "config", monitoring(t, "prometheus.yml")},
	} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", args, err, out)
		}
	}
}

// dashboard is what matters of the dashboard's file.
type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
	Templating struct{ List []struct{ Query string } }
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	b, err := os.ReadFile(monitoring(t, "grafana-dashboard.json"))
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDashboardAndAlertsUseMetricsThatThereAreAndTheDashboardAllThatMatter(t *testing.T) {
	dir := t.TempDir()
	newRing(t, dir, "ticks", ringway.SPSC, ringway.SampleLatency(1000))
	traffic(t, newRing(t, dir, "feed", ringway.Broadcast))
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(metrics.NewMachine(dir, 0))
	conns := metrics.NewConnections()
	conns.Failed(io.EOF)
	conns.Opened(&timedConn{negotiated{transport: fallback.SHM}, new(inspect.Latency), new(inspect.Latency)})
	r.MustRegister(conns)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	have := make(map[string]bool)
	for _, f := range families {
		have[f.GetName()] = false
	}
	alerts, err := os.ReadFile(monitoring(t, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`ringway_[a-z_]+`)
	used := name.FindAllString(string(alerts), -1)
	d := readDashboard(t)
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			used = append(used, name.FindAllString(q.Expr, -1)...)
		}
	}
	for _, v := range d.Templating.List {
		used = append(used, name.FindAllString(v.Query, -1)...)
	}
	for _, n := range used {
		n = strings.TrimSuffix(n, "_bucket")
		if _, ok := have[n]; !ok {
			t.Errorf("%s is used, and isn't there", n)
		}
		have[n] = true
	}
	notShown := map[string]bool{"ringway_ring_created_timestamp_seconds": true, "ringway_ring_ended": true, "ringway_ring_moved_bytes_total": true,
		"ringway_ring_received_bytes_total": true, "ringway_sections_unreported": true, "ringway_scrape_duration_seconds": true}
	for n, ok := range have {
		if !ok && !notShown[n] {
			t.Errorf("%s is neither in the dashboard nor in an alert", n)
		}
	}
}

// prom is a running Prometheus server.
type prom struct {
	t   *testing.T
	url string
}

// query returns the value of each series of an expression, by its labels.
func (p *prom) query(expr string) map[string]float64 {
	p.t.Helper()
	resp, err := http.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Status != "success" {
		p.t.Fatalf("query %s: %s %s %v", expr, answer.Status, answer.Error, err)
	}
	values := make(map[string]float64)
	for _, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			p.t.Fatal(err)
		}
		values[fmt.Sprint(r.Metric)] = v
	}
	return values
}

// until waits for an expression to have one series with a value that will do.
func (p *prom) until(expr string, ok func(v float64) bool) {
	p.t.Helper()
	proctest.Until(p.t, expr, func() bool {
		values := p.query(expr)
		for _, v := range values {
			if len(values) == 1 && ok(v) {
				return true
			}
		}
		time.Sleep(20 * time.Millisecond)
		return false
	})
}

// freeAddress returns where nobody listens, and nobody will by chance: its port
// is none of those that the system hands out to whoever asks for any.
func freeAddress(t *testing.T) string {
	t.Helper()
	first := 32768
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		_, _ = fmt.Sscan(string(text), &first)
	}
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 2000+rand.IntN(max(first-2000, 1000))))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// startPrometheus starts a server that scrapes target thrice a second. The port
// that it is told may be somebody else's by the time it listens.
func startPrometheus(t *testing.T, target string) *prom {
	t.Helper()
	for range 5 {
		p, log := tryPrometheus(t, target)
		if p != nil {
			return p
		}
		if !strings.Contains(log, "address already in use") {
			t.Fatalf("Prometheus ended: %s", log)
		}
	}
	t.Fatal("no port that was free stayed so")
	return nil
}

// tryPrometheus returns nil and what it said if the server ends before it is ready.
func tryPrometheus(t *testing.T, target string) (*prom, string) {
	t.Helper()
	server, _ := tools(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 300ms, scrape_timeout: 300ms, evaluation_interval: 300ms}\nrule_files: [%q]\n"+
		"scrape_configs: [{job_name: ringway, static_configs: [{targets: [%q]}]}]\n", monitoring(t, "alerts.yml"), target)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeAddress(t)
	var log strings.Builder
	cmd := exec.Command(server, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	p := &prom{t, "http://" + addr}
	for {
		resp, err := http.Get(p.url + "/-/ready")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return p, ""
			}
		}
		select {
		case err := <-ended:
			ended <- err
			return nil, fmt.Sprintf("%v\n%s", err, log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestARealPrometheusServerSeesARunningWorkloadAndItsDeath(t *testing.T) {
	tools(t) // or skip before anything is started
	dir := t.TempDir()
	r := newRing(t, dir, "ticks", ringway.SPSC)
	child := proctest.Run(t, "produce", "ticks", dir)
	child.Expect("producing")
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan struct{})
	go func() {
		defer close(received)
		for _, err := range c.Messages(t.Context()) {
			if err != nil {
				return
			}
		}
	}()
	defer func() {
		_ = c.Close()
		<-received
	}()
	conns := metrics.NewConnections()
	server := httptest.NewServer(metrics.Handler(metrics.NewMachine(dir, 0), conns))
	defer server.Close()

	p := startPrometheus(t, strings.TrimPrefix(server.URL, "http://"))
	positive := func(v float64) bool { return v > 0 }
	p.until(`up{job="ringway"}`, positive)
	p.until(`ringway_ring_sent_messages_total{ring="ticks",topology="spsc",transport="shm"}`, positive)
	p.until(`rate(ringway_ring_sent_messages_total{ring="ticks"}[5s])`, positive)
	p.until(`rate(ringway_ring_received_bytes_total{ring="ticks"}[5s])`, positive)
	p.until(`ringway_ring_participants{ring="ticks",role="producer",state="alive"}`, positive)
	p.until(`ringway_ring_capacity_bytes{ring="ticks"}`, func(v float64) bool { return v == 4096 })
	p.until(`ringway_sections{status="good"}`, func(v float64) bool { return v == 1 })
	p.until(`ringway_negotiations_total{transport="tcp"}`, func(v float64) bool { return v == 0 })
	// What the dashboard asks is understood.
	vars := strings.NewReplacer("$instance", ".*", "$ring", ".*", "$__rate_interval", "5s")
	for _, panel := range readDashboard(t).Panels {
		for _, q := range panel.Targets {
			p.query(vars.Replace(q.Expr))
		}
	}

	child.Kill()
	p.until(`ringway_ring_participants{ring="ticks",role="producer",state="dead"}`, func(v float64) bool { return v == 1 })
	p.until(`ringway_ring_participants{ring="ticks",role="producer",state="alive"}`, func(v float64) bool { return v == 0 })
	p.until(`ALERTS{alertname="RingwayParticipantDead",ring="ticks",role="producer"}`, positive)
	// What it had sent was received, and both counted the same, unless it was
	// killed between its last message and the count.
	p.until(`ringway_ring_sent_messages_total{ring="ticks"} - ringway_ring_received_messages_total{ring="ticks"}`, func(v float64) bool { return v == 0 || v == -1 })
}
