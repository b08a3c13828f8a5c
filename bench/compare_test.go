package bench

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway/bench/limits"
	"github.com/ringway/ringway/bench/rivals"
)

func TestAWinnerIsCalledOnlyWhenTheMedianIsCertainlyOnOneSide(t *testing.T) {
	for _, c := range []struct {
		ratios []float64
		want   string
	}{
		{[]float64{1.1, 1.2, 1.3, 1.2, 1.2}, Ahead},
		{[]float64{0.5, 0.9, 0.6, 0.6, 0.6}, Behind},
		{[]float64{1.5, 1.5, 1.5, 1.5, 0.99}, TooClose},
		{[]float64{0.5, 0.5, 0.5, 0.5, 1.01}, TooClose},
		{[]float64{1, 2, 3, 4, 5}, TooClose},
		{[]float64{9, 9, 9, 9}, TooFew},
	} {
		a := compareRatios("x", slices.Clone(c.ratios))
		if a.Verdict != c.want || a.Low != slices.Min(c.ratios) || a.High != slices.Max(c.ratios) || a.Rounds != len(c.ratios) {
			t.Errorf("%v: %+v, want %s", c.ratios, a, c.want)
		}
	}
}

func TestTheRatioIsTheMedianOfTheRounds(t *testing.T) {
	for _, c := range []struct {
		ratios []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{3, 1}, 2}, {[]float64{9, 1, 2}, 2}, {[]float64{1, 9, 2, 3}, 2.5}} {
		if a := compareRatios("x", c.ratios); a.Ratio != c.want {
			t.Errorf("%v: %g, want %g", c.ratios, a.Ratio, c.want)
		}
	}
}

func TestATargetIsReachedOrMissedOnlyWhenThatIsCertain(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		rounds    int
		want      string
	}{{1.5, 2, 5, Reached}, {1.2, 1.49, 5, Missed}, {1.4, 1.6, 5, Undecided}, {2, 3, 2, Undecided}} {
		a := Against{Low: c.low, High: c.high, Rounds: c.rounds}
		if a.judge(1.5); a.Reached != c.want || a.Target != 1.5 {
			t.Errorf("%v: %s", c, a.Reached)
		}
	}
	for _, c := range []struct {
		low, high, target float64
		want              string
	}{
		{1, 1.1, 1.15, Reached}, {1.2, 2, 1.15, Missed}, {1.1, 1.2, 1.15, Undecided}, // round trips: at most
		{0.95, 1.5, 0.9, Reached}, {0.5, 0.89, 0.9, Missed}, {0.8, 0.95, 0.9, Undecided}, // rates: at least
	} {
		l := Limit{Low: c.low, High: c.high}
		if l.judge(c.target); l.Reached != c.want {
			t.Errorf("%v: %s", c, l.Reached)
		}
	}
}

func TestARatioAboveOneIsBetterForUsWhateverTheUnit(t *testing.T) {
	if r := Rate.advantage(200, 100); r != 2 {
		t.Errorf("twice the rate is %g", r)
	}
	for _, m := range []Metric{P50, P999} {
		if r := m.advantage(100, 200); r != 2 {
			t.Errorf("half the time is %g by %s", r, m)
		}
	}
	l := Limit{Name: "raw round trip", Ratio: 2, Low: 1.6, High: 4}
	if a := l.against(P50, 5); a.Ratio != 0.5 || a.Low != 0.25 || a.High != 1/1.6 {
		t.Errorf("%+v", a)
	}
}

func TestEveryCaseCanBeMeasuredAndHasRivalsThatCan(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range Cases() {
		if seen[c.Name] || c.Title == "" {
			t.Errorf("%s: %q", c.Name, c.Title)
		}
		seen[c.Name] = true
		o := c.Options
		o.Runs, o.Duration = 1, time.Millisecond
		if err := o.check(); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		for _, v := range c.beside {
			o := v.Options
			o.Runs, o.Duration = 1, time.Millisecond
			if err := o.check(); err != nil {
				t.Errorf("%s beside %s: %v", c.Name, v.Title, err)
			}
		}
		targets := 0
		for _, r := range c.contenders(time.Millisecond) {
			if c.aims(r) {
				targets++
			}
		}
		if c.Target > 0 && targets < 1 {
			t.Errorf("%s: %d rivals to be compared with", c.Name, targets)
		}
	}
	// The words that programs look for.
	for _, name := range []string{"spsc-rtt", "spsc-8", "spsc-8-batch", "spsc-small", "spsc-64", "spsc-64k", "mpmc-1p1c", "mpmc-2p2c",
		"mpmc-2p2c-batch", "mpmc-4p4c", "broadcast-1", "broadcast-3", "paced", "rtt-vs-kernel"} {
		if !seen[name] {
			t.Errorf("no case %s", name)
		}
	}
}

func TestTheBestRivalIsTheClosestOfThoseWithEnoughPairs(t *testing.T) {
	few, near, far := &Against{Ratio: 0.1, Rounds: minRounds - 1}, &Against{Ratio: 1.2, Rounds: minRounds}, &Against{Ratio: 3, Rounds: 40}
	if !near.closer(nil) || !near.closer(few) || few.closer(near) || !near.closer(far) || far.closer(near) || !few.closer(&Against{Ratio: 0.2, Rounds: 1}) {
		t.Error("the wrong one is the best")
	}
}

func TestCasesAreChosenByNameOrByHowTheyBegin(t *testing.T) {
	for _, c := range []struct {
		filters, want string
	}{
		{"spsc-8", "spsc-8"}, // and not spsc-8-batch
		{"spsc-64k", "spsc-64k"},
		{"spsc-8 paced", "spsc-8 paced"},
		{"mpmc-2", "mpmc-2p2c mpmc-2p2c-batch"},
	} {
		list, err := chosen(strings.Fields(c.filters))
		var names []string
		for _, l := range list {
			names = append(names, l.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != c.want {
			t.Errorf("%s: %s, %v", c.filters, got, err)
		}
	}
	if list, err := chosen(nil); err != nil || len(list) != len(Cases()) {
		t.Errorf("%d, %v", len(list), err)
	}
	if _, err := chosen([]string{"spsc", "nothing"}); err == nil || !strings.Contains(err.Error(), "spsc-rtt") {
		t.Error(err)
	}
}

func TestCompareMeasuresACaseBesideWhatTheSystemCanDo(t *testing.T) {
	if a, b := limits.PickPair(); a == b {
		t.Skip("two processes that measure need two processors")
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv("PATH", t.TempDir()) // no rival can be built: they are named as missing
	doc, err := Compare(t.Context(), CompareOptions{Cases: []string{"rtt-vs-kernel", "spsc-64k-lease"}, Runs: 1, Duration: 5 * time.Millisecond, KeepAll: true})
	if err != nil {
		t.Fatal(err)
	}
	ours, ok := doc.ours("rtt-vs-kernel")
	if !ok || ours.RTT == nil || ours.Histogram == nil || ours.Metric != string(P50) || ours.Class != "" {
		t.Fatalf("%+v", ours)
	}
	missing := 0
	for _, r := range doc.of("rtt-vs-kernel")[1:] {
		switch {
		case r.Missing != "":
			missing++
		case r.Class != System || r.RTT == nil || ours.against(r.Engine) == nil:
			t.Errorf("%+v", r)
		}
	}
	if list := doc.missing(); missing < 5 || len(list) > missing || !strings.Contains(strings.Join(list, "\n"), "ZeroMQ (ipc)") {
		t.Errorf("%d missing: %v", missing, list)
	}
	lease, ok := doc.ours("spsc-64k-lease")
	if !ok || lease.Against == nil || lease.Against.Engine != "limit: memcpy in" || !lease.Lease {
		t.Errorf("%+v", lease)
	}
	var text bytes.Buffer
	if err := WriteComparison(&text, doc); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"rtt-vs-kernel · ", "limit: raw round trip", "not measured:", "Targets: ", "ZeroMQ (ipc)"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestCompareMeasuresRingwayBesideItselfInAnotherSetting(t *testing.T) {
	if a, b := limits.PickPair(); a == b {
		t.Skip("two processes that measure need two processors")
	}
	for name, engines := range map[string][]string{
		"broadcast-asleep": {nobody}, "broadcast-busy": {overSPSC}, "broadcast-rtt": {"read-only subscribers"},
	} {
		doc, err := Compare(t.Context(), CompareOptions{Cases: []string{name}, Runs: 1, Duration: 5 * time.Millisecond, KeepAll: true})
		if err != nil {
			t.Fatal(err)
		}
		ours, ok := doc.ours(name)
		if !ok || ours.Messages == 0 || len(doc.of(name)) != 1+len(engines) {
			t.Errorf("%s: %d results, %+v", name, len(doc.of(name)), ours)
		}
		for _, e := range engines {
			if a := ours.against(e); a == nil || a.Ratio <= 0 || a.Rounds != 1 {
				t.Errorf("%s: beside %s %+v", name, e, a)
			}
		}
		if name == "broadcast-rtt" && (ours.Limit == nil || ours.Limit.Target == 0 || ours.RTT.P999 <= 0) {
			t.Errorf("%s: limit %+v, %+v", name, ours.Limit, ours.RTT)
		}
	}
}

func TestCompareEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := Compare(ctx, CompareOptions{Cases: []string{"spsc-64k"}, Runs: 1000, Duration: time.Second, Progress: func(CompareProgress) { cancel() }})
	if !errors.Is(err, ctx.Err()) {
		t.Error(err)
	}
}

// sampleDocument has a case with a rival, one with a limit, and one that is
// missing.
func sampleDocument() Document {
	h := limits.NewHistogram(0)
	for i := range 10_000 {
		h.Record(200 + float64(i%97))
	}
	times := &RTT{Min: 200, P50: 248, P90: 288, P99: 296, P999: 296, P9999: 296, Max: 296}
	return Document{Machine: Machine{CPU: "Test <CPU>", Cores: 2, OS: "linux", Arch: "amd64"}, Date: "2026-11-23T12:00:00Z", Results: []Result{
		{Engine: Ringway, Case: "spsc-rtt", Title: "round trips", Mode: Latency, Topology: "spsc", Producers: 1, Consumers: 1, MessageBytes: 64,
			Metric: string(P50), RTT: times, Histogram: h, Runs: 5, Discarded: 2, Spread: 0.1,
			Limit:   &Limit{Name: "raw round trip", Value: 100, Ratio: 2.48, Low: 2.4, High: 2.6, Target: 1.15, Reached: Missed},
			Against: &Against{Engine: "fast <queue>", Ratio: 1.5, Spread: 0.2, Low: 1.4, High: 1.7, Rounds: 5, Verdict: Ahead, Target: 1.3, Reached: Reached},
			Others:  []Against{{Engine: "fast <queue>", Ratio: 1.5, Spread: 0.2, Low: 1.4, High: 1.7, Rounds: 5, Verdict: Ahead, Target: 1.3, Reached: Reached}}},
		{Engine: "fast <queue>", Case: "spsc-rtt", Class: rivals.Cpp, Between: "threads", Mode: Latency, Metric: string(P50), RTT: times, Histogram: h, Runs: 5},
		{Engine: "ghost", Case: "spsc-rtt", Class: rivals.Cpp, Missing: "not here"},
		{Engine: Ringway, Case: "size-8", Title: "8 bytes", Mode: Throughput, Topology: "spsc", MessageBytes: 8, Metric: string(Rate), MsgsPerSec: 5e7, BytesPerSec: 4e8, Runs: 3,
			Limit: &Limit{Name: "memcpy in and out", Value: 1e10, Ratio: 0.04, Low: 0.03, High: 0.05}},
		{Engine: Ringway, Case: "size-64", Title: "64 bytes", Mode: Throughput, Topology: "spsc", MessageBytes: 64, Metric: string(Rate), MsgsPerSec: 3e7, BytesPerSec: 19e8, Runs: 3},
		{Engine: Ringway, Case: "mpmc-2p2c", Title: "two and two", Mode: Throughput, Missing: "the machine <slept>"},
	}}
}

func TestTheCSVHasALineForEachResult(t *testing.T) {
	doc := sampleDocument()
	var b bytes.Buffer
	if err := WriteCSV(&b, doc.Results); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 1+len(doc.Results) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	at := func(row int, name string) string { return rows[row][slices.Index(rows[0], name)] }
	if at(1, "case") != "spsc-rtt" || at(1, "p50_ns") != "248" || at(1, "against") != "fast <queue>" || at(1, "ratio") != "1.5" ||
		at(1, "reached") != "yes" || at(3, "missing") != "not here" || at(4, "msgs_per_sec") != "5e+07" {
		t.Errorf("%v", rows)
	}
}

func TestTheJSONSaysWhatOursIsAgainst(t *testing.T) {
	text, err := json.Marshal(sampleDocument())
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Results []struct {
			Engine, Case string
			Against      *struct {
				Engine        string
				Ratio, Spread float64
			}
			Histogram string
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	r := doc.Results[0]
	if r.Engine != "ringway" || r.Case != "spsc-rtt" || r.Against == nil || r.Against.Engine != "fast <queue>" || r.Against.Ratio != 1.5 || r.Against.Spread != 0.2 {
		t.Errorf("%+v", r)
	}
	if !strings.HasPrefix(r.Histogram, "HIST") {
		t.Errorf("%.20s", r.Histogram)
	}
	if doc.Results[1].Against != nil {
		t.Errorf("%+v", doc.Results[1])
	}
}

func TestOnlyWhatCanBeTheMessagesCountsAsTheirAllocations(t *testing.T) {
	for _, c := range []struct {
		allocs   float64
		messages int64
		want     float64
	}{{0, 0, 0}, {90, 1_000_000, 0}, {1000, 100_000_001, 0}, {200, 1_000_000, 0.0002}, {50, 50, 1}, {50, 1000, 0.05}} {
		if got := perMessage(c.allocs, c.messages); got != c.want {
			t.Errorf("%v: %v", c, got)
		}
	}
}
