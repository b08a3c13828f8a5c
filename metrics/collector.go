package metrics

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
		s := r.Inspect()
		s.Name = strings.ToValidUTF8(s.Name, "\uFFFD") // whoever the source is
		if !names[s.Name] {
			names[s.Name] = true
			all = append(all, s)
		}
	}
	return all, nil
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range table {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector: it looks at all rings. What is wrong
// with one of them is a number, and no error of the scrape.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	for _, f := range c.look() {
		for i := range f.series {
			ch <- sample{f.metric, &f.series[i]}
		}
	}
}

// look looks at all rings. The families are in the order of the table.
func (c *Collector) look() families {
	began := time.Now()
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
		rings = rings[:c.limit]
	}
	slices.SortFunc(rings, func(a, b *inspect.Section) int { return strings.Compare(a.Name, b.Name) })
	f := newFamilies(len(rings))
	for _, s := range rings {
		f.addRing(s)
	}
	for _, st := range slices.Sorted(slices.Values(inspect.Statuses)) {
		f.add(sections, &labels{names: statusLabels, values: []string{string(st)}}, float64(status[st]))
	}
	none := &labels{}
	f.add(unreported, none, float64(left))
	f.add(scrapeSuccess, none, flag(err == nil))
	f.add(scrapeDuration, none, time.Since(began).Seconds())
	return f
}

// addRing adds what there is of one ring.
func (f families) addRing(s *inspect.Section) {
	l := &labels{names: ringLabels, values: []string{s.Name, s.Kind, "shm"}}
	f.add(capacity, l, float64(s.Capacity))
	f.add(depth, l, float64(s.Ring.Depth))
	f.add(ended, l, flag(s.Ring.Ended))
	f.add(created, l, float64(s.Created.UnixNano())/1e9)
	f.add(moved, l, float64(s.Ring.Moved))
	f.add(dropped, l, float64(s.Ring.Dropped))
	for k, n := range s.Counts {
		f.add(counters[k], l, float64(n))
	}
	if behind, ok := s.Lag(); ok {
		f.add(lag, l, float64(behind))
	}
	if s.SampleEvery != 0 {
		f.addDurations(oneWay, l, (*ring.Durations)(s.OneWay))
		f.addDurations(wakeUp, l, (*ring.Durations)(s.WakeUp))
	}
	type group struct{ role, state string }
	who := make(map[group]int, 4)
	for _, p := range s.Participants {
		who[group{p.Role, p.State}]++
	}
	has := inspect.Roles(s.Kind)
	for _, role := range roles {
		for _, state := range states {
			g := group{role, state}
			if n := who[g]; n > 0 || slices.Contains(has, role) {
				f.add(participants, &labels{names: participantLabels, values: []string{s.Name, role, state, s.Kind, "shm"}}, float64(n))
			}
		}
	}
}

// Roles and states of participants, in the order of their names.
var (
	roles  = []string{"consumer", "other", "producer", "publisher", "subscriber"}
	states = []string{"alive", "dead"}
)

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// The labels, in the order of their names.
var (
	statusLabels      = []string{"status"}
	ringLabels        = []string{"ring", "topology", "transport"}
	participantLabels = []string{"ring", "role", "state", "topology", "transport"}
)

// The metrics.
var (
	sections       = gauge("sections", "Sections of shared memory by status.", statusLabels...)
	unreported     = gauge("sections_unreported", "Good sections left out because there are more than the limit.")
	scrapeSuccess  = gauge("scrape_success", "Whether the sections could be listed.")
	scrapeDuration = gauge("scrape_duration_seconds", "How long looking at all sections took.")

	capacity     = gauge("ring_capacity_bytes", "Bytes of frames that the ring holds.", ringLabels...)
	depth        = gauge("ring_depth_bytes", "Bytes of frames that wait to be received.", ringLabels...)
	lag          = gauge("ring_lag_messages", "Messages that the subscriber furthest behind has not received, of those that say where they are.", ringLabels...)
	moved        = counter("ring_moved_bytes_total", "Bytes of frames, headers and padding included, that ever went in.")
	ended        = gauge("ring_ended", "Whether the end of the ring was declared.", ringLabels...)
	created      = gauge("ring_created_timestamp_seconds", "When the ring was created, by its creator's clock.", ringLabels...)
	dropped      = counter("ring_dropped_messages_total", "Messages given up because each of their consumers died.")
	participants = gauge("ring_participants", "Participants by role and state.", participantLabels...)

	counters = [ring.NumCounters]*metric{
		ring.SentMessages:     counted(ring.SentMessages, "Messages that producers committed."),
		ring.SentBytes:        counted(ring.SentBytes, "Bytes of payload that producers committed."),
		ring.FullWaits:        counted(ring.FullWaits, "Calls that had to wait for room."),
		ring.ReceivedMessages: counted(ring.ReceivedMessages, "Messages that consumers were given."),
		ring.ReceivedBytes:    counted(ring.ReceivedBytes, "Bytes of payload that consumers were given."),
		ring.EmptyWaits:       counted(ring.EmptyWaits, "Calls that had to wait for a message."),
		ring.Sleeps:           counted(ring.Sleeps, "Times that a waiting call went to sleep."),
		ring.Wakes:            counted(ring.Wakes, "Times that a sleeper was woken by system call."),
		ring.Recoveries:       counted(ring.Recoveries, "Dead participants whose work others took over or gave back."),
		ring.Redelivered:      counted(ring.Redelivered, "Frames that were taken, not released, and given back to be received again."),
		ring.Abandoned:        counted(ring.Abandoned, "Claims of dead producers that were turned into padding."),
		ring.MissedMessages:   counted(ring.MissedMessages, "Messages overwritten before a subscriber had read them."),
		ring.ChecksumFailures: counted(ring.ChecksumFailures, "Payloads found to differ from their checksum."),
		ring.Corruptions:      counted(ring.Corruptions, "Calls that found something in the ring that can't be true."),
		ring.Evictions:        counted(ring.Evictions, "Living subscribers that the publisher of a lossless broadcast ring went on without."),
	}

	oneWay = histogram("ring_latency_seconds", "Time from being sent to being handed out, of the messages that were timed.", ringLabels...)
	wakeUp = histogram("ring_wakeup_seconds", "Time from being woken to being awake, of receivers in rings in which messages are timed.", ringLabels...)
)

// table are all metrics, in the order of their names.
var table = sorted(append(counters[:], sections, unreported, scrapeSuccess, scrapeDuration, capacity, depth, lag, moved, ended, created,
	dropped, participants, oneWay, wakeUp))
