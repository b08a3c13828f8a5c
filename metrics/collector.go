package metrics

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/ring"
)

// DefaultLimit is how many rings a scrape reports at most unless told
// otherwise.
const DefaultLimit = 2000

// Source is something that can be looked at, such as a *ringway.Ring.
type Source interface {
	Inspect() inspect.Section
}

// Collector is a prometheus.Collector over rings. Any goroutine may use it.
type Collector struct {
	limit int
	all   func() ([]inspect.Section, error)

	mu  sync.Mutex
	own []Source // guarded by mu
}

// NewMachine returns a collector of all sections in dir; empty means the
// system's place for shared memory. Each scrape lists them anew, and maps those
// that are new; see inspect.Watch for how long they stay mapped. A limit of 0 is
// DefaultLimit.
func NewMachine(dir string, limit int) *Collector {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Collector{limit: limit, all: inspect.NewWatch(dir).All}
}

// NewRings returns a collector of a program's own rings, which need no listing.
// Of several with the same name the first counts.
func NewRings(rings ...Source) *Collector {
	c := &Collector{limit: DefaultLimit, own: slices.Clone(rings)}
	c.all = c.allOwn
	return c
}

// Add adds rings to a collector that NewRings made.
func (c *Collector) Add(rings ...Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = append(c.own, rings...)
}

// Remove takes a ring out again, before it is closed for example.
func (c *Collector) Remove(r Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = slices.DeleteFunc(c.own, func(s Source) bool { return s == r })
}

func (c *Collector) allOwn() (all []inspect.Section, err error) {
	c.mu.Lock()
	own := slices.Clone(c.own)
	c.mu.Unlock()
	names := make(map[string]bool, len(own))
	for _, r := range own {
		if s := r.Inspect(); !names[s.Name] {
			names[s.Name] = true
			all = append(all, s)
		}
	}
	return all, nil
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		ch <- d
	}
}

// Collect implements prometheus.Collector: it looks at all rings. What is wrong
// with one of them is a number, and no error of the scrape.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	began := time.Now()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	all, err := c.all()
	status := make(map[inspect.Status]int)
	rings := make([]*inspect.Section, 0, len(all))
	for i := range all {
		status[all[i].Status]++
		if all[i].IsRing() {
			rings = append(rings, &all[i])
		}
	}
	left := max(len(rings)-c.limit, 0)
	if left > 0 {
		slices.SortFunc(rings, func(a, b *inspect.Section) int {
			return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.Name, b.Name))
		})
	}
	for _, s := range rings[:len(rings)-left] {
		collect(ch, s)
	}
	for _, st := range inspect.Statuses {
		gauge(sections, float64(status[st]), string(st))
	}
	gauge(unreported, float64(left))
	gauge(scrapeSuccess, flag(err == nil))
	gauge(scrapeDuration, time.Since(began).Seconds())
}

// collect sends what there is of one ring.
func collect(ch chan<- prometheus.Metric, s *inspect.Section) {
	labels := []*dto.LabelPair{pair("ring", s.Name), pair("topology", s.Kind), pair("transport", "shm")}
	gauge := func(d *prometheus.Desc, v float64) { ch <- &sample{d, labels, v, false} }
	counter := func(d *prometheus.Desc, v uint64) { ch <- &sample{d, labels, float64(v), true} }
	gauge(capacity, float64(s.Capacity))
	gauge(depth, float64(s.Ring.Depth))
	gauge(ended, flag(s.Ring.Ended))
	gauge(created, float64(s.Created.UnixNano())/1e9)
	counter(moved, s.Ring.Moved)
	counter(dropped, s.Ring.Dropped)
	for k, n := range s.Counts {
		counter(counters[k], n)
	}
	if s.SampleEvery != 0 {
		ch <- &latency{oneWay, labels, (*ring.Durations)(s.OneWay)}
		ch <- &latency{wakeUp, labels, (*ring.Durations)(s.WakeUp)}
	}
	type group struct{ role, state string }
	who := make(map[group]int)
	for _, role := range inspect.Roles(s.Kind) {
		who[group{role, "alive"}], who[group{role, "dead"}] = 0, 0
	}
	for _, p := range s.Participants {
		who[group{p.Role, p.State}]++
	}
	for g, n := range who {
		// Sorted by name, as Prometheus wants them.
		ch <- &sample{participants, []*dto.LabelPair{labels[0], pair("role", g.role), pair("state", g.state), labels[1], labels[2]}, float64(n), false}
	}
}

// sample is a value of a ring. Those of one ring share their labels, which a
// prometheus.NewConstMetric does not.
type sample struct {
	desc    *prometheus.Desc
	labels  []*dto.LabelPair
	value   float64
	counter bool
}

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write implements prometheus.Metric.
func (s *sample) Write(m *dto.Metric) error {
	m.Label = s.labels
	if s.counter {
		m.Counter = &dto.Counter{Value: &s.value}
	} else {
		m.Gauge = &dto.Gauge{Value: &s.value}
	}
	return nil
}

func pair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// The metrics.
var (
	ringLabels   = []string{"ring", "topology", "transport"}
	descriptions []*prometheus.Desc

	sections       = describe("sections", "Sections of shared memory by status.", "status")
	unreported     = describe("sections_unreported", "Good sections left out because there are more than the limit.")
	scrapeSuccess  = describe("scrape_success", "Whether the sections could be listed.")
	scrapeDuration = describe("scrape_duration_seconds", "How long looking at all sections took.")

	capacity     = describe("ring_capacity_bytes", "Bytes of frames that the ring holds.", ringLabels...)
	depth        = describe("ring_depth_bytes", "Bytes of frames that wait to be received.", ringLabels...)
	moved        = describe("ring_moved_bytes_total", "Bytes of frames, headers and padding included, that ever went in.", ringLabels...)
	ended        = describe("ring_ended", "Whether the end of the ring was declared.", ringLabels...)
	created      = describe("ring_created_timestamp_seconds", "When the ring was created, by its creator's clock.", ringLabels...)
	dropped      = describe("ring_dropped_messages_total", "Messages given up because each of their consumers died.", ringLabels...)
	participants = describe("ring_participants", "Participants by role and state.", append(slices.Clone(ringLabels), "role", "state")...)

	counters = describeCounters()

	oneWay = describe("ring_latency_seconds", "Time from being sent to being handed out, of the messages that were timed.", ringLabels...)
	wakeUp = describe("ring_wakeup_seconds", "Time from being woken to being awake, of receivers in rings in which messages are timed.", ringLabels...)
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc("ringway_"+name, help, labels, nil)
	descriptions = append(descriptions, d)
	return d
}

func describeCounters() (d [ring.NumCounters]*prometheus.Desc) {
	help := [ring.NumCounters]string{
		ring.SentMessages:     "Messages that producers committed.",
		ring.SentBytes:        "Bytes of payload that producers committed.",
		ring.FullWaits:        "Calls that had to wait for room.",
		ring.ReceivedMessages: "Messages that consumers were given.",
		ring.ReceivedBytes:    "Bytes of payload that consumers were given.",
		ring.EmptyWaits:       "Calls that had to wait for a message.",
		ring.Sleeps:           "Times that a waiting call went to sleep.",
		ring.Wakes:            "Times that a sleeper was woken by system call.",
		ring.Recoveries:       "Dead participants whose work others took over or gave back.",
		ring.Redelivered:      "Frames that were taken, not released, and given back to be received again.",
		ring.Abandoned:        "Claims of dead producers that were turned into padding.",
		ring.MissedMessages:   "Messages overwritten before a subscriber had read them.",
		ring.ChecksumFailures: "Payloads found to differ from their checksum.",
		ring.Corruptions:      "Calls that found something in the ring that can't be true.",
		ring.Evictions:        "Living subscribers that the publisher of a lossless broadcast ring went on without.",
	}
	for k := range ring.NumCounters {
		d[k] = describe("ring_"+k.String()+"_total", help[k], ringLabels...)
	}
	return d
}
