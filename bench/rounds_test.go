package bench

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// script is a crew whose probes and runs are known beforehand; the last ones
// repeat.
type script struct {
	probes []time.Duration
	ns     []int64 // of our runs, of 100 messages each
	done   int
	log    func()
}

func (s *script) probe() (probe, error) {
	p := s.probes[0]
	if len(s.probes) > 1 {
		s.probes = s.probes[1:]
	}
	return probe{rtt: p}, nil
}

func (s *script) run() (r teamRun, err error) {
	if s.done++; s.log != nil {
		s.log()
	}
	r.Messages, r.Ns = 100, s.ns[0]
	if len(s.ns) > 1 {
		s.ns = s.ns[1:]
	}
	return r, nil
}

// opponent takes its nanoseconds for 100 messages from a list.
type opponent struct {
	ns    []int64
	fails error
	log   func()
}

func (o *opponent) Slice() (Figure, error) {
	if o.log != nil {
		o.log()
	}
	f := Figure{Messages: 100, Ns: o.ns[0]}
	if len(o.ns) > 1 {
		o.ns = o.ns[1:]
	}
	return f, o.fails
}

func (o *opponent) Close() error { return nil }

func against(name string, ns ...int64) Contender {
	return Contender{Engine: name, Start: func(context.Context) (Running, error) { return &opponent{ns: ns}, nil }}
}

func TestARunDuringWhichTheMachineChangedIsThrownAwayAndCounted(t *testing.T) {
	// Before and after the first run the machine is different; then it settles.
	s := &script{probes: []time.Duration{100, 200, 100, 100}, ns: []int64{1, 1000}}
	all, err := measureRounds(t.Context(), s, RunOptions{Mode: Throughput, Runs: 2})
	if err != nil || len(all.ours) != 2 || all.discarded != 1 || all.unsettled != 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, r := range all.ours {
		if r.Ns != 1000 {
			t.Errorf("the run that doesn't count is among those that do: %+v", r)
		}
	}
}

func TestAPairCountsOnlyWithinOneRegime(t *testing.T) {
	// First round: ours at 100, then the machine changes during the rival's run.
	// Second: ours at 100, the rival's run wholly at 200. Third: all at 200.
	s := &script{probes: []time.Duration{100, 100, 200, 100, 100, 200}, ns: []int64{1000}}
	o := RunOptions{Mode: Throughput, Runs: 1, Rivals: []Contender{against("r", 1, 2, 3000)}}
	all, err := measureRounds(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	r := all.rivals[0]
	if len(r.kept) != 1 || r.kept[0].Ns != 3000 || r.discarded != 2 || len(r.ratios) != 1 || r.ratios[0] != 3 {
		t.Errorf("%+v", r)
	}
}

func TestOnAMachineThatNeverSettlesThereIsAnErrorUnlessAllIsKept(t *testing.T) {
	flip := make([]time.Duration, 100)
	for i := range flip {
		flip[i] = time.Duration(100 + 100*(i%2))
	}
	s := &script{probes: flip, ns: []int64{1000}}
	if _, err := measureRounds(t.Context(), s, RunOptions{Mode: Throughput, Runs: 3}); err == nil || s.done != 12 {
		t.Errorf("%v after %d runs", err, s.done)
	}
	s = &script{probes: flip, ns: []int64{1000}}
	all, err := measureRounds(t.Context(), s, RunOptions{Mode: Throughput, Runs: 3, KeepAll: true, Rivals: []Contender{against("r", 2000)}})
	if err != nil || len(all.ours) != 3 || all.unsettled != 3 || all.rivals[0].unsettled != 3 || len(all.rivals[0].ratios) != 3 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestARivalThatCannotBeMeasuredHoldsNobodyUp(t *testing.T) {
	no := errors.New("not here")
	unbuilt := Contender{Engine: "a", Prepare: func(context.Context) error { return no }, Start: func(context.Context) (Running, error) {
		t.Error("started without being built")
		return nil, nil
	}}
	broken := Contender{Engine: "b", Start: func(context.Context) (Running, error) { return &opponent{ns: []int64{1}, fails: no}, nil }}
	s := &script{probes: []time.Duration{100}, ns: []int64{1000}}
	all, err := measureRounds(t.Context(), s, RunOptions{Mode: Throughput, Runs: 3, Rivals: []Contender{unbuilt, broken, against("c", 500)}})
	if err != nil || s.done != 3 || all.rivals[0].missing != no || all.rivals[1].missing != no || len(all.rivals[2].kept) != 3 {
		t.Errorf("%+v, %v after %d runs", all, err, s.done)
	}
	o := RunOptions{Mode: Throughput}
	if r, against := o.rivalResult(all.rivals[0]); r.Missing != "not here" || against != nil {
		t.Errorf("%+v, %v", r, against)
	}
}

func TestABudgetEndsTheRounds(t *testing.T) {
	s := &script{probes: []time.Duration{100}, ns: []int64{1000}}
	all, err := measureRounds(t.Context(), s, RunOptions{Mode: Throughput, Runs: 1000, Budget: time.Nanosecond})
	if err != nil || len(all.ours) != 1 {
		t.Errorf("%d, %v", len(all.ours), err)
	}
}

func TestTheResultIsThatOfTheRunInTheMiddle(t *testing.T) {
	all := &rounds{discarded: 7}
	for _, ns := range []int64{3000, 1000, 2000, 9000, 1500} {
		r := teamRun{Copies: limits.Copies{One: 2e9, Two: 1e9}}
		r.Messages, r.Ns = 100, ns
		all.ours = append(all.ours, r)
	}
	o := RunOptions{Mode: Throughput, Size: 8}
	res := summary(o, all)
	if res.Seconds != 2000/1e9 || res.Runs != 5 || res.Discarded != 7 || res.Limit.Name != "memcpy in and out" {
		t.Errorf("%+v", res)
	}
	// 100 messages of 8 bytes in 2,000 ns are 0.4 GB/s of the 1 that two copies allow.
	if l := res.Limit; l.Ratio < 0.399 || l.Ratio > 0.401 || l.High < 0.799 || l.Exceeded {
		t.Errorf("%+v", l)
	}
	o.Lease = true
	if l := summary(o, all).Limit; l.Name != "memcpy in" || l.Ratio > 0.201 {
		t.Errorf("%+v", l)
	}
}

func TestContendersTakeTurnsAtBeingFirstAndOursIsBesideEachTwo(t *testing.T) {
	var order []string
	s := &script{probes: []time.Duration{100}, ns: []int64{1000}, log: func() { order = append(order, "ours") }}
	var rivals []Contender
	for _, name := range []string{"a", "b", "c"} {
		rivals = append(rivals, Contender{Engine: name, Start: func(context.Context) (Running, error) {
			return &opponent{ns: []int64{500}, log: func() { order = append(order, name) }}, nil
		}})
	}
	if _, err := measureRounds(t.Context(), s, RunOptions{Mode: Throughput, Runs: 3, Rivals: rivals}); err != nil {
		t.Fatal(err)
	}
	const want = "ours a b ours c ours b c ours a ours c a ours b"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestASliceInWhichNothingCameIsThrownAway(t *testing.T) {
	s := &script{probes: []time.Duration{100}, ns: []int64{0, 1000}} // 0 ns: no rate
	all, err := measureRounds(t.Context(), s, RunOptions{Mode: Throughput, Runs: 2, Rivals: []Contender{against("r", 0, 500)}})
	if err != nil || all.discarded != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	if r := all.rivals[0]; r.discarded != 1 || len(r.kept) != 2 || r.ratios[0] != 0.5 {
		t.Errorf("%+v", r)
	}
}

func TestMessagesThatWereLostOrDoubledAreAnError(t *testing.T) {
	c := &crew{producers: 2, counts: true}
	// Two producers sent 1, 2, 3 and 10, 11; two consumers took all of that.
	sent := []part{{Sent: 3, Sum: 6, Ns: 10}, {Sent: 2, Sum: 21}}
	for _, x := range []struct {
		took []part
		fine bool
	}{
		{[]part{{Took: 4, Sum: 17, Messages: 3}, {Took: 1, Sum: 10, Messages: 1}}, true},
		{[]part{{Took: 3, Sum: 7}, {Took: 1, Sum: 10}}, false},  // one is lost
		{[]part{{Took: 4, Sum: 17}, {Took: 2, Sum: 20}}, false}, // one came twice
		{[]part{{Took: 4, Sum: 18}, {Took: 1, Sum: 10}}, false}, // another in its place
	} {
		run, err := c.sumUp(append(slices.Clone(sent), x.took...))
		if (err == nil) != x.fine || x.fine && (run.Messages != 4 || run.Ns != 10) {
			t.Errorf("%+v: %+v, %v", x.took, run, err)
		}
	}
	// All subscribers of a lossless broadcast ring receive each message.
	cast := &crew{producers: 1, heard: true}
	if run, err := cast.sumUp([]part{{Messages: 50}, {Received: 40}, {Received: 42}}); err != nil || run.Messages != 41 {
		t.Errorf("%+v, %v", run, err)
	}
}

func TestProbesThatScatterByThemselvesAreAlikeWithinThat(t *testing.T) {
	us := time.Microsecond
	for _, c := range []struct {
		a, b probe
		like bool
	}{
		{probe{100, 0}, probe{115, 0}, true},
		{probe{100, 0}, probe{130, 0}, false},
		{probe{20 * us, 15 * us}, probe{30 * us, 12 * us}, true},
		{probe{20 * us, 15 * us}, probe{30 * us, 2 * us}, false}, // the other one is sure
		{probe{20 * us, 15 * us}, probe{40 * us, 15 * us}, false},
		{probe{0, 15 * us}, probe{10 * us, 15 * us}, false}, // nothing was measured
	} {
		if c.a.like(c.b) != c.like || c.b.like(c.a) != c.like {
			t.Errorf("%v and %v: %t", c.a, c.b, !c.like)
		}
	}
}
