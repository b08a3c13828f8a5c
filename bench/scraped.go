package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/metrics"
)

// Scraped returns a contender that is our own engine at the same work, while
// this process gathers the metrics of the rings so many times a second.
func Scraped(o RunOptions, perSecond float64) Contender {
	o.Rivals = nil
	return Contender{
		Engine: fmt.Sprintf("the same, scraped %g times a second", perSecond), Class: "Go", Between: "processes",
		Start: func(ctx context.Context) (Running, error) {
			c, err := o.standby(ctx)
			if err != nil {
				return nil, err
			}
			return &scrapedCrew{c, time.Duration(float64(time.Second) / perSecond)}, nil
		},
	}
}

// scrapedCrew is scraped during its slices.
type scrapedCrew struct {
	*standby
	every time.Duration
}

func (s *scrapedCrew) Slice() (Figure, error) {
	scraper := newScraper(s.crew.rings, s.every)
	f, err := s.standby.Slice()
	if scrapeErr := scraper.stop(); err == nil {
		err = scrapeErr
	}
	return f, err
}

// scraper gathers metrics at a steady pace until it is stopped.
type scraper struct {
	end  chan struct{}
	done chan error
}

func newScraper(rings []*ringway.Ring, every time.Duration) *scraper {
	s := &scraper{make(chan struct{}), make(chan error, 1)}
	collector := metrics.NewRings()
	for _, r := range rings {
		collector.Add(r)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector)
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-s.end:
				s.done <- nil
				return
			case <-tick.C:
			}
			if _, err := registry.Gather(); err != nil {
				s.done <- err
				return
			}
		}
	}()
	return s
}

// stop ends it, and says what went wrong.
func (s *scraper) stop() error {
	close(s.end)
	return <-s.done
}
