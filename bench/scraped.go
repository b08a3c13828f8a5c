package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/metrics"
)

// Scrape measures what it does to a ring to be watched: the same two processes, on
// the same ring, do slices of the same work by turns,
//
//	alone      nobody else does anything
//	awake      a third process wakes up so many times a second, and does nothing
//	scraped    it wakes up as often, and looks at all that is counted in the ring
//
// in an order that turns with each round, between two probes of the machine's speed
// each. What is compared is slices of one round, so that neither the machine's moods
// nor where the ring happens to lie make a difference. "Awake" tells what of it is the
// ring's matter: where there are only two processors, both busy, whoever wakes up
// takes one away for a moment, and that isn't.
//
// With more than two processors each look is a whole gathering by a Prometheus
// registry; with two it is what that reads of the ring, and the rest of it, which
// never touches the ring, is left out.
type Scrape struct {
	Topology  string         `json:"topology"`
	Mode      string         `json:"mode"`
	Size      int            `json:"message_bytes"`
	PerSecond float64        `json:"per_second"`          // as was asked for
	Looks     float64        `json:"looks_per_second"`    // as it was
	Look      float64        `json:"look_ns"`             // the mean time that one took
	Gathers   bool           `json:"gathers"`             // a look is a whole gathering
	Rounds    int            `json:"rounds"`              // that count
	Discarded int            `json:"discarded,omitempty"` // in which the machine changed its speed
	Effects   []ScrapeEffect `json:"effects"`
}

// ScrapeEffect is how a number changes when the ring is watched.
type ScrapeEffect struct {
	Metric  string  `json:"metric"`
	Alone   float64 `json:"alone"` // medians: messages a second, or nanoseconds
	Awake   float64 `json:"awake"`
	Scraped float64 `json:"scraped"`

	All  ScrapeRatio `json:"scraped_to_alone"` // what it does on this machine
	Ring ScrapeRatio `json:"scraped_to_awake"` // what the reading does
}

// ScrapeRatio is the median ratio of two slices of one round, and where it lies with 99 %
// certainty.
type ScrapeRatio struct {
	Ratio  float64 `json:"ratio"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Spread float64 `json:"spread"` // distance of the quartiles, as a share of the median

	Target  float64 `json:"target"` // at least, of a rate; at most, of a time
	Reached string  `json:"reached"`
}

// The conditions of a slice.
const (
	alone = iota
	awake
	scraped
	conditions
)

// MeasureScrape does it, perSecond times a second, until o.Runs rounds count or four
// times as many were tried.
func MeasureScrape(ctx context.Context, o RunOptions, perSecond float64) (*Scrape, error) {
	if o.Topology == Connection || o.Mode == Wakeup || !(perSecond > 0 && perSecond <= 1e6) {
		return nil, fmt.Errorf("scrape %g times a second, topology %s, mode %s: it goes from more than 0 to a million, and is for rings that are busy",
			perSecond, o.Topology, o.Mode)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := startCrew(ctx, o)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer c.close()
	watcher := newScraper(c.rings, time.Duration(float64(time.Second)/perSecond))
	s := &Scrape{Topology: o.Topology, Mode: o.Mode, Size: o.Size, PerSecond: perSecond, Gathers: watcher.gathers}
	var found [conditions][]Figure
	for tried := 0; s.Rounds < o.Runs && tried < 4*o.Runs; tried++ {
		round, same, err := scrapeRound(c, watcher, tried)
		if err != nil {
			return nil, cause(ctx, err)
		}
		if !same && !o.KeepAll || slices.ContainsFunc(round[:], func(f Figure) bool { return o.metric().of(f) <= 0 }) {
			s.Discarded++
		} else {
			s.Rounds++
			for k := range round {
				found[k] = append(found[k], round[k])
			}
		}
		if o.Progress != nil {
			o.Progress(s.Rounds, o.Runs, s.Discarded)
		}
	}
	if s.Rounds == 0 {
		return nil, fmt.Errorf("the machine changed its speed in each of %d rounds: try again when it is quieter", s.Discarded)
	}
	s.Looks, s.Look = watcher.pace()
	for _, m := range scrapeMetrics(o.Mode) {
		s.Effects = append(s.Effects, effect(m, &found))
	}
	return s, nil
}

// scrapeRound measures one slice of each condition, and reports whether the machine
// kept its speed.
func scrapeRound(c *crew, w *scraper, number int) (round [conditions]Figure, same bool, err error) {
	before, err := c.probe()
	if err != nil {
		return round, false, err
	}
	same = true
	for i := range conditions {
		k := (i + number) % conditions
		if number%2 == 1 { // each comes after each of the others as often
			k = conditions - 1 - k
		}
		w.begin(k)
		run, err := c.work()
		if err := errors.Join(err, w.end()); err != nil {
			return round, false, err
		}
		round[k] = run.Figure
		after, err := c.probe()
		if err != nil {
			return round, false, err
		}
		same = same && before.like(after)
		before = after
	}
	return round, same, nil
}

// scrapeMetrics are what may change in a mode.
func scrapeMetrics(mode string) []Metric {
	if workloads[mode].timed {
		return []Metric{P50, P999}
	}
	return []Metric{Rate}
}

// What a scrape may change: a rate by less than 1 %, a time by less than 2 %.
const (
	scrapeRate = 0.99
	scrapeTime = 1.02
)

// effect compares slices of the same rounds.
func effect(m Metric, found *[conditions][]Figure) ScrapeEffect {
	median := func(figures []Figure) float64 {
		all := make([]float64, len(figures))
		for i, f := range figures {
			all[i] = m.of(f)
		}
		slices.Sort(all)
		return medianOf(all)
	}
	change := func(from []Figure) (c ScrapeRatio) {
		ratios := make([]float64, len(from))
		for i, f := range from {
			ratios[i] = m.of(found[scraped][i]) / m.of(f)
		}
		slices.Sort(ratios)
		c.Ratio, c.Spread = medianOf(ratios), spreadOf(ratios)
		c.Low, c.High = intervalOf(ratios)
		c.judge(m, len(ratios))
		return c
	}
	return ScrapeEffect{Metric: string(m), Alone: median(found[alone]), Awake: median(found[awake]), Scraped: median(found[scraped]),
		All: change(found[alone]), Ring: change(found[awake])}
}

// judge says whether the target is reached, as far as that is certain.
func (c *ScrapeRatio) judge(m Metric, rounds int) {
	least, worst := c.Low, c.High
	if c.Target = scrapeTime; m == Rate {
		c.Target = scrapeRate
		least, worst = -c.High, -c.Low
	}
	limit := c.Target
	if m == Rate {
		limit = -limit
	}
	switch {
	case rounds < minRounds:
		c.Reached = Undecided
	case worst <= limit:
		c.Reached = Reached
	case least > limit:
		c.Reached = Missed
	default:
		c.Reached = Undecided
	}
}

// scraper wakes up at a steady pace while a slice lasts.
type scraper struct {
	rings   []*ringway.Ring
	every   time.Duration
	gathers bool
	gather  func() error

	stop chan struct{}
	done chan error

	looks, ns, lasted int64 // of all slices in which it looked
}

func newScraper(rings []*ringway.Ring, every time.Duration) *scraper {
	s := &scraper{rings: rings, every: every, gathers: runtime.NumCPU() > 2}
	collector := metrics.NewRings()
	for _, r := range rings {
		collector.Add(r)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector)
	s.gather = func() error {
		_, err := registry.Gather()
		return err
	}
	return s
}

// look is what is done to the rings.
func (s *scraper) look() error {
	if s.gathers {
		return s.gather()
	}
	for _, r := range s.rings {
		if found := r.Inspect(); found.Error != "" {
			return errors.New(found.Error)
		}
	}
	return nil
}

// begin begins a slice in a condition.
func (s *scraper) begin(condition int) {
	s.stop, s.done = make(chan struct{}), make(chan error, 1)
	if condition == alone {
		s.done <- nil
		return
	}
	go func(stop <-chan struct{}, done chan<- error) { done <- s.keep(stop, condition == scraped) }(s.stop, s.done)
}

// keep keeps pace until stop is closed. Who comes late catches up.
func (s *scraper) keep(stop <-chan struct{}, looks bool) error {
	began := time.Now()
	timer := time.NewTimer(s.every)
	defer timer.Stop()
	for due := s.every; ; due += s.every {
		timer.Reset(due - time.Since(began))
		select {
		case <-stop:
			if looks {
				s.lasted += int64(time.Since(began))
			}
			return nil
		case <-timer.C:
		}
		if !looks {
			continue
		}
		start := time.Now()
		if err := s.look(); err != nil {
			return err
		}
		s.looks++
		s.ns += int64(time.Since(start))
	}
}

// end ends the slice, and says what went wrong.
func (s *scraper) end() error {
	close(s.stop)
	return <-s.done
}

// pace returns how often it looked in a second, and how many nanoseconds a look took.
func (s *scraper) pace() (perSecond, ns float64) {
	return float64(s.looks) * 1e9 / float64(max(s.lasted, 1)), float64(s.ns) / float64(max(s.looks, 1))
}
