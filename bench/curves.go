package bench

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
)

// shares are where the axis of percentiles has its marks.
var shares = []struct {
	rest  float64 // of the messages are slower
	label string
}{{1, ""}, {0.5, "50 %"}, {0.1, "90 %"}, {0.01, "99 %"}, {0.001, "99.9 %"}, {0.0001, "99.99 %"}}

// percentileCurves draws a case's times, each engine's whole distribution.
func percentileCurves(title, note string, results []Result) (f figureOf, err error) {
	const rest = 0.0001 // further out there is chance
	for i, r := range results {
		if r.Histogram == nil || r.Missing != "" {
			continue
		}
		s := series{Name: r.Engine, Color: colorOf(r.Engine, i)}
		for _, p := range r.Histogram.Curve() {
			if 1-p.Quantile < rest {
				break
			}
			s.points = append(s.points, plotter.XY{X: -math.Log10(1 - p.Quantile), Y: math.Log10(max(p.Ns, 1))})
		}
		if len(s.points) > 1 {
			f.Series = append(f.Series, s)
		}
	}
	if len(f.Series) == 0 {
		return f, nil
	}
	var x []plot.Tick
	for _, s := range shares {
		x = append(x, plot.Tick{Value: -math.Log10(s.rest), Label: s.label})
	}
	low, high := span(f.Series)
	p := newPlot("share of messages that are at least as fast", "", x, powers(low, high, 10, tickText))
	p.X.Min, p.X.Max = 0, -math.Log10(rest)
	p.Y.Min, p.Y.Max = math.Log10(low), math.Log10(high)
	return f.finish(p, title, note, false)
}

// overSize draws bytes a second over the size of messages.
func (d *Document) overSize() (f figureOf, err error) {
	limit := series{Name: "limit: memcpy in and out, one thread", Color: limitColor, Dashed: true}
	all := make(map[string]*series)
	var order []string
	for _, r := range d.Results {
		if !strings.HasPrefix(r.Case, "size-") || r.Missing != "" {
			continue
		}
		x := math.Log10(float64(r.MessageBytes))
		if all[r.Engine] == nil {
			all[r.Engine] = &series{Name: r.Engine}
			order = append(order, r.Engine)
		}
		s := all[r.Engine]
		s.points = append(s.points, plotter.XY{X: x, Y: math.Log10(max(r.BytesPerSec, 1))})
		if r.Limit != nil && r.Engine == Ringway {
			limit.points = append(limit.points, plotter.XY{X: x, Y: math.Log10(r.Limit.Value)})
		}
	}
	if f.Series = inOrder(all, order); len(f.Series) == 0 || len(f.Series[0].points) < 2 {
		return figureOf{}, nil
	}
	if len(limit.points) > 1 {
		f.Series = append(f.Series, limit)
	}
	low, high := span(f.Series)
	first, last := f.Series[0].points[0].X, f.Series[0].points[len(f.Series[0].points)-1].X
	p := newPlot("bytes a message", "", powers(math.Pow(10, first), math.Pow(10, last), 8, sizeText),
		powers(low, high, 10, func(v float64) string { return si(v) + "B/s" }))
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = first, last, math.Log10(low), math.Log10(high)
	return f.finish(p, "Throughput over size", "One message a call, 8 MiB of ring. Bytes a second, both axes logarithmic.", true)
}

// overProcesses draws messages a second over the number of producers and
// consumers.
func (d *Document) overProcesses() (f figureOf, err error) {
	all := make(map[string]*series)
	var order []string
	var x []plot.Tick
	for i, name := range []string{"mpmc-1p1c", "mpmc-2p2c", "mpmc-4p4c"} {
		results := d.of(name)
		if len(results) > 0 {
			x = append(x, plot.Tick{Value: float64(i), Label: fmt.Sprintf("%d to %d", 1<<i, 1<<i)})
		}
		for _, r := range results {
			if r.Missing != "" {
				continue
			}
			if all[r.Engine] == nil {
				all[r.Engine] = &series{Name: r.Engine}
				order = append(order, r.Engine)
			}
			all[r.Engine].points = append(all[r.Engine].points, plotter.XY{X: float64(i), Y: r.MsgsPerSec / 1e6})
		}
	}
	if f.Series = inOrder(all, order); len(x) < 2 || len(f.Series) == 0 {
		return figureOf{}, nil
	}
	top := 0.0
	for _, s := range f.Series {
		for _, p := range s.points {
			top = max(top, p.Y)
		}
	}
	step := math.Pow(10, math.Floor(math.Log10(max(top, 1))))
	switch {
	case top/step < 2:
		step /= 4
	case top/step < 5:
		step /= 2
	}
	var y []plot.Tick
	for v := 0.0; v < top+step; v += step {
		y = append(y, plot.Tick{Value: v, Label: fmt.Sprintf("%.4g M/s", v)})
	}
	p := newPlot("producers to consumers", "", x, y)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = x[0].Value-0.1, x[len(x)-1].Value+0.1, 0, y[len(y)-1].Value
	return f.finish(p, "Throughput over processes", "8 bytes, one a call, all of them on two cores. Rivals are threads of one process, ringway's are processes.", true)
}
