package bench

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
)

// Ratios is a table of how ringway stands against its best rivals and its
// limits, to be compared with later ones: a ratio means something on other
// machines, too, a figure doesn't.
type Ratios struct {
	CPU    string  `json:"cpu"` // where they were measured
	Date   string  `json:"date,omitempty"`
	Ratios []Ratio `json:"ratios"`
}

// Ratio is a line of the table.
type Ratio struct {
	Case    string  `json:"case"`
	Against string  `json:"against"` // a rival's name, or "limit: " and the limit's
	Ratio   float64 `json:"ratio"`   // more than 1 is better for ringway
	Spread  float64 `json:"spread"`
}

// RatiosOf makes a table of a document.
func RatiosOf(doc Document) Ratios {
	t := Ratios{CPU: doc.Machine.CPU, Date: doc.Date, Ratios: []Ratio{}}
	for _, r := range doc.Results {
		if r.Engine != Ringway || r.Missing != "" {
			continue
		}
		list := r.Others
		if l := r.Limit; l != nil && l.Target > 0 {
			list = append(slices.Clone(list), *l.against(Metric(r.Metric), r.Runs))
		}
		for _, a := range list {
			if a.Rounds >= minRounds { // fewer are chance
				t.Ratios = append(t.Ratios, Ratio{r.Case, a.Engine, digits3(a.Ratio), digits3(a.Spread)})
			}
		}
	}
	return t
}

// digits3 rounds to three digits, which is more than a ratio has.
func digits3(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return v // what was formatted can be parsed
	}
	return r
}

// Check is how one ratio of the table stands now.
type Check struct {
	Ratio
	Now     float64
	Noise   float64 // percent, up or down
	Verdict string  // Better, Worse, InNoise, or why there is nothing to compare
}

// gone is the verdict about a ratio that was not measured this time.
const gone = "not measured now, or too few pairs"

// Check compares a document with the table.
func (t Ratios) Check(doc Document) []Check {
	now := RatiosOf(doc).Ratios
	var list []Check
	for _, then := range t.Ratios {
		i := slices.IndexFunc(now, func(r Ratio) bool { return r.Case == then.Case && r.Against == then.Against })
		if i < 0 {
			list = append(list, Check{Ratio: then, Verdict: gone})
			continue
		}
		c := Check{Ratio: then, Now: now[i].Ratio, Verdict: InNoise}
		noise := max((then.Spread+now[i].Spread)/2, leastNoise)
		c.Noise = 100 * noise
		switch change := c.Now / then.Ratio; {
		case change > 1+noise:
			c.Verdict = Better
		case change < 1/(1+noise):
			c.Verdict = Worse
		}
		list = append(list, c)
	}
	return list
}

// WriteChecks prints checks for people.
func WriteChecks(w io.Writer, checks []Check) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "case\tringway against\tthen\tnow\tnoise\t")
	counts := make(map[string]int)
	for _, c := range checks {
		counts[c.Verdict]++
		now, noise := "-", "-"
		if c.Verdict != gone {
			now, noise = ratioText(c.Now), fmt.Sprintf("± %.0f %%", c.Noise)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Case, c.Against, ratioText(c.Ratio.Ratio), now, noise, c.Verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d better, %d worse, %d within the noise, %d not measured now.\n",
		counts[Better], counts[Worse], counts[InNoise], counts[gone])
	return err
}
