package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/metrics"
	"github.com/ringway/ringway/shm"
)

// watchOrders tell the watcher what to look at, and when.
type watchOrders struct {
	Raw    string   // the section that tells when the first slice begins
	Rings  []string // what it looks at
	Slices int
	Slice  time.Duration
	Every  time.Duration
	HTTP   bool // a look is a scrape, from request to answer
}

// watched is what the watcher reports of a run.
type watched struct {
	Looks  int64   // in the slices in which it looked
	Median float64 // how long one took, in nanoseconds
}

// The conditions of a slice.
const (
	alone = iota
	awake
	scraped
	conditions
)

// turns are the orders in which the conditions follow upon each other: each comes as
// often after each of the others.
var turns = [...][conditions]int{
	{alone, awake, scraped}, {scraped, awake, alone}, {awake, scraped, alone},
	{alone, scraped, awake}, {scraped, alone, awake}, {awake, alone, scraped},
}

// conditionOf is the condition of a slice of a run.
func conditionOf(slice int) int {
	return turns[slice/conditions%len(turns)][slice%conditions]
}

// watcher is the child that wakes up at a steady pace in some slices, and looks at the
// rings in some of those. It is one thread, which sleeps by itself: what it does to a
// machine whose processors are all taken is no more than it must be.
func watcher(ctx context.Context, p *pipe) error {
	runtime.GOMAXPROCS(1)
	w := &watching{}
	if err := p.take(&w.orders); err != nil {
		return err
	}
	_ = limits.GiveWay() // where there is such a thing
	if !w.orders.HTTP {
		runtime.LockOSThread()
	}
	defer w.close()
	if err := w.open(); err != nil {
		return err
	}
	if err := p.tell(hello{}); err != nil {
		return err
	}
	for {
		if _, err := p.turn(ctx); err != nil {
			return err
		}
		found, err := w.run(ctx)
		if err != nil {
			return err
		}
		if err := p.tell(found); err != nil {
			return err
		}
	}
}

// watching is the watcher's state.
type watching struct {
	orders watchOrders
	words  mem.Region
	clock  limits.Clock
	began  uint64 // the first slice of the run before
	look   func() error
	took   []float64 // looks of this run, or some of them
	done   []func()
}

func (w *watching) open() error {
	section, err := shm.Open(w.orders.Raw, shm.OpenOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	w.done = append(w.done, func() { _ = section.Close() })
	w.words = mem.Of(section.Body())
	var views []*inspect.View
	for _, name := range w.orders.Rings {
		v, err := inspect.Open(name, "")
		if err != nil {
			return err
		}
		views = append(views, v)
		w.done = append(w.done, func() { _ = v.Close() })
	}
	w.clock = limits.Calibrate()
	w.took = make([]float64, 0, 4096)
	if w.orders.HTTP {
		return w.serve(views)
	}
	found := make([]inspect.Section, len(views))
	w.look = func() error {
		for i, v := range views {
			if v.Look(&found[i]); found[i].Status != inspect.Good {
				return errors.New(found[i].Error)
			}
		}
		return nil
	}
	return nil
}

func (w *watching) close() {
	for i := len(w.done) - 1; i >= 0; i-- {
		w.done[i]()
	}
}

// viewed is a view as package metrics has it.
type viewed struct{ *inspect.View }

func (v viewed) Inspect() inspect.Section { return v.Section() }

// serve makes each look a scrape of these views over HTTP.
func (w *watching) serve(views []*inspect.View) error {
	all := metrics.NewRings()
	for _, v := range views {
		all.Add(viewed{v})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: metrics.Handler(all), ReadHeaderTimeout: time.Minute}
	w.done = append(w.done, func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }()
	url := "http://" + l.Addr().String()
	w.look = func() error {
		answer, err := http.Get(url)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		if answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("scraping: %s", answer.Status)
		}
		return errors.Join(err, answer.Body.Close())
	}
	return nil
}

// run does its part in a run.
func (w *watching) run(ctx context.Context) (found watched, err error) {
	began := w.words.Load64(offBegan)
	for ; began == w.began; began = w.words.Load64(offBegan) {
		if err := ctx.Err(); err != nil {
			return found, err
		}
		rest(time.Millisecond)
	}
	w.began, w.took = began, w.took[:0]
	plan := schedule{slices: w.orders.Slices, slice: w.orders.Slice, every: w.orders.Every}
	for ctx.Err() == nil {
		at := time.Duration(float64(int64(w.clock.Shared()-began)) / w.clock.TicksPerNs)
		what, wait := plan.next(at)
		switch what {
		case toEnd:
			if slices.Sort(w.took); len(w.took) > 0 {
				found.Median = medianOf(w.took)
			}
			return found, nil
		case toSleep:
			rest(wait)
		case toLook:
			start := w.clock.Now()
			if err := w.look(); err != nil {
				return found, err
			}
			if found.Looks++; len(w.took) < cap(w.took) {
				w.took = append(w.took, float64(w.clock.Ns(w.clock.Now()-start)))
			}
		}
	}
	return found, ctx.Err()
}

// schedule is when the watcher does what in a run.
type schedule struct {
	slices       int
	slice, every time.Duration
	due          time.Duration // when it is to be awake next, since the first slice began
}

// What there is to do.
const (
	toSleep = iota // for some time
	toWake         // nothing, but to have been awake
	toLook
	toEnd
)

// next says what to do at a moment. Who comes late catches up.
func (p *schedule) next(at time.Duration) (what int, wait time.Duration) {
	slice := int(max(at, 0) / p.slice)
	if slice >= p.slices {
		return toEnd, 0
	}
	condition := conditionOf(slice)
	if condition == alone {
		p.due = time.Duration(slice+1) * p.slice
	}
	if at < p.due {
		return toSleep, p.due - at
	}
	if p.due += p.every; condition == scraped {
		return toLook, 0
	}
	return toWake, 0
}
