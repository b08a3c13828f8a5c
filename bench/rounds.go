package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// reading is a run and the regime that the machine was in.
type reading[T any] struct {
	found  T
	regime limits.Regime
}

// prober is a crew, or what stands for one in tests.
type prober interface {
	probe() (time.Duration, error)
	run() (teamRun, error)
}

// rounds are measurements by turns: one run of ours, then one of each
// contender, and a probe of the raw round trip between any two.
//
//	probe  ours  probe  rival A  probe  rival B  probe │ probe  ours …
//
// A run counts when the probes before and after it agree, and a pair of ours and
// a rival's when all four are of one regime: then what differs is the engine and
// not the machine.
type rounds struct {
	ours      []teamRun
	discarded int // runs that don't count
	unsettled int // runs that count although the machine changed its speed
	rivals    []*contest
}

// contest is a contender's side of the rounds.
type contest struct {
	Contender
	kept      []Figure
	ratios    []float64 // ours against it in one round, more than 1 if we are better
	discarded int       // pairs that don't count
	unsettled int
	missing   error // why it can't be measured
}

// measureRounds goes on until o.Runs runs count, and as many pairs of each
// contender, or until it has tried four times as often or budget is spent. It
// returns what it has then, and an error when that is nothing.
func measureRounds(ctx context.Context, c prober, o RunOptions) (*rounds, error) {
	all := &rounds{}
	for _, rival := range o.Rivals {
		c := &contest{Contender: rival}
		if rival.Prepare != nil {
			c.missing = rival.Prepare(ctx)
		}
		all.rivals = append(all.rivals, c)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	began := limits.Now()
	for tried := 0; !all.complete(o.Runs) && tried < 4*o.Runs; tried++ {
		if o.Budget > 0 && limits.Now()-began > o.Budget.Nanoseconds() && len(all.ours) > 0 {
			break
		}
		if err := all.round(ctx, c, o); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(all.least(), o.Runs, all.discarded)
		}
	}
	if len(all.ours) == 0 {
		return nil, fmt.Errorf("the machine changed its speed during each of %d runs: try again when it is quieter", all.discarded)
	}
	return all, nil
}

// round is one run of everybody who still needs one.
func (all *rounds) round(ctx context.Context, c prober, o RunOptions) error {
	probed, err := c.probe()
	if err != nil {
		return err
	}
	bracket := func(measure func() error) (r limits.Regime, err error) {
		r.Before = probed
		if err = measure(); err == nil {
			r.After, err = c.probe()
		}
		probed = r.After
		return r, err
	}
	var ours reading[teamRun]
	ours.regime, err = bracket(func() (err error) {
		ours.found, err = c.run()
		return err
	})
	if err != nil {
		return err
	}
	if !ours.regime.Same() {
		if !o.KeepAll {
			all.discarded++
			return nil
		}
		all.unsettled++
	}
	all.ours = append(all.ours, ours.found)
	for _, rival := range all.rivals {
		if rival.missing != nil || len(rival.kept) >= o.Runs {
			continue
		}
		var theirs reading[Figure]
		theirs.regime, err = bracket(func() error {
			theirs.found, rival.missing = rival.Measure(ctx)
			return nil
		})
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if rival.missing != nil {
			continue
		}
		if o.KeepAll && !theirs.regime.Same() {
			rival.unsettled++
		} else if !o.KeepAll && (!theirs.regime.Same() || !limits.SameRegime(ours.regime.RTT(), theirs.regime.RTT())) {
			rival.discarded++
			continue
		}
		rival.kept = append(rival.kept, theirs.found)
		rival.ratios = append(rival.ratios, o.metric().advantage(o.metric().of(ours.found.Figure), o.metric().of(theirs.found)))
	}
	return nil
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
