package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Scrape measures what it does to a ring to be watched: the same two processes do the
// same work on the same ring, without a pause, and in slices of some 15 ms by turns
//
//	alone      nobody else does anything
//	awake      a third process wakes up so many times a second, and does nothing
//	scraped    it wakes up as often, and looks at all that is counted in the ring
//
// in orders in which each comes as often after each of the others. What is compared is
// slices of one round, which lie as close together as can be, so that neither the
// machine's moods nor where the ring happens to lie make a difference; and there are
// thousands of rounds, since a slice's p99.9 is a matter of some fifty messages.
// "Awake" tells what of it is the ring's matter: where there are only two processors,
// both busy, whoever wakes up takes one away for a moment, and that isn't.
//
// A look is what is done to a ring by whoever watches it from outside. What is made of
// that for Prometheus, in whatever process, never touches the ring: a whole scrape, over
// HTTP, can be had in its place, to see what that takes of the processors.
type Scrape struct {
	Topology  string         `json:"topology"`
	Mode      string         `json:"mode"`
	Size      int            `json:"message_bytes"`
	PerSecond float64        `json:"per_second"`       // as was asked for
	HTTP      bool           `json:"http,omitempty"`   // a look is a scrape over HTTP
	Looks     float64        `json:"looks_per_second"` // as it was
	Look      float64        `json:"look_ns"`          // the median time that one took
	Slice     time.Duration  `json:"slice_ns"`
	Rounds    int            `json:"rounds"` // that count
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

// slicesPerRun are those that follow upon each other without a pause: each order of
// the conditions twice.
const slicesPerRun = 2 * conditions * len(turns)

// MeasureScrape does it, perSecond times a second, until o.Runs rounds count, or four
// times as many were tried, and some more. A slice is of o.Duration.
func MeasureScrape(ctx context.Context, o RunOptions, perSecond float64, overHTTP bool) (*Scrape, error) {
	if o.Topology == Connection || o.Mode != Latency && o.Mode != Throughput || !(perSecond > 0 && perSecond <= 1e6) {
		return nil, fmt.Errorf("scrape %g times a second, topology %s, mode %s: it goes from more than 0 to a million, for a ring's %s or %s",
			perSecond, o.Topology, o.Mode, Latency, Throughput)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	o.slices = slicesPerRun
	o.watch = &watchOrders{Slices: o.slices, Slice: o.Duration, Every: time.Duration(float64(time.Second) / perSecond), HTTP: overHTTP}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := startCrew(ctx, o)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer c.close()
	s := &Scrape{Topology: o.Topology, Mode: o.Mode, Size: o.Size, PerSecond: perSecond, HTTP: overHTTP, Slice: o.Duration}
	var looks []float64 // of each run: the median time of one
	total := int64(0)
	var found [conditions][]Figure
	runs := 0
	for ; s.Rounds < o.Runs && runs < 10+4*o.Runs*conditions/slicesPerRun; runs++ {
		if err := c.watch.send(turnRun); err != nil {
			return nil, cause(ctx, err)
		}
		run, err := c.work()
		var seen watched
		if err := errors.Join(err, c.watch.hear(&seen)); err != nil {
			return nil, cause(ctx, err)
		}
		if total += seen.Looks; seen.Looks > 0 {
			looks = append(looks, seen.Median)
		}
		s.Rounds += assort(run.Slices, o.metric(), &found)
		if o.Progress != nil {
			o.Progress(min(s.Rounds, o.Runs), o.Runs, 0)
		}
	}
	if s.Rounds == 0 {
		return nil, fmt.Errorf("nothing was received in any of %d slices of %v: they are too short for this machine", runs*slicesPerRun, o.Duration)
	}
	s.Looks = float64(total) / (float64(runs*slicesPerRun/conditions) * o.Duration.Seconds())
	if slices.Sort(looks); len(looks) > 0 {
		s.Look = medianOf(looks)
	}
	for _, m := range scrapeMetrics(o.Mode) {
		s.Effects = append(s.Effects, effect(m, &found))
	}
	return s, nil
}

// assort puts the slices of a run to those of their condition, and returns of how many
// rounds there are all.
func assort(run []Figure, m Metric, found *[conditions][]Figure) (rounds int) {
	for first := 0; first < len(run); first += conditions {
		round := run[first:][:conditions]
		if slices.ContainsFunc(round, func(f Figure) bool { return m.of(f) <= 0 }) {
			continue
		}
		for i, f := range round {
			k := conditionOf(first + i)
			found[k] = append(found[k], f)
		}
		rounds++
	}
	return rounds
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
