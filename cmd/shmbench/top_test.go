package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

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
		if err := tp.write(&b, lines, 0); err != nil {
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

func TestTopShowsTroubleFirstAndWhatIsInUseBeforeWhatIsNot(t *testing.T) {
	dir := t.TempDir()
	newRing(t, dir, "aaa", ringway.SPSC)
	if err := os.WriteFile(filepath.Join(dir, "ringway.bad"), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := ringway.CreateRing("a-free", ringway.SPSC, ringway.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, busy := newRing(t, dir, "zzz", ringway.SPSC)
	tp := top{dir: dir}
	if _, err := tp.next(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	defer tp.watch.Close()
	send(t, busy, "x")
	lines, err := tp.next(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range lines {
		names = append(names, l.Name)
	}
	if want := []string{"zzz", "bad", "aaa", "a-free"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if got := summary(lines); got != "4 sections, 1 bad" {
		t.Error(got)
	}
}

func TestANarrowScreenShowsTheColumnsThatAreWorthMost(t *testing.T) {
	m := &screen{top: &top{}}
	timed := activity{Section: inspect.Section{Name: "a-ring-of-some-program", Status: inspect.Good, Kind: "broadcast", Capacity: 8 << 20,
		OneWay: &inspect.Latency{}}}
	timed.Per = perSecond{Sent: 1e6, SentBytes: 8e9, Received: 1e6, ReceivedBytes: 8e9}
	m.Update(looked{lines: []activity{timed}})
	all := []string{"NAME", "KIND", "ALIVE", "DEAD", "DEPTH", "USE", "IN/s", "IN", "B/s", "OUT/s", "OUT", "B/s", "FULL/s", "EMPTY/s", "WAKES/s", "P50", "P99"}
	for width, without := range map[int]string{0: "", 200: "", 100: "IN OUT B/s EMPTY/s", 80: "IN OUT B/s FULL/s EMPTY/s WAKES/s P50",
		50: "ALIVE DEPTH USE OUT/s IN OUT B/s FULL/s EMPTY/s WAKES/s P50 P99"} {
		m.Update(tea.WindowSizeMsg{Width: width, Height: 10})
		rows := strings.Split(m.View(), "\n")
		left := slices.DeleteFunc(slices.Clone(all), func(title string) bool { return slices.Contains(strings.Fields(without), title) })
		if got := strings.Fields(rows[2]); !slices.Equal(got, left) {
			t.Errorf("%d columns: %q, want %q", width, got, left)
		}
		for _, r := range rows {
			if width > 0 && len(r) > width {
				t.Errorf("a row of %d columns: %q", len(r), r)
			}
		}
	}
}

func TestTheScreenScrollsBelowItsTitles(t *testing.T) {
	m := &screen{top: &top{}}
	var lines []activity
	for i := range 30 {
		lines = append(lines, activity{Section: inspect.Section{Name: fmt.Sprintf("ring-%02d", i), Status: inspect.Good, Kind: "spsc"}})
	}
	update := func(msg tea.Msg) { m.Update(msg) }
	update(tea.WindowSizeMsg{Width: 40, Height: 10})
	update(looked{lines: lines})
	want := func(after string, first, last int) {
		t.Helper()
		rows := strings.Split(m.View(), "\n")
		if len(rows) != 10 || !strings.HasPrefix(rows[0], "30 sections") || !strings.HasPrefix(rows[2], "NAME") ||
			!strings.HasPrefix(rows[3], fmt.Sprintf("ring-%02d", first)) || !strings.HasPrefix(rows[9], fmt.Sprintf("ring-%02d", last)) {
			t.Errorf("after %s:\n%s", after, m.View())
		}
		for _, r := range rows {
			if len(r) > 40 {
				t.Errorf("a row of %d columns: %q", len(r), r)
			}
		}
	}
	want("nothing", 0, 6)
	for _, k := range []struct {
		key         tea.KeyMsg
		first, last int
	}{
		{tea.KeyMsg{Type: tea.KeyUp}, 0, 6}, {tea.KeyMsg{Type: tea.KeyDown}, 1, 7}, {tea.KeyMsg{Type: tea.KeyPgDown}, 8, 14},
		{tea.KeyMsg{Type: tea.KeyEnd}, 23, 29}, {tea.KeyMsg{Type: tea.KeyDown}, 23, 29}, {tea.KeyMsg{Type: tea.KeyUp}, 22, 28},
		{tea.KeyMsg{Type: tea.KeyPgUp}, 15, 21}, {tea.KeyMsg{Type: tea.KeyHome}, 0, 6},
	} {
		update(k.key)
		want(k.key.String(), k.first, k.last)
	}
	update(tea.KeyMsg{Type: tea.KeyEnd})
	update(tea.WindowSizeMsg{Width: 40, Height: 40})
	if n := strings.Count(m.View(), "ring-"); n != 30 {
		t.Errorf("%d of 30 rings on a larger screen", n)
	}
}
