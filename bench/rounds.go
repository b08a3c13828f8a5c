package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// probe tells what the machine is like: what a round trip takes that nothing of ours
// is part of, and how far such round trips lie apart at one time anyway.
type probe struct {
	rtt, spread time.Duration
}

// like says whether two probes are of the same machine.
func (p probe) like(q probe) bool {
	apart := max(p.rtt-q.rtt, q.rtt-p.rtt)
	return limits.SameRegime(p.rtt, q.rtt) || min(p.rtt, q.rtt) > 0 && apart <= min(p.spread, q.spread)
}

// regime is what the machine was like before and after a run.
type regime struct{ before, after probe }

func (r regime) same() bool { return r.before.like(r.after) }

func (r regime) mean() probe {
	return probe{(r.before.rtt + r.after.rtt) / 2, min(r.before.spread, r.after.spread)}
}

// reading is a run and the regime that the machine was in.
type reading[T any] struct {
	found  T
	regime regime
}

// prober is a crew, or what stands for one in tests.
type prober interface {
	probe() (probe, error)
	run() (teamRun, error)
}

// rounds are measurements by turns: a slice of ours, of one contender, of another
// one, of ours again and so on, each of some 40 ms, and a probe of the raw round
// trip between any two.
//
//	probe  ours  probe  rival A  probe  rival B  probe  ours  probe  rival C  …
//
// All processes are there all the time and sleep but for their slices. A slice
// counts when the probes before and after it agree, and a pair of a rival's and of
// ours just before it when all four are of one regime: then what differs is the
// engine and not the machine. A pair takes a quarter of a second, a virtual machine
// stays in one regime for seconds, so most pairs count, and there are dozens of them.
type rounds struct {
	ours      []teamRun
	discarded int      // slices that don't count
	unsettled int      // slices that count although the machine changed its speed
	dozing    []Dozing // wakeup
	rivals    []*contest
}

// perOurs is how many contenders are measured after each slice of ours.
const perOurs = 2

// contest is a contender's side of the rounds.
type contest struct {
	Contender
	running   Running
	kept      []Figure
	ratios    []float64 // ours against it in one pair, more than 1 if we are better
	discarded int       // pairs that don't count
	unsettled int
	dozing    []Dozing // wakeup: what a variant of ours found that waits most of the time
	missing   error    // why it can't be measured
}

// measureRounds goes on until o.Runs slices count, and as many pairs of each
// contender, or until there were four times as many rounds or budget is spent. It
// returns what it has then, and an error when that is nothing.
func measureRounds(ctx context.Context, c prober, o RunOptions) (*rounds, error) {
	began := limits.Now()
	all := &rounds{}
	defer all.close()
	for _, rival := range o.Rivals {
		c := &contest{Contender: rival}
		if rival.Prepare != nil {
			c.missing = rival.Prepare(ctx)
		}
		if c.missing == nil {
			c.running, c.missing = rival.Start(ctx)
		}
		all.rivals = append(all.rivals, c)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for tried := 0; !all.complete(o.Runs) && tried < 4*o.Runs; tried++ {
		if o.Budget > 0 && limits.Now()-began > o.Budget.Nanoseconds() && len(all.ours) > 0 {
			break
		}
		if err := all.round(ctx, c, o, tried); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(all.least(), o.Runs, all.discarded)
		}
	}
	if len(all.ours) == 0 {
		return nil, fmt.Errorf("the machine changed its speed during each of %d runs: try again when it is quieter", all.discarded)
	}
	if o.Mode == Wakeup {
		return all, all.doze(c)
	}
	return all, nil
}

// close ends the contenders.
func (all *rounds) close() {
	for _, r := range all.rivals {
		if r.running != nil {
			_ = r.running.Close()
		}
	}
}

// due are the contenders that still need slices, another one first each time: what
// comes first has no advantage.
func (all *rounds) due(runs, round int) (list []*contest) {
	for i := range all.rivals {
		if r := all.rivals[(i+round)%len(all.rivals)]; r.missing == nil && len(r.kept) < runs {
			list = append(list, r)
		}
	}
	return list
}

// round is a slice of everybody who still needs one, ours among them now and then.
func (all *rounds) round(ctx context.Context, c prober, o RunOptions, number int) error {
	probed, err := c.probe()
	if err != nil {
		return err
	}
	bracket := func(measure func() error) (r regime, err error) {
		r.before = probed
		if err = measure(); err == nil {
			r.after, err = c.probe()
		}
		probed = r.after
		return r, err
	}
	due := all.due(o.Runs, number)
	for first := true; first || len(due) > 0; first = false {
		some := due[:min(perOurs, len(due))]
		due = due[len(some):]
		var ours reading[teamRun]
		ours.regime, err = bracket(func() (err error) {
			ours.found, err = c.run()
			return err
		})
		if err != nil {
			return err
		}
		if !all.keepOurs(ours, o) {
			continue
		}
		for _, rival := range some {
			var theirs reading[Figure]
			theirs.regime, err = bracket(func() error {
				theirs.found, rival.missing = rival.running.Slice()
				return nil
			})
			if err := errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			if rival.missing == nil {
				rival.keep(ours, theirs, o)
			}
		}
	}
	return nil
}

// keepOurs counts a slice of ours if it can be used.
func (all *rounds) keepOurs(ours reading[teamRun], o RunOptions) bool {
	switch {
	case o.metric().of(ours.found.Figure) <= 0: // nothing came: somebody was held up
		all.discarded++
		return false
	case ours.regime.same():
	case o.KeepAll:
		all.unsettled++
	default:
		all.discarded++
		return false
	}
	all.ours = append(all.ours, ours.found)
	return true
}

// keep counts a pair if it can be used.
func (r *contest) keep(ours reading[teamRun], theirs reading[Figure], o RunOptions) {
	same := theirs.regime.same() && ours.regime.mean().like(theirs.regime.mean())
	figure := o.metric().of(theirs.found)
	switch {
	case figure <= 0:
		r.discarded++
		return
	case same:
	case o.KeepAll:
		r.unsettled++
	default:
		r.discarded++
		return
	}
	r.kept = append(r.kept, theirs.found)
	r.ratios = append(r.ratios, o.metric().advantage(o.metric().of(ours.found.Figure), figure))
}

// least is how many runs count of the one who has the fewest.
func (all *rounds) least() int {
	n := len(all.ours)
	for _, r := range all.rivals {
		if r.missing == nil {
			n = min(n, len(r.kept))
		}
	}
	return n
}

func (all *rounds) complete(runs int) bool { return all.least() >= runs }
