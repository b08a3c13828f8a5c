package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/ring"
)

func topCommand() *cobra.Command {
	var (
		t      top
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show the rates of all rings, as they are",
		Long: `top shows for each ring how many messages and bytes go in and out every second,
how much waits in it, how often somebody had to wait, and who is attached: the
busiest first, then bad sections and those in which somebody has died, then those
in which somebody lives. Of rings whose messages are timed it shows how long half
of them took at most, and 99 of 100. Of a broadcast ring that waits for nobody,
DEPTH is how many messages the subscriber furthest behind has not received, if it
says where it is.

On a terminal it draws anew every --interval, with the columns that there is room
for, scrolls with the arrow keys, and ends when q is pressed; elsewhere it prints one table after another, or with
--json one document a line.`,
		Example: `  shmbench top
  shmbench top --interval 200ms
  shmbench top --count 10 | tee rates.txt`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.interval <= 0 || t.count < 0 {
				return errors.New("--interval must be positive, --count can't be negative")
			}
			_ = limits.GiveWay() // where there is such a thing
			out, onScreen := cmd.OutOrStdout().(*os.File)
			if !asJSON && onScreen && term.IsTerminal(int(out.Fd())) {
				return t.screen(cmd.Context(), out)
			}
			return t.print(cmd.Context(), cmd.OutOrStdout(), asJSON)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&t.interval, "interval", time.Second, "look so often")
	flags.IntVar(&t.count, "count", 0, "end after so many looks; 0 is never")
	flags.BoolVar(&asJSON, "json", false, "print a JSON document a line for each look")
	dirFlag(cmd, &t.dir)
	return cmd
}

type top struct {
	dir      string
	interval time.Duration
	count    int
	watch    *inspect.Watch
	last     map[string]look // by region
}

// first looks for the first time, and waits a little, so that the next look has
// rates.
func (t *top) first() error {
	_, err := t.next(time.Now())
	time.Sleep(min(t.interval, 200*time.Millisecond))
	return err
}

// look is what was counted in a ring when it was looked at last.
type look struct {
	at     time.Time
	counts inspect.Counts
	oneWay *inspect.Latency // nil in a ring that isn't sampled
}

// activity is a ring's line.
type activity struct {
	inspect.Section
	Per    perSecond        `json:"per_second"`
	Recent *inspect.Latency `json:"one_way_since,omitempty"` // what was timed since the look before
}

// perSecond are rates since the look before; zero at the first.
type perSecond struct {
	Sent          float64 `json:"sent_messages"`
	SentBytes     float64 `json:"sent_bytes"`
	Received      float64 `json:"received_messages"`
	ReceivedBytes float64 `json:"received_bytes"`
	FullWaits     float64 `json:"full_waits"`
	EmptyWaits    float64 `json:"empty_waits"`
	Wakes         float64 `json:"wakes"`
}

// next looks at all sections and works out what happened since the last time.
func (t *top) next(now time.Time) ([]activity, error) {
	if t.watch == nil {
		t.watch = inspect.NewWatch(t.dir)
	}
	all, err := t.watch.All()
	if err != nil {
		return nil, err
	}
	seen := make(map[string]look, len(all))
	lines := make([]activity, len(all))
	for i, s := range all {
		lines[i].Section = s
		if s.Region == "" {
			continue
		}
		if before, ok := t.last[s.Region]; ok {
			lines[i].Per = rates(before, s.Counts, now)
			if s.OneWay != nil && before.oneWay != nil {
				since := (*ring.Durations)(s.OneWay).Since((*ring.Durations)(before.oneWay))
				lines[i].Recent = (*inspect.Latency)(&since)
			}
		}
		seen[s.Region] = look{now, s.Counts, s.OneWay}
	}
	t.last = seen
	slices.SortStableFunc(lines, func(a, b activity) int {
		switch d := a.Per.Sent + a.Per.Received - b.Per.Sent - b.Per.Received; {
		case d > 0:
			return -1
		case d < 0:
			return 1
		}
		return cmp.Or(a.rank()-b.rank(), strings.Compare(a.Name, b.Name))
	})
	return lines, nil
}

// rank is the place among those of the same rate: first what somebody should look
// at, then what is in use.
func (l *activity) rank() int {
	switch {
	case l.Status != inspect.Good || l.Dead() > 0:
		return 0
	case l.Living() > 0:
		return 1
	}
	return 2
}

func rates(before look, counts inspect.Counts, now time.Time) perSecond {
	seconds := now.Sub(before.at).Seconds()
	per := func(k ring.Counter) float64 {
		// Forged counters may go anywhere.
		if seconds <= 0 || counts[k] < before.counts[k] {
			return 0
		}
		return float64(counts[k]-before.counts[k]) / seconds
	}
	return perSecond{per(ring.SentMessages), per(ring.SentBytes), per(ring.ReceivedMessages), per(ring.ReceivedBytes),
		per(ring.FullWaits), per(ring.EmptyWaits), per(ring.Wakes)}
}

// columns are those of the table. What a narrow screen has no room for goes in the
// order of worth, the smallest first; what has none stays.
var columns = []struct {
	title string
	worth int
}{
	{"NAME", 0}, {"KIND", 0}, {"ALIVE", 8}, {"DEAD", 0}, {"DEPTH", 9}, {"USE", 7}, {"IN/s", 0}, {"IN B/s", 2},
	{"OUT/s", 10}, {"OUT B/s", 1}, {"FULL/s", 5}, {"EMPTY/s", 3}, {"WAKES/s", 4}, {"P50", 6}, {"P99", 11},
}

// cells are a ring's, as many as there are columns.
func (l *activity) cells() []string {
	cells := make([]string, len(columns))
	cells[0], cells[1] = inspect.Printable(l.Name, 32), l.Kind
	switch {
	case l.Status != inspect.Good:
		cells[1] = string(l.Status)
	case l.Object != nil:
		cells[4] = objectCount(l.Object)
	default:
		p, use := l.Per, "-"
		if waits(&l.Section) {
			use = fmt.Sprintf("%.0f%%", 100*float64(l.Ring.Depth)/float64(max(l.Capacity, 1)))
		}
		copy(cells[2:], []string{fmt.Sprint(l.Living()), fmt.Sprint(l.Dead()), depth(&l.Section), use,
			count(p.Sent), size(uint64(p.SentBytes)), count(p.Received), size(uint64(p.ReceivedBytes)),
			count(p.FullWaits), count(p.EmptyWaits), count(p.Wakes), l.recent(0.5), l.recent(0.99)})
	}
	return cells
}

// recent is a quantile of what was timed since the look before, if anything was.
func (l *activity) recent(q float64) string {
	if l.Recent == nil || (*ring.Durations)(l.Recent).Count() == 0 {
		return ""
	}
	return inspect.ShortDuration((*ring.Durations)(l.Recent).Quantile(q))
}

// write writes the table, with those columns that a screen of so many has room
// for; 0 is room for all.
func (t *top) write(w io.Writer, lines []activity, width int) error {
	rows := make([][]string, len(lines))
	for i := range lines {
		rows[i] = lines[i].cells()
	}
	// Latencies only where there are any.
	timed := slices.ContainsFunc(lines, func(l activity) bool { return l.OneWay != nil })
	var shown []int
	wide := -gap
	widths := make([]int, len(columns))
	for i, c := range columns {
		if !timed && c.title[0] == 'P' {
			continue
		}
		widths[i] = len(c.title)
		for _, r := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(r[i]))
		}
		wide += widths[i] + gap
		shown = append(shown, i)
	}
	for worth := 1; width > 0 && wide > width && worth < len(columns); worth++ {
		shown = slices.DeleteFunc(shown, func(i int) bool {
			if columns[i].worth != worth {
				return false
			}
			wide -= widths[i] + gap
			return true
		})
	}
	tw := tabwriter.NewWriter(w, 0, 0, gap, ' ', 0)
	line := func(cell func(i int) string) {
		text := make([]string, len(shown))
		for k, i := range shown {
			text[k] = cell(i)
		}
		fmt.Fprintln(tw, strings.Join(text, "\t"))
	}
	line(func(i int) string { return columns[i].title })
	for _, r := range rows {
		line(func(i int) string { return r[i] })
	}
	return tw.Flush()
}

// gap is how many spaces are between two columns.
const gap = 2

// count is a rate as people read it.
func count(v float64) string {
	switch {
	case v >= 1e9:
		return fmt.Sprintf("%.1f G", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%.1f M", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.1f k", v/1e3)
	}
	return fmt.Sprintf("%.0f", v)
}

// summary says how many sections there are.
func summary(lines []activity) string {
	text, bad := fmt.Sprintf("%d sections", len(lines)), 0
	for i := range lines {
		if lines[i].Status != inspect.Good {
			bad++
		}
	}
	if bad > 0 {
		text += fmt.Sprintf(", %d bad", bad)
	}
	return text
}

// print is top where there is no terminal.
func (t *top) print(ctx context.Context, w io.Writer, asJSON bool) error {
	if err := t.first(); err != nil {
		return err
	}
	tick := time.NewTicker(t.interval)
	defer tick.Stop()
	for looks := 1; ; looks++ {
		now := time.Now()
		lines, err := t.next(now)
		if err != nil {
			return err
		}
		if asJSON {
			err = json.NewEncoder(asciiJSON{w}).Encode(struct {
				At       time.Time  `json:"at"`
				Sections []activity `json:"sections"`
			}{now, lines})
		} else {
			fmt.Fprintf(w, "%s  %s\n", now.Format(time.TimeOnly), summary(lines))
			err = t.write(w, lines, 0)
		}
		if err != nil || looks == t.count {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
