package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteComparison prints what Compare found for people: a block for each case,
// and what was aimed at and what was reached.
func WriteComparison(w io.Writer, doc Document) error {
	writeMachine(w, doc.Machine)
	for _, name := range doc.cases() {
		results := doc.of(name)
		ours := results[0]
		fmt.Fprintf(w, "\n%s · %s\n", name, ours.Title)
		if ours.About != "" {
			fmt.Fprintf(w, "  (%s)\n", ours.About)
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		if ours.Missing != "" {
			fmt.Fprintf(t, "  ringway\tnot measured: %s\n", printable(ours.Missing))
		} else {
			fmt.Fprintf(t, "  ringway\t%s\t\t\t%s\n", ours.figure(), ours.runsText())
		}
		if l := ours.Limit; l != nil {
			fmt.Fprintf(t, "  limit: %s\t%s\t%s\t%s\t%s\n", l.Name, l.value(ours.RTT != nil), l.times(), l.aim(), "")
		}
		for _, r := range results[1:] {
			if r.Missing != "" {
				continue
			}
			a := ours.against(r.Engine)
			ratio, verdict := "-", ""
			if a != nil {
				ratio, verdict = fmt.Sprintf("%.2f × (%.2f to %.2f)", a.Ratio, a.Low, a.High), a.Verdict+a.aim()
			}
			fmt.Fprintf(t, "  %s, %s\t%s\t%s\t%s\t%s\n", r.Engine, r.Between, r.figure(), ratio, verdict, r.runsText())
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for _, r := range doc.Results { // of run or replay
		if r.Case != "" {
			continue
		}
		fmt.Fprintln(w)
		if err := WriteResult(w, r); err != nil {
			return err
		}
	}
	if len(doc.cases()) == 0 {
		return nil
	}
	if missing := doc.missing(); len(missing) > 0 {
		fmt.Fprintf(w, "\nnot measured:\n")
		for _, m := range missing {
			fmt.Fprintf(w, "  %s\n", printable(m))
		}
	}
	if err := doc.writeBest(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\nRatios are medians over pairs of slices made in turn while the machine was in one regime; more than 1 is better for\n"+
		"ringway. In brackets is where the median lies with 99 %% certainty; a winner is called, and a target taken for reached,\n"+
		"only when all of that is on one side. Rates are those at which consumers received. Threads are threads of one\n"+
		"process, ringway runs between processes.\n", doc.score())
	return nil
}

// writeBest prints how ours stands against the best rival of each case.
func (d *Document) writeBest(w io.Writer) error {
	fmt.Fprintf(w, "\nbeside the best rival\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range d.cases() {
		r, ok := d.ours(name)
		if !ok || r.Against == nil {
			continue
		}
		a := r.Against
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", name, fmt.Sprintf("%.2f × (%.2f to %.2f)", a.Ratio, a.Low, a.High), a.Engine, a.Verdict+a.aim())
	}
	return t.Flush()
}

// writeMachine prints where figures come from.
func writeMachine(w io.Writer, m Machine) {
	fmt.Fprintf(w, "%s · %d cores · %s %s %s · %s\n", nonEmpty(m.CPU, m.Arch), m.Cores, m.OS, m.Kernel, m.Arch, m.Go)
	if m.Note != "" {
		fmt.Fprintln(w, m.Note)
	}
}

// cases returns the names of the document's cases, in order.
func (d *Document) cases() []string {
	var names []string
	for _, r := range d.Results {
		if r.Case != "" && !slices.Contains(names, r.Case) {
			names = append(names, r.Case)
		}
	}
	return names
}

// of returns a case's results, ours first; there is at least one.
func (d *Document) of(name string) []Result {
	var results []Result
	for _, r := range d.Results {
		if r.Case != name {
			continue
		}
		if r.Engine == Ringway {
			results = slices.Insert(results, 0, r)
		} else {
			results = append(results, r)
		}
	}
	return results
}

// ours returns our result of a case.
func (d *Document) ours(name string) (Result, bool) {
	for _, r := range d.Results {
		if r.Case == name && r.Engine == Ringway && r.Missing == "" {
			return r, true
		}
	}
	return Result{}, false
}

// missing says who has no figure, and why.
func (d *Document) missing() []string {
	var reasons []string
	who := make(map[string][]string)
	for _, r := range d.Results {
		if r.Missing == "" || r.Engine == Ringway {
			continue
		}
		why := strings.TrimPrefix(r.Missing, "rivals: ")
		if r.Missing == unsteady {
			why = r.Case + ": " + unsteady
		}
		if !slices.Contains(reasons, why) {
			reasons = append(reasons, why)
		}
		if !slices.Contains(who[why], r.Engine) {
			who[why] = append(who[why], r.Engine)
		}
	}
	var list []string
	for _, why := range reasons {
		list = append(list, strings.Join(who[why], ", ")+": "+why)
	}
	return list
}

// score counts targets.
func (d *Document) score() string {
	counts := make(map[string]int)
	for _, r := range d.Results {
		if r.Engine != Ringway {
			continue
		}
		if r.Against != nil {
			counts[r.Against.Reached]++
		}
		if r.Limit != nil && (r.Against == nil || r.Against.Engine != "limit: "+r.Limit.Name) {
			counts[r.Limit.Reached]++
		}
	}
	return fmt.Sprintf("Targets: %d reached, %d missed, %d undecided.", counts[Reached], counts[Missed], counts[Undecided])
}

// against returns what ours says of an engine.
func (r *Result) against(engine string) *Against {
	for i := range r.Others {
		if r.Others[i].Engine == engine {
			return &r.Others[i]
		}
	}
	return nil
}

// value is a result's number by which engines are compared.
func (r *Result) value() float64 {
	times := r.times()
	switch {
	case times == nil:
		return r.MsgsPerSec
	case Metric(r.Metric) == P50:
		return float64(times.P50)
	default:
		return float64(times.P999)
	}
}

func (r *Result) times() *RTT {
	if r.RTT != nil {
		return r.RTT
	}
	return r.OneWay
}

// figure is a result's figure for people.
func (r *Result) figure() string {
	if t := r.times(); t != nil {
		return fmt.Sprintf("p50 %s · p99 %s · p99.9 %s", nsText(t.P50), nsText(t.P99), nsText(t.P999))
	}
	if r.MessageBytes >= 1024 {
		return fmt.Sprintf("%sB/s", si(r.BytesPerSec))
	}
	return fmt.Sprintf("%smsg/s", si(r.MsgsPerSec))
}

func (r *Result) runsText() string {
	text := fmt.Sprintf("%d slices ± %.0f %%, %d thrown away", r.Runs, 50*r.Spread, r.Discarded)
	if r.Runs == 1 {
		text = strings.Replace(text, "slices", "slice", 1)
	}
	if r.Unsettled > 0 {
		text += fmt.Sprintf(", %d unsettled", r.Unsettled)
	}
	return text
}

// value is a limit for people.
func (l *Limit) value(time bool) string {
	if time {
		return nsText(int64(l.Value))
	}
	return si(l.Value) + "B/s"
}

// aim says what was aimed at.
func (l *Limit) aim() string {
	switch {
	case l.Target == 0:
		return ""
	case l.Target > 1:
		return fmt.Sprintf("at most %.2f: %s", l.Target, reachedText(l.Reached))
	}
	return fmt.Sprintf("at least %.2f: %s", l.Target, reachedText(l.Reached))
}

func (a *Against) aim() string {
	if a.Target == 0 {
		return ""
	}
	return fmt.Sprintf("; at least %.2f: %s", a.Target, reachedText(a.Reached))
}

// rounds says how many pairs there were.
func (a *Against) rounds() string {
	if a.Rounds == 1 {
		return "1 pair"
	}
	return fmt.Sprintf("%d pairs", a.Rounds)
}

func reachedText(reached string) string {
	switch reached {
	case Reached:
		return "reached"
	case Missed:
		return "missed"
	}
	return "undecided"
}

// nsText is a time for people.
func nsText(ns int64) string {
	switch {
	case ns < 10_000:
		return fmt.Sprintf("%d ns", ns)
	case ns < 999_500:
		return fmt.Sprintf("%.3g µs", float64(ns)/1e3)
	case ns < 999_500_000:
		return fmt.Sprintf("%.3g ms", float64(ns)/1e6)
	}
	return fmt.Sprintf("%.3g s", float64(ns)/1e9)
}
