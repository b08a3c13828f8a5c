package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteTable prints results as a table for people, a row each, under titles of
// the same order.
func WriteTable(w io.Writer, m Machine, titles []string, results []Result) error {
	writeMachine(w, m)
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tfigure\tphysical limit, same run\tratio\truns (thrown away)")
	for i, r := range results {
		figure, limit, ratio := r.figures()
		runs := "-"
		if r.Runs > 0 {
			runs = fmt.Sprintf("%d (%d)", r.Runs, r.Discarded)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", titles[i], figure, limit, ratio, runs)
	}
	return t.Flush()
}

// figures are a result's cells: what was reached, what physics allows, and how
// close that is.
func (r *Result) figures() (figure, limit, ratio string) {
	limit, ratio = "-", "-"
	switch {
	case r.RTT != nil:
		figure = fmt.Sprintf("p50 %d ns · p99 %d ns · p99.9 %d ns", r.RTT.P50, r.RTT.P99, r.RTT.P999)
		if r.Limit != nil {
			limit = fmt.Sprintf("%s %.0f ns", r.Limit.Name, r.Limit.Value)
			ratio = r.Limit.times()
		}
	case r.OneWay != nil:
		figure = fmt.Sprintf("p50 %d ns · p99 %d ns · p99.9 %d ns", r.OneWay.P50, r.OneWay.P99, r.OneWay.P999)
	default:
		figure = fmt.Sprintf("%s msg/s · %sB/s", si(r.MsgsPerSec), si(r.BytesPerSec))
		if r.Mode == "replay" && r.Sent == r.Received {
			figure += " · hashes equal"
		}
		if r.Limit != nil {
			limit = fmt.Sprintf("%s %sB/s", r.Limit.Name, si(r.Limit.Value))
			ratio = r.Limit.times()
		}
	}
	return figure, limit, ratio
}

// times is a limit's ratio, marked where it shows that the limit was none.
func (l *Limit) times() string {
	if l.Exceeded {
		return fmt.Sprintf("%.2f × (!)", l.Ratio)
	}
	return fmt.Sprintf("%.2f ×", l.Ratio)
}

// why explains the mark.
func (l *Limit) why() string {
	if strings.HasPrefix(l.Name, "memcpy") {
		return "better than the limit, which is one thread's copying: two cores can copy more"
	}
	if !strings.HasPrefix(l.Name, "raw") {
		return "better than the limit: somebody was still awake"
	}
	return "better than the limit, which fights for two lines: a ring moves on through memory"
}

// WriteResult prints one result in full, for people.
func WriteResult(w io.Writer, r Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, a ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, a...)) }
	if r.File != "" {
		row("file", "%s (%s)", printable(r.File), r.Format)
	}
	row("topology", "%s over %s, %s, %d producer, %d consumer", r.Topology, r.Transport, r.Wait, r.Producers, r.Consumers)
	row("ring", "%sB", si2(float64(r.Capacity)))
	if r.Rate > 0 {
		row("pace", "%.0f messages/s are due, %d at a time", r.Rate, max(r.Burst, 1))
	}
	if c := r.Cast; c != nil && r.RTT == nil && c.Each == nil {
		row("subscribers", "%s received, %s missed", si(float64(c.Received)), si(float64(c.Missed)))
	}
	if r.Lease {
		row("lease", "written and read in place")
	}
	row("messages", "%d of %d bytes, %d a call", r.Messages, r.MessageBytes, r.Batch)
	row("bytes", "%d", r.Bytes)
	row("seconds", "%.6f", r.Seconds)
	percentiles := func(name string, t *RTT) {
		row(name, "min %d · p50 %d · p90 %d · p99 %d · p99.9 %d · p99.99 %d · max %d ns",
			t.Min, t.P50, t.P90, t.P99, t.P999, t.P9999, t.Max)
	}
	switch {
	case r.RTT != nil:
		percentiles("round trip", r.RTT)
	case r.OneWay != nil:
		row("messages/s", "%.0f", r.MsgsPerSec)
		percentiles("from due to there", r.OneWay)
	default:
		row("messages/s", "%.0f", r.MsgsPerSec)
		row("bytes/s", "%.0f", r.BytesPerSec)
	}
	if r.Limit != nil {
		unit := "B/s"
		if r.RTT != nil {
			unit = "ns"
		}
		row("limit", "%s: %s%s; the figure is %.2f × that", r.Limit.Name, si(r.Limit.Value), unit, r.Limit.Ratio)
		if r.Limit.Exceeded {
			row("", "%s", r.Limit.why())
		}
	}
	for _, a := range r.Others {
		if a.Missing != "" {
			row("beside", "%s: not measured: %s", a.Engine, a.Missing)
		} else {
			row("beside", "%s: p50 %d ns; ours takes %.2f × that (%.2f to %.2f in %d rounds)", a.Engine, a.P50, 1/a.Ratio, 1/a.High, 1/a.Low, a.Rounds)
		}
	}
	if d := r.Dozing; d != nil {
		row("paced", "%s", d.seldomText())
		row("idle", "%.1f ms of a processor in ten seconds", d.IdleCPU)
		for _, a := range r.Others {
			if a.Dozing != nil {
				row("beside", "%s, paced: %s", a.Engine, a.Dozing.seldomText())
			}
		}
	}
	if r.Rival != nil {
		figure := si(r.Rival.MsgsPerSec) + "msg/s"
		if r.Rival.P50 > 0 {
			figure = fmt.Sprintf("p50 %d ns", r.Rival.P50)
		}
		switch {
		case r.Rival.Missing != "":
			row("rival", "%s: not measured: %s", r.Rival.Engine, r.Rival.Missing)
		case r.Against != nil:
			row("rival", "%s: %s; ours is %.2f × as good (%.2f to %.2f in %s): %s",
				r.Rival.Engine, figure, r.Against.Ratio, r.Against.Low, r.Against.High, r.Against.rounds(), r.Against.Verdict)
		}
	}
	row("allocations", "%g a message", r.AllocsPerOp)
	if r.Runs > 0 {
		if r.Unsettled > 0 {
			row("", "the machine changed its speed during %d of the runs that count", r.Unsettled)
		}
		row("runs", "the median of %d, spread %.0f %%; %d thrown away because the machine changed its speed",
			r.Runs, 100*r.Spread, r.Discarded)
	}
	if r.Sent != "" {
		row("sent", "xxhash64 %s", r.Sent)
		if r.Cast == nil {
			row("received", "xxhash64 %s", r.Received)
		} else {
			for i, h := range r.Cast.Each {
				row(fmt.Sprintf("receiver %d", i+1), "xxhash64 %s · %d received + %d missed = %d", h.Hash, h.Received, h.Missed, h.Received+h.Missed)
			}
		}
	}
	return t.Flush()
}

// si writes a number with three digits and a decimal prefix.
func si(v float64) string { return scaled(v, 1000, []string{"", "k", "M", "G", "T"}) }

// si2 writes a number with a binary prefix.
func si2(v float64) string { return scaled(v, 1024, []string{"", "Ki", "Mi", "Gi", "Ti"}) }

func scaled(v, step float64, prefixes []string) string {
	i := 0
	for ; v >= step && i < len(prefixes)-1; i++ {
		v /= step
	}
	return fmt.Sprintf("%.3g %s", v, prefixes[i])
}

// printable keeps a file's name from writing control characters to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '?'
		}
		return r
	}, s)
}

func nonEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
