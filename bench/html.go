package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
)

//go:embed report.tmpl
var pageText string

var page = template.Must(template.New("report").Parse(pageText))

// pageData is what the page shows.
type pageData struct {
	Doc     Document
	Machine string
	Score   string
	Lanes   []lane
	Ticks   []tick
	Blocks  []block
	Figures []figureOf
	Missing []string
	Changes []Change // against a baseline
	Base    string
}

// block is a case with a bar for each engine.
type block struct {
	Case, Title, About, Better string
	Bars                       []bar
}

// bar is one engine's figure.
type bar struct {
	Name, Kind, Figure, Detail string
	Width                      float64 // percent
	Over                       bool    // it is longer than that
	Mood                       string  // ours, limit or rival
}

// WriteHTML writes a page that shows what Compare found: complete in itself, it
// loads nothing from anywhere. changes, if there are any, are those since the
// document of a date.
func WriteHTML(w io.Writer, doc Document, changes []Change, since string) error {
	d := pageData{Doc: doc, Score: doc.score(), Missing: doc.missing(), Changes: changes, Base: since}
	m := doc.Machine
	d.Machine = fmt.Sprintf("%s, %d cores, %s %s on %s, %s", nonEmpty(m.CPU, "unknown processor"), m.Cores, m.OS, m.Kernel, m.Arch, m.Go)
	d.Lanes, d.Ticks = doc.lanes()
	for _, name := range doc.cases() {
		results := doc.of(name)
		if !strings.HasPrefix(name, "size-") {
			d.Blocks = append(d.Blocks, blockOf(name, results))
		}
	}
	for _, make := range []func() (figureOf, error){
		func() (figureOf, error) {
			return percentileCurves("Round trip, all percentiles", "64 bytes, both sides spinning. Each engine's whole distribution; lower is better.", doc.of("spsc-rtt"))
		},
		func() (figureOf, error) {
			return percentileCurves("From due to there, all percentiles", "100,000 messages a second of 64 bytes, timed from when each was due.", doc.of("paced"))
		},
		func() (figureOf, error) {
			return percentileCurves("Round trip beside what crosses the kernel", "64 bytes, waiting as each does by itself.", doc.of("rtt-vs-kernel"))
		},
		func() (figureOf, error) {
			return percentileCurves("Round trip of two that sleep", "64 bytes; each side sleeps until it is woken.", doc.of("wakeup"))
		},
		doc.overSize, doc.overProcesses,
	} {
		f, err := make()
		if err != nil {
			return fmt.Errorf("plotting: %w", err)
		}
		if f.SVG != "" {
			d.Figures = append(d.Figures, f)
		}
	}
	return page.Execute(w, d)
}

func ratioText(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f ×", v)
	}
	return fmt.Sprintf("%.2f ×", v)
}

// blockOf makes bars of a case.
func blockOf(name string, results []Result) block {
	ours := results[0]
	b := block{Case: name, Title: ours.Title, About: ours.About, Better: "more is better"}
	if ours.Metric != string(Rate) {
		b.Better = "less is better"
	}
	type item struct {
		value float64
		bar   bar
	}
	var items []item
	for _, r := range results {
		if r.Missing != "" {
			continue
		}
		it := item{r.value(), bar{Name: r.Engine, Kind: r.Between, Figure: r.headline(), Mood: "rival"}}
		if r.Engine == Ringway {
			it.bar.Mood, it.bar.Kind = "ours", "processes"
			it.bar.Detail = r.runsText()
		} else if a := ours.against(r.Engine); a != nil {
			it.bar.Detail = fmt.Sprintf("ringway is %s as good (%s to %s): %s", ratioText(a.Ratio), ratioText(a.Low), ratioText(a.High), a.Verdict)
		}
		items = append(items, it)
	}
	if l := ours.Limit; l != nil && ours.Missing == "" {
		value := l.Value
		if ours.Metric == string(Rate) && ours.MessageBytes > 0 {
			value /= float64(ours.MessageBytes)
		}
		detail := fmt.Sprintf("ringway is at %s", l.times())
		if aim := l.aim(); aim != "" {
			detail += "; " + aim
		}
		// A copy of 8 bytes is no limit that anything could come near to.
		if ours.Metric != string(Rate) || l.Ratio > 0.05 || l.Target > 0 {
			items = append(items, item{value, bar{Name: "limit: " + l.Name, Figure: l.value(ours.RTT != nil), Detail: detail, Mood: "limit"}})
		}
	}
	if ours.Missing != "" {
		b.About = "ringway was not measured: " + ours.Missing
	}
	slices.SortStableFunc(items, func(x, y item) int {
		if d := x.value - y.value; (d < 0) == (ours.Metric != string(Rate)) {
			return -1
		}
		return 1
	})
	values := make([]float64, len(items))
	for i, it := range items {
		values[i] = it.value
	}
	scale := 1.0
	if len(values) > 0 {
		scale = slices.Max(values)
	}
	if ours.Metric != string(Rate) { // slowness can be cut off, speed can't
		scale = barScale(values)
	}
	for _, it := range items {
		if it.bar.Over = it.value > scale; it.bar.Over {
			it.value = scale
		}
		it.bar.Width = math.Round(10*max(100*it.value/scale, 0.8)) / 10
		b.Bars = append(b.Bars, it.bar)
	}
	return b
}

// barScale returns the value of a full bar: the greatest, unless one or a few
// are so far out that the others could not be told apart. Those are cut off.
func barScale(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 1
	}
	scale, near := sorted[len(sorted)-1], 0
	for _, v := range sorted {
		if v <= 10*sorted[0] {
			near++
		}
	}
	if 2*near > len(sorted) {
		scale = sorted[near-1]
	}
	if near < len(sorted) && 2*near > len(sorted) {
		scale *= 1.15 // a cut bar is longer than any whole one
	}
	return scale
}

// headline is the number by which engines are compared, for people.
func (r *Result) headline() string {
	switch {
	case r.times() == nil:
		return r.figure()
	case Metric(r.Metric) == P50:
		return nsText(r.times().P50)
	}
	return nsText(r.times().P999)
}
