package inspect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

func TestMain(m *testing.M) {
	proctest.Main(m, proctest.Children{"send": send})
}

// send is a child: it sends ten messages and stays, with the producer's role.
func send(args []string) {
	r, err := ringway.OpenRing(args[0], ringway.Dir(args[1]))
	if err != nil {
		proctest.Fail(err)
	}
	var sender interface {
		SendTyped(ctx context.Context, typ uint16, b []byte) error
	}
	if r.Kind() == ringway.Broadcast {
		sender, err = r.Publisher()
	} else {
		sender, err = r.Producer()
	}
	if err != nil {
		proctest.Fail(err)
	}
	for i := range 10 {
		if err := sender.SendTyped(context.Background(), uint16(i), fmt.Appendf(nil, "message %d", i)); err != nil {
			proctest.Fail(err)
		}
	}
	fmt.Println("sent")
	proctest.Pause()
}

// create creates a ring in dir that goes with the test.
func create(t testing.TB, dir, name string, kind ringway.Kind, opts ...ringway.Option) *ringway.Ring {
	t.Helper()
	r, err := ringway.CreateRing(name, kind, append(opts, ringway.Dir(dir), ringway.Capacity(4096))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.Close()
		_ = ringway.RemoveRing(name, ringway.Dir(dir))
	})
	return r
}

func look(t *testing.T, dir, name string) inspect.Section {
	t.Helper()
	s := inspect.Look(name, dir)
	if s.Status != inspect.Good || s.Error != "" {
		t.Fatalf("%s is %s: %s", name, s.Status, s.Error)
	}
	return s
}

var kinds = []ringway.Kind{ringway.SPSC, ringway.MPMC, ringway.Broadcast}

func TestALivingAndADeadProducerAreTold(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.String(), func(t *testing.T) {
			dir := t.TempDir()
			create(t, dir, "ticks", kind)
			s := look(t, dir, "ticks")
			if s.Kind != kind.String() || s.Capacity != 4096 || len(s.Participants) != 0 || s.Ring.Depth != 0 || s.Stale() || !s.Counts.IsZero() {
				t.Errorf("new: %+v", s)
			}
			began := time.Now().Add(-time.Minute)
			child := proctest.Run(t, "send", "ticks", dir)
			child.Expect("sent")
			s = look(t, dir, "ticks")
			if len(s.Participants) != 1 || s.Living() != 1 || s.Stale() {
				t.Fatalf("with a living producer: %+v", s)
			}
			p := s.Participants[0]
			if p.Role != inspect.Roles(kind.String())[0] || p.State != "alive" || p.PID != child.Cmd.Process.Pid || p.Since.Before(began) || p.Since.After(time.Now()) ||
				p.Counts[ring.SentMessages] != 10 || p.Counts[ring.SentBytes] != 90 {
				t.Errorf("%+v", p)
			}
			moved := s.Ring.Moved
			if s.Counts != p.Counts || moved == 0 || moved > 10*64 {
				t.Errorf("%+v", s)
			}
			if kind != ringway.Broadcast && s.Ring.Depth != moved || kind == ringway.Broadcast && (s.Ring.Depth != 0 || s.Ring.Sequence != 11) {
				t.Errorf("%+v", s)
			}
			child.Kill()
			s = look(t, dir, "ticks")
			if s.Living() != 0 || s.Dead() != 1 || !s.Stale() || s.Counts[ring.SentMessages] != 10 {
				t.Errorf("with a dead producer: %+v", s)
			}
		})
	}
}

func TestFramesOfADeadProgramsRingCanBeRead(t *testing.T) {
	for _, kind := range kinds {
		dir := t.TempDir()
		create(t, dir, "ticks", kind)
		child := proctest.Run(t, "send", "ticks", dir)
		child.Expect("sent")
		child.Kill()
		v, err := inspect.Open("ticks", dir)
		if err != nil {
			t.Fatal(err)
		}
		o, err := v.Frames()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			f, err := o.Next(nil)
			if err != nil || string(f.Payload) != fmt.Sprintf("message %d", i) || int(f.Type) != i {
				t.Fatalf("%v %d: %+v, %v", kind, i, f, err)
			}
		}
		if _, err := o.Next(nil); err != ring.ErrEmpty || v.Faulted() {
			t.Errorf("%v: %v, faulted %t", kind, err, v.Faulted())
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLookingChangesNoByte(t *testing.T) {
	for _, kind := range kinds {
		dir := t.TempDir()
		create(t, dir, "ticks", kind)
		child := proctest.Run(t, "send", "ticks", dir)
		child.Expect("sent")
		child.Kill() // dead: its entry is what a participant would change
		file := filepath.Join(dir, "ringway.ticks")
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := inspect.All(dir); err != nil {
			t.Fatal(err)
		}
		v, err := inspect.Open("ticks", dir)
		if err != nil {
			t.Fatal(err)
		}
		v.Section()
		o, err := v.Frames()
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = o.Next(nil)
		}
		_ = v.Close()
		after, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("%v: the file has changed, or %v", kind, err)
		}
	}
}

// damage changes a section's file.
func damage(t *testing.T, dir, name string, f func(b []byte) []byte) {
	t.Helper()
	file := filepath.Join(dir, "ringway."+name)
	b, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, f(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// closed creates a ring that nobody has open.
func closed(t *testing.T, dir, name string, kind ringway.Kind) {
	t.Helper()
	if err := create(t, dir, name, kind).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestBadSectionsAreNamedForWhatTheyAreAndHideNoOther(t *testing.T) {
	dir := t.TempDir()
	const body = 2 * 4096 // where it starts, with a table of one page
	closed(t, dir, "good", ringway.SPSC)
	closed(t, dir, "mpmc", ringway.MPMC)
	want := map[string]inspect.Status{"good": inspect.Good, "mpmc": inspect.Good}
	for name, c := range map[string]struct {
		status inspect.Status
		change func(b []byte) []byte
	}{
		"flipped":   {inspect.Corrupt, func(b []byte) []byte { b[100] ^= 1; return b }},
		"position":  {inspect.Corrupt, func(b []byte) []byte { b[body+1] ^= 0xf0; return b }},
		"odd":       {inspect.Corrupt, func(b []byte) []byte { b[body] ^= 3; return b }},
		"truncated": {inspect.Corrupt, func(b []byte) []byte { return b[:5000] }},
		"short":     {inspect.NotRingway, func(b []byte) []byte { return b[:10] }},
		"empty":     {inspect.NotRingway, func(b []byte) []byte { return nil }},
		"zero":      {inspect.NotRingway, func(b []byte) []byte { clear(b); return b }},
		"version":   {inspect.Version, func(b []byte) []byte { b[16] = 9; return b }},
	} {
		closed(t, dir, name, ringway.SPSC)
		damage(t, dir, name, c.change)
		want[name] = c.status
	}
	s, err := shm.Create("other", shm.Options{Kind: 4711, Body: 100, Participants: 3, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want["other"] = inspect.Unknown
	if s, err = shm.Create("geometry", shm.Options{Kind: 1, Body: 100, Participants: 3, Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want["geometry"] = inspect.Corrupt
	if err := os.Mkdir(filepath.Join(dir, "ringway.directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	want["directory"] = inspect.NotRingway
	for name, status := range plant(t, dir) {
		want[name] = status
	}

	names, err := shm.Names(dir)
	if err != nil || len(names) != len(want) || !slices.IsSorted(names) {
		t.Errorf("%d names for %d sections: %q, %v", len(names), len(want), names, err)
	}
	all, err := inspect.All(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		status, ok := want[s.Name]
		if !ok || s.Status != status {
			t.Errorf("%q is %s (%s), want %s", s.Name, s.Status, s.Error, status)
		}
		if s.Status != inspect.Unknown && s.Error != "" && !strings.Contains(s.Error, strconv.Quote(s.Name)) {
			t.Errorf("%q: %s", s.Name, s.Error)
		}
		if (s.Error == "") != (s.Status == inspect.Good) {
			t.Errorf("%q is %s, and says %q", s.Name, s.Status, s.Error)
		}
		delete(want, s.Name)
		if _, err := json.Marshal(s); err != nil {
			t.Error(err)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestAMissingDirectoryIsAnError(t *testing.T) {
	if _, err := inspect.All(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		// The error wraps, so that only errors.Is finds it.
		if err == nil || !strings.Contains(err.Error(), "none") {
			t.Error(err)
		}
	}
}

func TestCountsInJSONAreThoseThatAreNotZero(t *testing.T) {
	var c inspect.Counts
	c[ring.SentMessages], c[ring.Corruptions] = 3, 1<<64-1
	b, err := json.Marshal(c)
	if err != nil || string(b) != `{"sent_messages":3,"corruptions":18446744073709551615}` {
		t.Errorf("%s, %v", b, err)
	}
	if b, err := json.Marshal(inspect.Counts{}); err != nil || string(b) != "{}" {
		t.Errorf("%s, %v", b, err)
	}
}

func TestNothingThatATerminalObeysIsPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"ticks-1.x_Y":       "ticks-1.x_Y",
		"":                  `""`,
		"two words":         "two words",
		"a\x1b[2Jb":         `"a\x1b[2Jb"`,
		"line\nlevel=ERROR": `"line\nlevel=ERROR"`,
		"\u202egnp.exe":     `"\u202egnp.exe"`,
		"\xff\xfe":          `"\xff\xfe"`,
		`quote"back\`:       `"quote\"back\\"`,
		"\x9b31m":           `"\x9b31m"`,
		"del\x7f":           `"del\x7f"`,
	} {
		if got := inspect.Printable(s, 0); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
	if got := inspect.Printable(strings.Repeat("x", 100), 10); got != "xxxxxxxxxx…" {
		t.Error(got)
	}
}

func BenchmarkAll1000(b *testing.B) {
	const sections = 1000
	dir := b.TempDir()
	for i := range sections {
		create(b, dir, fmt.Sprintf("ring-%04d", i), kinds[i%len(kinds)])
	}
	for b.Loop() {
		all, err := inspect.All(dir)
		if err != nil || len(all) != sections {
			b.Fatal(len(all), err)
		}
	}
}
