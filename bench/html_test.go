package bench

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestThePageIsCompleteInItself(t *testing.T) {
	doc := sampleDocument()
	var b bytes.Buffer
	if err := WriteHTML(&b, doc, Changes(doc, doc), "yesterday"); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"Round trip, all percentiles", "Throughput over size", "fast &lt;queue&gt;", "Test &lt;CPU&gt;", "1.50 ×",
		"limit: raw round trip", "ghost: not here", "was not measured: the machine &lt;slept&gt;", "yesterday", "within the noise"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	// Nothing is loaded: no address but those that name XML's spaces.
	outside := regexp.MustCompile(`(?i)(src|href)\s*=|@import|url\(|<script|<link|<iframe`)
	for _, found := range outside.FindAllString(text, -1) {
		t.Errorf("it loads something: %q", found)
	}
	if strings.Contains(text, "<queue>") || strings.Contains(text, "#0303") || strings.Contains(text, "ZgotmplZ") {
		t.Error("something is not escaped, or a colour was not replaced")
	}
	// Each plot is well-formed.
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1) {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v in %.300s", err, svg)
			}
		}
	}
}

func TestAPageOfNothingButMissesIsAPageToo(t *testing.T) {
	var b bytes.Buffer
	doc := Document{Machine: Machine{Note: "Under Wine: x"}, Results: []Result{{Engine: Ringway, Case: "spsc-8", Missing: "x"}}}
	if err := WriteHTML(&b, doc, nil, ""); err != nil || !strings.Contains(b.String(), "Under Wine: x.") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestAChangeIsOneOnlyWhenItIsMoreThanTheNoise(t *testing.T) {
	old, now := sampleDocument(), sampleDocument()
	rtt := func(d *Document, p50 int64, spread float64) {
		times := *d.Results[0].RTT
		times.P50 = p50
		d.Results[0].RTT, d.Results[0].Spread = &times, spread
	}
	for _, c := range []struct {
		then, now int64
		spread    float64
		want      string
	}{
		{200, 250, 0.1, Worse}, {250, 200, 0.1, Better}, {200, 210, 0.1, InNoise}, {200, 250, 0.3, InNoise}, {200, 204, 0, InNoise},
	} {
		rtt(&old, c.then, c.spread)
		rtt(&now, c.now, c.spread)
		list := Changes(old, now)
		if got := list[0]; !got.Ours || got.Verdict != c.want || (got.Percent < 0) != (c.now > c.then) || got.RatioThen != 1.5 {
			t.Errorf("%v: %+v", c, got)
		}
	}
	var b bytes.Buffer
	now.Results[3].MsgsPerSec /= 2
	if err := WriteChanges(&b, Changes(old, now)); err != nil || !strings.Contains(b.String(), "1 of ringway's figures are worse") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestRatiosAreCheckedAgainstTheTable(t *testing.T) {
	table := RatiosOf(sampleDocument())
	if len(table.Ratios) != 2 || table.Ratios[1].Against != "limit: raw round trip" || table.Ratios[0].Ratio != 1.5 {
		t.Fatalf("%+v", table)
	}
	for _, c := range []struct {
		ratio float64
		want  string
	}{{1.5, InNoise}, {1.3, InNoise}, {1.2, Worse}, {2, Better}} {
		doc := sampleDocument()
		doc.Results[0].Others[0].Ratio = c.ratio
		checks := table.Check(doc)
		if checks[0].Verdict != c.want || checks[1].Verdict != InNoise {
			t.Errorf("%g: %+v", c.ratio, checks)
		}
	}
	few := sampleDocument()
	few.Results[0].Others[0].Rounds = minRounds - 1
	if checks := table.Check(few); checks[0].Verdict != gone {
		t.Errorf("%+v", checks)
	}
	checks := table.Check(Document{})
	if checks[0].Verdict != gone {
		t.Errorf("%+v", checks)
	}
	var b bytes.Buffer
	if err := WriteChecks(&b, checks); err != nil || !strings.Contains(b.String(), "2 not measured now") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestTheMarkdownTableShowsMissesLikeWins(t *testing.T) {
	var b bytes.Buffer
	if err := WriteMarkdown(&b, sampleDocument()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Test <CPU>, 2 cores, linux", "2026-11-23.",
		"| `spsc-rtt` | round trips | 248 ns | raw round trip 100 ns, 2.48 × | fast <queue> 248 ns | 1.50 × (1.40 to 1.70) | at most 1.15: missed; at least 1.30 ×: reached | ahead |",
		"| `mpmc-2p2c` | two and two | not measured: the machine <slept> |", "Not measured: ghost: not here.",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
