package bench

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// Change is how a figure differs from that of an older document.
type Change struct {
	Case, Engine string
	Ours         bool
	Then, Now    string  // the figures, for people
	Percent      float64 // how much better it is now; less than 0 is worse
	Noise        float64 // percent, up or down, that mean nothing: half of both spreads together
	Verdict      string  // Better, Worse or InNoise
	// RatioThen and RatioNow are ours against the best rival, 0 where there is
	// none. They tell a change of ours from one of the machine.
	RatioThen, RatioNow float64
}

// The verdicts about changes.
const (
	Better  = "better"
	Worse   = "worse"
	InNoise = "within the noise"
)

// leastNoise is the share by which medians differ from run to run on any
// machine.
const leastNoise = 0.05

// Changes compares figures that both documents have. It returns ours first, case by
// case.
func Changes(old, now Document) []Change {
	var list []Change
	for _, r := range now.Results {
		i := slices.IndexFunc(old.Results, func(o Result) bool { return o.same(r) })
		if i < 0 || r.Missing != "" || old.Results[i].Missing != "" {
			continue
		}
		o := old.Results[i]
		a, b := o.value(), r.value()
		if a <= 0 || b <= 0 {
			continue
		}
		c := Change{Case: r.Case, Engine: r.Engine, Ours: r.Engine == Ringway, Then: o.headline(), Now: r.headline()}
		better := Metric(r.Metric).advantage(b, a)
		noise := max((o.Spread+r.Spread)/2, leastNoise)
		c.Percent, c.Noise = 100*(better-1), 100*noise
		switch {
		case better > 1+noise:
			c.Verdict = Better
		case better < 1/(1+noise):
			c.Verdict = Worse
		default:
			c.Verdict = InNoise
		}
		if o.Against != nil && r.Against != nil {
			c.RatioThen, c.RatioNow = o.Against.Ratio, r.Against.Ratio
		}
		list = append(list, c)
	}
	return list
}

// same reports whether two results are of the same measurement.
func (r *Result) same(o Result) bool {
	if r.Engine != o.Engine || r.Case != o.Case || r.Mode != o.Mode {
		return false
	}
	return r.Case != "" || r.Topology == o.Topology && r.MessageBytes == o.MessageBytes && r.Batch == o.Batch &&
		r.Producers == o.Producers && r.Consumers == o.Consumers && r.Wait == o.Wait && r.Lease == o.Lease && r.Rate == o.Rate
}

// WriteChanges prints changes of ours for people, and of others where they are
// more than noise: then it is the machine that has changed.
func WriteChanges(w io.Writer, changes []Change) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "case\tengine\tthen\tnow\tchange\tnoise\tagainst the best rival\t")
	worse, others := 0, 0
	for _, c := range changes {
		if c.Ours && c.Verdict == Worse {
			worse++
		}
		if !c.Ours {
			if c.Verdict == InNoise {
				continue
			}
			others++
		}
		ratio := ""
		if c.RatioThen > 0 {
			ratio = fmt.Sprintf("%.2f × → %.2f ×", c.RatioThen, c.RatioNow)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%+.1f %%\t± %.0f %%\t%s\t%s\n", c.Case, c.Engine, c.Then, c.Now, c.Percent, c.Noise, ratio, c.Verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d of ringway's figures are worse beyond the noise.", worse)
	if others > 0 {
		fmt.Fprintf(w, " %d rivals' are different, too: the machine is not what it was; look at the ratios.", others)
	}
	_, err := fmt.Fprintln(w)
	return err
}
