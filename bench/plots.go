package bench

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"regexp"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// series is one line of a plot.
type series struct {
	Name   string
	Color  int  // number of its colour in the page's style
	Dashed bool // a limit
	points plotter.XYs
}

// figureOf is a plot for the page: the SVG, and the legend that goes below it.
type figureOf struct {
	Title, Note string
	SVG         template.HTML
	Series      []series
}

// The colours are placeholders, which the page's style gives their values, by
// day and by night.
var (
	inkColor  = color.RGBA{1, 1, 1, 255}
	gridColor = color.RGBA{2, 2, 2, 255}
)

func seriesColor(n int) color.RGBA { return color.RGBA{3, 3, uint8(n), 255} }

// newPlot returns a plot whose axes are logarithmic.
func newPlot(xLabel, yLabel string, xTicks, yTicks []plot.Tick) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	p.X.Label.Text, p.Y.Label.Text = xLabel, yLabel
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Color, a.Label.TextStyle.Color, a.Tick.Label.Color, a.Tick.Color = gridColor, inkColor, inkColor, gridColor
		a.LineStyle.Width = 0
		a.Tick.LineStyle.Width, a.Tick.Length = 0, 0
		a.Label.TextStyle.Font.Size, a.Tick.Label.Font.Size = 12, 12
		a.Label.Padding = 6
		a.Padding = 4
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.ConstantTicks(xTicks), plot.ConstantTicks(yTicks)
	grid := plotter.NewGrid()
	for _, s := range []*draw.LineStyle{&grid.Horizontal, &grid.Vertical} {
		s.Color, s.Width, s.Dashes = gridColor, 0.75, nil
	}
	p.Add(grid)
	return p
}

// add draws the lines, the first one on top.
func addSeries(p *plot.Plot, all []series, dots bool) error {
	for i := len(all) - 1; i >= 0; i-- {
		s := all[i]
		line, err := plotter.NewLine(s.points)
		if err != nil {
			return err
		}
		line.Color, line.Width = seriesColor(s.Color), 1.6
		if s.Color == 0 {
			line.Width = 2.8
		}
		if s.Dashed {
			line.Dashes = []vg.Length{4, 3}
		}
		p.Add(line)
		if !dots || s.Dashed {
			continue
		}
		marks, err := plotter.NewScatter(s.points)
		if err != nil {
			return err
		}
		marks.Color, marks.Radius, marks.Shape = seriesColor(s.Color), 2.6, draw.CircleGlyph{}
		p.Add(marks)
	}
	return nil
}

var (
	svgSize  = regexp.MustCompile(`(<svg [^>]*?)width="[^"]*" height="[^"]*"`)
	svgColor = regexp.MustCompile(`#0303([0-9A-Fa-f]{2})`)
	svgFont  = regexp.MustCompile(`font-family:[^;"]*;font-variant:[^;"]*;`)
)

// svg draws the plot, as wide as the page lets it be.
func svg(p *plot.Plot, label string) (template.HTML, error) {
	c := vgsvg.New(620, 330)
	p.Draw(draw.Crop(draw.New(c), 4, -12, 4, -8))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", err
	}
	text := b.String()
	text = text[strings.Index(text, "<svg"):] // no prologue inside a page
	text = svgSize.ReplaceAllString(text, `${1}role="img" aria-label="`+template.HTMLEscapeString(label)+`"`)
	text = svgFont.ReplaceAllString(text, "")
	text = svgColor.ReplaceAllStringFunc(text, func(m string) string {
		var n int
		_, _ = fmt.Sscanf(m, "#0303%x", &n) // the pattern sees to it that there is one
		return fmt.Sprintf("var(--s%d)", n)
	})
	text = strings.NewReplacer("#010101", "var(--ink2)", "#020202", "var(--grid)").Replace(text)
	return template.HTML(text), nil
}

// powers are ticks at powers of step from low to high, with their labels.
func powers(low, high, step float64, label func(float64) string) []plot.Tick {
	var ticks []plot.Tick
	for v := low; v <= high*1.0001; v *= step {
		ticks = append(ticks, plot.Tick{Value: math.Log10(v), Label: label(v)})
	}
	return ticks
}

// span returns the powers of ten around all values of the series, which are
// logarithms.
func span(all []series) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, s := range all {
		for _, p := range s.points {
			low, high = min(low, p.Y), max(high, p.Y)
		}
	}
	return math.Pow(10, math.Floor(low)), math.Pow(10, math.Ceil(high))
}

// finish draws the lines into the plot.
func (f figureOf) finish(p *plot.Plot, title, note string, dots bool) (figureOf, error) {
	if err := addSeries(p, f.Series, dots); err != nil {
		return f, err
	}
	f.Title, f.Note = title, note
	var err error
	f.SVG, err = svg(p, title)
	return f, err
}

// inOrder gives series their colours, ours first.
func inOrder(all map[string]*series, order []string) []series {
	if i := slices.Index(order, Ringway); i > 0 {
		order = slices.Insert(slices.Delete(order, i, i+1), 0, Ringway)
	}
	var list []series
	for i, name := range order {
		all[name].Color = colorOf(name, i)
		list = append(list, *all[name])
	}
	return list
}

func sizeText(n float64) string {
	if n >= 1024 {
		return fmt.Sprintf("%.0f KiB", n/1024)
	}
	return fmt.Sprintf("%.0f B", n)
}

// tickText is a power of ten of nanoseconds.
func tickText(ns float64) string {
	for _, u := range []struct {
		ns   float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if ns >= u.ns {
			return fmt.Sprintf("%.0f %s", ns/u.ns, u.name)
		}
	}
	return fmt.Sprintf("%.0f ns", ns)
}

// colors gives engines the same colour in all plots, and different ones to
// those that meet in one.
var colors = map[string]int{
	Ringway: 0, "boost::lockfree::spsc_queue": 1, "moodycamel::ReaderWriterQueue": 2, "atomic_queue::AtomicQueue2 (SPSC)": 3,
	"moodycamel::ConcurrentQueue": 4, "boost::lockfree::queue": 5, "atomic_queue::AtomicQueue": 6, "xsync.SPSCQueue": 7,
	"xsync.MPMCQueue": 8, "Go channel": 9, "moodycamel::BlockingReaderWriterQueue": 10, "boost::interprocess::message_queue": 1,
	"ZeroMQ (ipc)": 2, "nng (ipc)": 3, "shmipc-go": 4, "gRPC (unix socket)": 5, "unix socket (Go net)": 6,
	"bare futex": 7, "bare pipe": 8, "bare unix socket": 10,
}

// colorOf is an engine's colour; otherwise is that of one that has none.
func colorOf(engine string, otherwise int) int {
	if c, ok := colors[engine]; ok {
		return c
	}
	return 1 + otherwise%(limitColor-1)
}

// limitColor is the colour of limits; those before it are for engines.
const limitColor = 12
