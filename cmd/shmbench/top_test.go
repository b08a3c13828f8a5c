package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/sync"
)

func TestTopShowsRatesPlainWhenPiped(t *testing.T) {
	dir := t.TempDir()
	_, p := newRing(t, dir, "ticks", ringway.SPSC)
	newRing(t, dir, "aaa", ringway.MPMC)
	tp := top{dir: dir}
	began := time.Now()
	if _, err := tp.next(began); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		send(t, p, "12345678")
	}
	lines, err := tp.next(began.Add(2 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if l := lines[0]; l.Name != "ticks" || l.Per.Sent != 25 || l.Per.SentBytes != 200 || l.Per.Received != 0 {
		t.Errorf("%+v", lines)
	}
	out, err := shmbench(t, "top", "--dir", dir, "--count", "2", "--interval", "10ms")
	if err != nil || strings.Count(out, "ticks") != 2 || strings.Contains(out, "\x1b") {
		t.Error(out, err)
	}
	out, err = shmbench(t, "top", "--dir", dir, "--count", "2", "--interval", "10ms", "--json")
	if err != nil || strings.Count(out, "\n") != 2 || !strings.Contains(out, `"per_second":{"sent_messages":0`) {
		t.Error(out, err)
	}
}

func TestARateOfCountersThatWereForgedIsZero(t *testing.T) {
	now := time.Now()
	var high, low inspect.Counts
	high[ring.SentMessages] = 1 << 60
	if r := rates(look{at: now.Add(-time.Second), counts: high}, low, now); r.Sent != 0 {
		t.Error(r)
	}
}

func TestTopKeepsItsColumnsBelowABadSection(t *testing.T) {
	dir := t.TempDir()
	newRing(t, dir, "aaa", ringway.SPSC)
	newRing(t, dir, "zzz", ringway.MPMC)
	tp := top{dir: dir}
	lines, err := tp.next(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	lines = append(lines, activity{Section: inspect.Section{Name: "junk", Status: inspect.NotRingway}},
		activity{Section: inspect.Section{Name: "event", Status: inspect.Good, Kind: "event", Object: &sync.ObjectState{Kind: "event"}}})
	slices.SortFunc(lines, func(a, b activity) int { return strings.Compare(a.Name, b.Name) })
	for _, sampled := range []bool{false, true} {
		if sampled {
			lines[0].OneWay = &inspect.Latency{}
		}
		var b strings.Builder
		if err := tp.write(&b, lines); err != nil {
			t.Fatal(err)
		}
		rows := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		for row, want := range map[int]struct{ column, begins string }{
			1: {"ALIVE", "1 "}, 2: {"DEPTH", "not set "}, 3: {"KIND", "not-ringway "}, 4: {"ALIVE", "1 "},
		} {
			at := strings.Index(rows[0], want.column)
			if len(rows) != 5 || len(rows[row]) < at || !strings.HasPrefix(rows[row][at:], want.begins) {
				t.Errorf("sampled %t: no %q below %s in row %d of\n%s", sampled, want.begins, want.column, row, b.String())
			}
		}
	}
}
