package bench

import (
	"fmt"
	"math"
	"strings"
)

// lane is a line of the page's first picture: how ringway stands in one case
// against its best rival, or against its limit, on a logarithmic axis that all
// lanes share.
type lane struct {
	Case, Title, Against string
	Ratio, Detail        string
	Word                 string  // reached, missed, …
	Mood                 string  // good, bad, open or plain
	At, From, To         float64 // percent of the axis: the ratio, and where it lies for certain
	Target               float64 // likewise; less than 0 is none
}

// tick is a mark of the axis.
type tick struct {
	Text string
	At   float64
	One  bool
}

// The axis ends here, at the latest; what lies beyond is drawn at its end.
const (
	leastRatio    = 1.0 / 16
	greatestRatio = 32.0
)

// lanes makes the lanes of all cases, and the ticks of their axis.
func (d *Document) lanes() (list []lane, ticks []tick) {
	type row struct {
		r Result
		a Against
	}
	var rows []row
	for _, name := range d.cases() {
		r, ok := d.ours(name)
		if !ok {
			continue
		}
		if r.Against != nil && (r.Against.Target > 0 || !strings.HasPrefix(r.Against.Engine, "limit: ")) {
			rows = append(rows, row{r, *r.Against})
		}
		if l := r.Limit; l != nil && l.Target > 0 && (r.Against == nil || !strings.HasPrefix(r.Against.Engine, "limit: ")) {
			rows = append(rows, row{r, *l.against(Metric(r.Metric), r.Runs)})
		}
	}
	low, high := 0.5, 2.0
	for _, row := range rows {
		low, high = min(low, row.a.Low), max(high, row.a.High, row.a.Target)
	}
	low, high = max(low/1.1, leastRatio), min(high*1.1, greatestRatio)
	place := func(ratio float64) float64 {
		at := math.Log(ratio/low) / math.Log(high/low)
		if math.IsNaN(at) {
			return 0
		}
		return 100 * min(max(at, 0), 1)
	}
	for _, row := range rows {
		list = append(list, laneOf(row.r, row.a, place))
	}
	for _, v := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20} {
		if v > low && v < high {
			ticks = append(ticks, tick{fmt.Sprintf("%g ×", v), place(v), v == 1})
		}
	}
	return list, ticks
}

// unbroken keeps a text on one line.
func unbroken(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") }

func laneOf(r Result, a Against, place func(float64) float64) lane {
	l := lane{
		Case: r.Case, Title: r.Title, Against: a.Engine, Ratio: ratioText(a.Ratio), Mood: "plain", Word: a.Verdict,
		At: place(a.Ratio), From: place(a.Low), To: place(a.High), Target: -1,
		Detail: unbroken(fmt.Sprintf("%s to %s", ratioText(a.Low), ratioText(a.High))) + ", " + unbroken(a.rounds()),
	}
	l.To -= l.From // it is drawn by its width
	if a.Target == 0 {
		return l
	}
	l.Target, l.Word = place(a.Target), reachedText(a.Reached)
	l.Detail += "; " + unbroken("at least "+ratioText(a.Target))
	switch a.Reached {
	case Reached:
		l.Mood = "good"
	case Missed:
		l.Mood = "bad"
	default:
		l.Mood = "open"
		if a.Rounds < minRounds {
			l.Word = TooFew
		}
	}
	return l
}
