package bench

import (
	"context"
	"slices"
	"time"
)

// CompareOptions say what Compare measures.
type CompareOptions struct {
	Cases    []string      // names or their beginnings; none is all
	Runs     int           // how many pairs must count at most; 0 is 40
	Duration time.Duration // of one slice; 0 is what suits the case, 40 to 200 ms
	Quick    bool          // fewer and shorter slices, of the cases that have a target: two minutes at most
	KeepAll  bool          // keep runs during which the machine changed its speed

	// Progress, if not nil, is called before each case and after each round.
	Progress func(p CompareProgress)
}

// CompareProgress tells how far Compare is.
type CompareProgress struct {
	Case              string
	Number, Cases     int // the case's number, from 0
	Kept, Runs, Tries int // rounds that count, of how many, and those that don't
}

// compareBudget bounds all cases together: ten minutes, or two.
const (
	compareBudget = 9 * time.Minute
	quickBudget   = 100 * time.Second
)

// Compare measures each case and its rivals by turns. What can't be measured is
// in the document, too, with the reason. The error is that of ctx, or one of the
// options.
func Compare(ctx context.Context, o CompareOptions) (Document, error) {
	cases, err := chosen(o.Cases)
	if err != nil {
		return Document{}, err
	}
	budget := compareBudget
	if o.Quick {
		budget = quickBudget
		if len(o.Cases) == 0 {
			cases = slices.DeleteFunc(cases, func(c Case) bool { return c.Target == 0 && c.Limit == 0 })
		}
	}
	if o.Runs == 0 {
		if o.Runs = 40; o.Quick {
			o.Runs = 10
		}
	}
	machine := ThisMachine()
	// Rivals are built before the clock runs.
	prepared := make(map[string]error)
	for i, c := range cases {
		for _, r := range c.contenders(c.duration(o)) {
			if _, done := prepared[r.Engine]; done || r.Prepare == nil {
				continue
			}
			if o.Progress != nil {
				o.Progress(CompareProgress{Case: "building " + r.Engine, Number: 0, Cases: len(cases), Kept: i, Runs: 100 * len(cases)})
			}
			if prepared[r.Engine] = r.Prepare(ctx); ctx.Err() != nil {
				return Document{}, context.Cause(ctx)
			}
		}
	}
	doc := Document{Machine: machine, Date: time.Now().UTC().Format(time.RFC3339)}
	began, before := time.Now(), nowTaken()
	deadline := began.Add(budget)
	effort := 0.0
	for _, c := range cases {
		effort += c.effort(o)
	}
	for i, c := range cases {
		ro := c.Options
		ro.Runs, ro.Duration, ro.KeepAll = o.Runs, c.duration(o), o.KeepAll
		if c.runs > 0 {
			ro.Runs = min(ro.Runs, c.runs)
		}
		// What is left is for what is left.
		mine := c.effort(o)
		ro.Budget = max(time.Duration(float64(time.Until(deadline))*mine/effort), time.Millisecond)
		effort -= mine
		ro.Rivals = c.contenders(ro.Duration)
		for i := range ro.Rivals {
			if err, done := prepared[ro.Rivals[i].Engine]; done {
				ro.Rivals[i].Prepare = func(context.Context) error { return err }
			}
		}
		tell := func(kept, runs, tries int) {
			if o.Progress != nil {
				o.Progress(CompareProgress{c.Name, i, len(cases), kept, runs, tries})
			}
		}
		ro.Progress = tell
		tell(0, ro.Runs, 0)
		results, err := c.measure(ctx, &ro)
		if ctx.Err() != nil {
			return Document{}, context.Cause(ctx)
		}
		if err != nil {
			results = []Result{{Engine: Ringway, Case: c.Name, Missing: err.Error(), Topology: ro.Topology, Mode: ro.Mode, Metric: string(ro.metric())}}
		}
		doc.Results = append(doc.Results, results...)
	}
	// By now all children have ended, and their time counts as ours.
	if after := nowTaken(); doc.Machine.Note == "" && before.all > 0 && after.all > 0 {
		doc.Machine.Note = busyNote(before, after, time.Since(began), machine.Cores)
	}
	return doc, nil
}

// effort is about how long a round of the case takes, in seconds.
func (c *Case) effort(o CompareOptions) float64 {
	slices := 1 + 2*len(c.contenders(c.duration(o)))
	return float64(slices) * (c.duration(o) + 20*time.Millisecond).Seconds()
}

// measure returns the results of a case, ours first.
func (c *Case) measure(ctx context.Context, o *RunOptions) ([]Result, error) {
	all, err := run(ctx, o)
	if err != nil {
		return nil, err
	}
	ours := summary(*o, all)
	ours.Case, ours.Title, ours.About = c.Name, c.Title, c.About
	if l := ours.Limit; l != nil && c.Limit > 0 {
		if l.judge(c.Limit); ours.Runs < minRounds {
			l.Reached = Undecided
		}
	}
	results := []Result{ours}
	for _, r := range all.rivals {
		theirs, against := o.rivalResult(r)
		theirs.Case = c.Name
		results = append(results, theirs)
		if against == nil {
			continue
		}
		if c.aims(r.Contender) {
			if c.Target > 0 {
				against.judge(c.Target)
			}
			if best := results[0].Against; against.closer(best) {
				results[0].Against = against
			}
		}
		results[0].Others = append(results[0].Others, *against)
	}
	if results[0].Against == nil {
		// Those that the target is about could not be measured: the best of the
		// others, without a target.
		for i, r := range all.rivals {
			a := results[0].against(r.Engine)
			if best := results[0].Against; a != nil && results[i+1].Class != System && a.closer(best) {
				results[0].Against = a
			}
		}
	}
	if l := results[0].Limit; l != nil && len(all.rivals) == 0 {
		results[0].Against = l.against(o.metric(), len(all.ours))
	}
	return results, nil
}

// closer reports whether a's engine is the better rival. One of whom there are enough
// pairs goes before one of whom a few say little; nil is nobody.
func (a *Against) closer(best *Against) bool {
	if best == nil {
		return true
	}
	if enough := a.Rounds >= minRounds; enough != (best.Rounds >= minRounds) {
		return enough
	}
	return a.Ratio < best.Ratio
}

// aims reports whether the case is about a contender; the others are shown
// beside it.
func (c *Case) aims(r Contender) bool {
	if len(c.TargetOf) == 0 {
		return r.Class != System
	}
	return slices.Contains(c.TargetOf, r.Class) || slices.Contains(c.TargetOf, r.Engine)
}

// against is the limit as if it were a rival.
func (l *Limit) against(m Metric, runs int) *Against {
	a := &Against{Engine: "limit: " + l.Name, Ratio: l.Ratio, Low: l.Low, High: l.High, Rounds: runs, Target: l.Target, Reached: l.Reached}
	if m != Rate {
		a.Ratio, a.Low, a.High = 1/l.Ratio, 1/l.High, 1/l.Low
		if l.Target > 0 {
			a.Target = 1 / l.Target
		}
	}
	a.Spread = (a.High - a.Low) / a.Ratio
	a.Verdict = verdict(a)
	return a
}

// What a target can be.
const (
	Reached   = "yes"
	Missed    = "no"
	Undecided = "undecided"
)

// judge says whether a target was reached.
func (a *Against) judge(target float64) {
	a.Target = target
	switch {
	case a.Rounds < minRounds || a.Low < target && a.High >= target:
		a.Reached = Undecided
	case a.Low >= target:
		a.Reached = Reached
	default:
		a.Reached = Missed
	}
}

// judge says whether the limit was come close to: at most so many times a
// round trip, at least such a share of a rate.
func (l *Limit) judge(target float64) {
	l.Target = target
	good := func(ratio float64) bool {
		if target > 1 {
			return ratio <= target
		}
		return ratio >= target
	}
	switch low, high := good(l.Low), good(l.High); {
	case low != high:
		l.Reached = Undecided
	case low:
		l.Reached = Reached
	default:
		l.Reached = Missed
	}
}
