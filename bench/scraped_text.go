package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// WriteScrape prints what a scrape does, for people.
func WriteScrape(w io.Writer, s *Scrape) error {
	what := "looked at"
	if s.HTTP {
		what = "scraped over HTTP"
	}
	fmt.Fprintf(w, "%s, %s, %d bytes: %s %.0f times a second (asked for %g), %.1f µs each; %d rounds of slices of %v\n\n",
		s.Topology, s.Mode, s.Size, what, s.Looks, s.PerSecond, s.Look/1e3, s.Rounds, s.Slice)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\talone\tawake\tscraped\tscraped to alone\tspread\taim\treached\tscraped to awake\tspread\treached")
	for _, e := range s.Effects {
		value := func(v float64) string {
			if Metric(e.Metric) == Rate {
				return fmt.Sprintf("%.4g Mmsg/s", v/1e6)
			}
			return time.Duration(v).String()
		}
		aim := fmt.Sprintf("at most %.2f", e.All.Target)
		if Metric(e.Metric) == Rate {
			aim = fmt.Sprintf("at least %.2f", e.All.Target)
		}
		change := func(c ScrapeRatio) string {
			return fmt.Sprintf("%.3f (%.3f to %.3f)\t%.1f %%", c.Ratio, c.Low, c.High, 100*c.Spread)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Metric, value(e.Alone), value(e.Awake), value(e.Scraped),
			change(e.All), aim, e.All.Reached, change(e.Ring), e.Ring.Reached)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprint(w, `
Alone: nobody else is there. Awake: a third process wakes up as often and does
nothing; with two processors, both busy, that takes one away for a moment. Figures
and ratios are medians, of slices and of pairs of them that lie side by side; in
brackets is where they lie with 99 % certainty.
`)
	return err
}
