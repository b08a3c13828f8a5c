package bench

import (
	"slices"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/limits"
)

// summary makes a result of the runs that count: the rate is that of the one in the
// middle, times are of all of them.
func summary(o RunOptions, all *rounds) Result {
	metric := o.metric()
	m, spread := middle(all.ours, func(r teamRun) float64 { return metric.of(r.Figure) })
	figures := make([]Figure, len(all.ours))
	for i, r := range all.ours {
		figures[i] = r.Figure
	}
	res := o.result(merged(m.Figure, figures))
	res.Engine = Ringway
	res.AllocsPerOp, res.Dozing = m.Allocs, middleDozing(all.dozing)
	if o.Topology == ringway.Broadcast.String() {
		res.Cast = &Cast{Lossless: o.Lossless, ReadOnly: o.ReadOnly, Received: m.Received, Missed: m.Missed}
	}
	res.Runs, res.Discarded, res.Unsettled, res.Spread = len(all.ours), all.discarded, all.unsettled, spread
	if res.Limit = o.limit(m); res.Limit != nil {
		var ratios, values []float64
		for _, r := range all.ours {
			if l := o.limit(r); l != nil {
				ratios, values = append(ratios, l.Ratio), append(values, l.Value)
			}
		}
		slices.Sort(ratios)
		slices.Sort(values)
		l := res.Limit
		l.Ratio, l.Value = medianOf(ratios), medianOf(values)
		l.Low, l.High = intervalOf(ratios)
		if l.Exceeded = l.Ratio > 1; metric != Rate {
			l.Exceeded = l.Ratio < 1
		}
	}
	return res
}

// limit is what one run's limit was, nil where there is none.
func (o *RunOptions) limit(r teamRun) *Limit {
	rate := r.perSecond() * float64(meanSize(o.Mode, o.Size))
	switch {
	case r.RawRTT.N > 0:
		limit := float64(r.RawRTT.P50.Nanoseconds())
		ratio := float64(r.Stats.P50.Nanoseconds()) / limit
		name := "raw round trip"
		if o.Mode == Wakeup {
			name = wireName(limits.Futex) + " round trip"
		}
		return &Limit{Name: name, Value: limit, Ratio: ratio, Exceeded: ratio < 1}
	case r.Copies.Two <= 0:
		return nil
	case o.Lease:
		return &Limit{Name: "memcpy in", Value: r.Copies.One, Ratio: rate / r.Copies.One, Exceeded: rate > r.Copies.One}
	}
	return &Limit{Name: "memcpy in and out", Value: r.Copies.Two, Ratio: rate / r.Copies.Two, Exceeded: rate > r.Copies.Two}
}

// result is what a figure looks like in a report, without what is known of
// ours only.
func (o *RunOptions) result(f Figure) Result {
	res := Result{
		Topology: o.Topology, Transport: o.Transport, Mode: o.Mode, Wait: o.Wait.String(),
		Producers: o.Producers, Consumers: o.Consumers,
		MessageBytes: meanSize(o.Mode, o.Size), Batch: o.Batch, Capacity: o.Capacity, Lease: o.Lease,
		Messages: f.Messages, Seconds: float64(f.Ns) / 1e9, MsgsPerSec: f.perSecond(),
		Metric: string(o.metric()),
	}
	res.Bytes = f.Messages * int64(res.MessageBytes)
	res.BytesPerSec = res.MsgsPerSec * float64(res.MessageBytes)
	if f.Times == nil {
		return res
	}
	res.Histogram = f.Times
	s := f.Stats
	times := &RTT{
		Min: s.Min.Nanoseconds(), P50: s.P50.Nanoseconds(), P90: s.P90.Nanoseconds(), P99: s.P99.Nanoseconds(),
		P999: s.P999.Nanoseconds(), P9999: s.P9999.Nanoseconds(), Max: s.Max.Nanoseconds(),
	}
	if workloads[o.Mode].both {
		res.RTT = times
	} else {
		res.OneWay, res.Rate, res.Burst = times, o.Rate, o.Burst
	}
	return res
}

// rivalResult is a contender's result, and against what ours says of it.
func (o *RunOptions) rivalResult(c *contest) (res Result, against *Against) {
	if len(c.kept) == 0 {
		res = o.result(Figure{})
		res.Engine, res.Class, res.Between, res.Discarded = c.Engine, c.Class, c.Between, c.discarded
		if c.missing != nil {
			res.Missing = c.missing.Error()
		} else {
			res.Missing = unsteady
		}
		return res, nil
	}
	metric := o.metric()
	m, spread := middle(c.kept, metric.of)
	res = o.result(merged(m, c.kept))
	res.Engine, res.Class, res.Between = c.Engine, c.Class, c.Between
	res.Wait, res.Capacity, res.Lease, res.Transport = "", 0, false, ""
	res.Runs, res.Discarded, res.Unsettled, res.Spread = len(c.kept), c.discarded, c.unsettled, spread
	return res, compareRatios(c.Engine, c.ratios)
}

// unsteady is why there is no figure when nothing is missing.
const unsteady = "the machine changed its speed during each run"

// compareRatios sums up ratios of single pairs, of which there is at least one.
func compareRatios(engine string, ratios []float64) *Against {
	slices.Sort(ratios)
	a := &Against{Engine: engine, Ratio: medianOf(ratios), Spread: spreadOf(ratios), Rounds: len(ratios)}
	a.Low, a.High = intervalOf(ratios)
	a.Verdict = verdict(a)
	return a
}

// The verdicts of a comparison.
const (
	Ahead     = "ahead"
	Behind    = "behind"
	TooClose  = "too close to call" // either of them can be the faster one
	TooFew    = "too few pairs to call"
	minRounds = 5
)

// verdict calls a winner only when the median ratio, with all that isn't certain about
// it, is on one side, and when there are enough pairs that this is more than luck.
func verdict(a *Against) string {
	switch {
	case a.Rounds < minRounds:
		return TooFew
	case a.Low > 1:
		return Ahead
	case a.High < 1:
		return Behind
	}
	return TooClose
}
