package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/shm"
)

// evil is a payload that would clear the screen, and forge a line.
const evil = "\x1b[2Jevil\nlevel=ERROR\x9b31m\u202e"

// newRing creates a ring in dir, with a producer, that goes with the test.
func newRing(t *testing.T, dir, name string, kind ringway.Kind) (*ringway.Ring, *ringway.Producer) {
	t.Helper()
	r, err := ringway.CreateRing(name, kind, ringway.Dir(dir), ringway.Capacity(8192))
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Close()
		_ = r.Close()
		_ = ringway.RemoveRing(name, ringway.Dir(dir))
	})
	return r, p
}

func send(t *testing.T, p *ringway.Producer, msgs ...string) {
	t.Helper()
	for i, m := range msgs {
		if err := p.TrySendTyped(uint16(i), []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
}

// dead leaves a ring in dir whose producer's process was killed.
func dead(t *testing.T, dir, name string) {
	t.Helper()
	r, err := ringway.CreateRing(name, ringway.SPSC, ringway.Dir(dir), ringway.Capacity(4096))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SHMBENCH_TEST_HOLD="+name, "SHMBENCH_TEST_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe() // the child ends with it
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if strings.TrimSpace(line) != "attached" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	t.Cleanup(func() { _ = ringway.RemoveRing(name, ringway.Dir(dir)) })
}

// hold is the child of dead.
func hold(name, dir string) {
	r, err := ringway.OpenRing(name, ringway.Dir(dir))
	if err == nil {
		_, err = r.Producer()
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("attached")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// harmless fails the test if text has anything that a terminal obeys, or that
// begins a line which somebody else wrote.
func harmless(t *testing.T, text string) {
	t.Helper()
	for i, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("%q at offset %d of what is printed:\n%q", r, i, text)
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "level=ERROR") {
			t.Fatalf("a forged line in:\n%s", text)
		}
	}
}

func TestLsListsEverySectionAndWhoIsAttached(t *testing.T) {
	dir := t.TempDir()
	_, p := newRing(t, dir, "ticks", ringway.SPSC)
	newRing(t, dir, "orders", ringway.MPMC)
	dead(t, dir, "left")
	send(t, p, "one", "two")
	if err := os.WriteFile(filepath.Join(dir, "ringway.junk"), []byte(evil), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := shmbench(t, "ls", "--dir", dir)
	if err != nil {
		t.Fatal(err)
	}
	harmless(t, out)
	for _, want := range [][]string{
		{"ticks", "spsc", "8 KiB", fmt.Sprintf("producer %d alive since", os.Getpid())},
		{"orders", "mpmc", "producer"},
		{"left", "dead, had attached at"},
		{"junk", "ringway: open"},
	} {
		if !slices.ContainsFunc(strings.Split(out, "\n"), func(line string) bool {
			return strings.HasPrefix(line, want[0]) && !slices.ContainsFunc(want, func(s string) bool { return !strings.Contains(line, s) })
		}) {
			t.Errorf("no line with %q in\n%s", want, out)
		}
	}
	out, err = shmbench(t, "ls", "--dir", dir, "--json", "-")
	var listed struct{ Sections []struct{ Name string } }
	if err == nil {
		err = json.Unmarshal([]byte(out), &listed)
	}
	if err != nil || len(listed.Sections) != 4 {
		t.Fatal(out, err)
	}
	if !strings.Contains(out, `"sent_messages": 2`) {
		t.Errorf("no count in\n%s", out)
	}
}

func TestHostileNamesDoNothingToATerminal(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"a\x1b[2Jb\nlevel=ERROR", "c1\u009b31m\u202egnp", "bytes\xff\xfe", "tab\tquote\"<&>", "\U0001f600"} {
		if err := os.WriteFile(filepath.Join(dir, "ringway."+name), nil, 0o600); err != nil && runtime.GOOS == "linux" {
			t.Fatal(i, err)
		}
	}
	for _, args := range []string{"ls", "ls --json -", "top --count 1", "top --count 1 --json", "rm --stale", "rm --stale --json -"} {
		out, err := shmbench(t, append(strings.Fields(args), "--dir", dir)...)
		if err != nil {
			t.Fatal(args, err)
		}
		harmless(t, out)
		if strings.HasSuffix(args, "-") && !json.Valid([]byte(out)) {
			t.Errorf("%s is no JSON:\n%s", args, out)
		}
	}
	for _, name := range []string{"a\x1b[2Jb", "../../etc/passwd", "-x"} {
		for _, args := range [][]string{{"inspect", "--", name}, {"tail", "--", name}, {"rm", "--force", "--dir", dir, "--", name}} {
			out, err := shmbench(t, args...)
			if err == nil {
				t.Fatalf("%q was accepted", args)
			}
			harmless(t, out+err.Error())
		}
	}
}

func TestLsOfNothingSaysSo(t *testing.T) {
	if out, err := shmbench(t, "ls", "--dir", t.TempDir()); err != nil || out != "no sections\n" {
		t.Error(out, err)
	}
	if _, err := shmbench(t, "ls", "--dir", filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a directory that is not there was listed")
	}
}

func TestInspectShowsFramesAndChangesNoByte(t *testing.T) {
	for _, kind := range []ringway.Kind{ringway.SPSC, ringway.MPMC} {
		dir := t.TempDir()
		_, p := newRing(t, dir, "ticks", kind)
		send(t, p, "hello", evil, strings.Repeat("x", 1000))
		file := filepath.Join(dir, "ringway.ticks")
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out string
		for _, args := range []string{"inspect ticks --bytes 32", "inspect ticks --json -", "ls", "tail ticks", "tail ticks --json", "top --count 1"} {
			text, err := shmbench(t, append(strings.Fields(args), "--dir", dir)...)
			if err != nil {
				t.Fatal(args, err)
			}
			if out == "" {
				out = text
			}
			harmless(t, text)
		}
		after, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("%v: the file was changed, or %v", kind, err)
		}
		for _, want := range []string{"type 0  5 bytes  committed", "|hello|", "1b 5b 32 4a", "… 968 bytes more", "3 sent_messages",
			kind.String(), "8 KiB", "alive"} {
			if !strings.Contains(out, want) {
				t.Errorf("%v: no %q in\n%s", kind, want, out)
			}
		}
	}
}

func TestInspectReadsWhatADeadProgramLeft(t *testing.T) {
	dir := t.TempDir()
	dead(t, dir, "left")
	out, err := shmbench(t, "inspect", "left", "--dir", dir)
	if err != nil || !strings.Contains(out, "dead") {
		t.Error(out, err)
	}
	if _, err := shmbench(t, "inspect", "nobody", "--dir", dir); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Error(err)
	}
}

func TestInspectShowsTheBeginningOfWhatCantBeOpened(t *testing.T) {
	dir := t.TempDir()
	newRing(t, dir, "ticks", ringway.SPSC)
	f, err := os.OpenFile(filepath.Join(dir, "ringway.ticks"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0xff}, 100); err != nil {
		t.Fatal(err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	out, err := shmbench(t, "inspect", "ticks", "--dir", dir)
	if err == nil || !strings.Contains(err.Error(), "corrupt") || !strings.Contains(out, "52 49 4e 47 57 41 59 01") || !strings.Contains(out, fmt.Sprint(size)) {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = shmbench(t, "inspect", "ticks", "--dir", dir, "--json", "-")
	if err == nil || !strings.Contains(out, `"status": "corrupt"`) || !strings.Contains(out, `"start": "UklOR1dBWQ`) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTailShowsMessagesAndConsumesNone(t *testing.T) {
	for _, kind := range []ringway.Kind{ringway.SPSC, ringway.MPMC} {
		dir := t.TempDir()
		r, p := newRing(t, dir, "ticks", kind)
		send(t, p, "one", evil)
		cmd := root()
		out, w := io.Pipe()
		cmd.SetOut(w)
		cmd.SetArgs([]string{"tail", "ticks", "--follow", "--dir", dir})
		ended := make(chan error, 1)
		go func() {
			err := cmd.ExecuteContext(t.Context())
			_ = w.Close()
			ended <- err
		}()
		lines := bufio.NewScanner(out)
		expect := func(want string) {
			t.Helper()
			if !lines.Scan() || !strings.Contains(lines.Text(), want) {
				t.Fatalf("%v: %q, want %q", kind, lines.Text(), want)
			}
			harmless(t, lines.Text())
		}
		expect("one")
		expect(`\x1b[2Jevil\nlevel`)
		send(t, p, "three") // while it follows
		expect("three")
		c, err := r.Consumer()
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := c.RecvAppend(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.End(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
}

func TestTailFollowsABroadcastRingAndSaysWhatItMissed(t *testing.T) {
	dir := t.TempDir()
	_, p := newFeed(t, dir, "feed", ringway.Capacity(4096))
	for i := range 200 {
		if err := p.TrySend(fmt.Appendf(nil, "quote %d of many, each of them of some length", i)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := shmbench(t, "tail", "feed", "--dir", dir)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err != nil || len(lines) < 10 || len(lines) > 64 || !strings.Contains(lines[len(lines)-1], "number 200  quote 199 of many") {
		t.Fatal(out, err)
	}
	// Lapped while it follows.
	v, err := inspect.Open("feed", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	o, err := v.Frames()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Next(nil); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if err := p.TrySend(make([]byte, 50)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := o.Next(nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := writeLine(&b, frameOf(f)); err != nil || f.Missed == 0 || !strings.Contains(b.String(), fmt.Sprintf("… %d messages were overwritten unseen\n", f.Missed)) {
		t.Errorf("%+v: %q, %v", f, b.String(), err)
	}
}

func TestTailEndsWhenItIsInterrupted(t *testing.T) {
	dir := t.TempDir()
	newRing(t, dir, "ticks", ringway.SPSC)
	ctx, cancel := context.WithCancel(t.Context())
	cmd := root()
	cmd.SetOut(io.Discard)
	cmd.SetArgs([]string{"tail", "ticks", "-f", "--dir", dir})
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := cmd.ExecuteContext(ctx); err != nil {
		t.Error(err)
	}
}

func TestRmRefusesWhileAnyoneLivesAndForceDoesNotHelp(t *testing.T) {
	dir := t.TempDir()
	_, p := newRing(t, dir, "ticks", ringway.SPSC)
	for _, args := range []string{"rm ticks", "rm ticks --force"} {
		out, err := shmbench(t, append(strings.Fields(args), "--dir", dir)...)
		if err == nil || !strings.Contains(out, "in use") {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := shmbench(t, "rm", "ticks", "--dir", dir); err != nil || out != "removed ticks\n" {
		t.Error(out, err)
	}
	if _, err := shmbench(t, "rm", "ticks", "--dir", dir); err == nil {
		t.Error("what is gone was removed")
	}
}

func TestRmStaleTakesWhatDeadProgramsLeftAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	newRing(t, dir, "alive", ringway.SPSC)
	_, p := newRing(t, dir, "waiting", ringway.SPSC)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	dead(t, dir, "left")
	if err := os.WriteFile(filepath.Join(dir, "ringway.junk"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := shmbench(t, "rm", "--stale", "--dir", dir); err != nil || out != "removed left\nkept waiting: nobody is attached, and nobody died\n" {
		t.Errorf("%v\n%s", err, out)
	}
	names, err := shm.Names(dir)
	if err != nil || !slices.Equal(names, []string{"alive", "junk", "waiting"}) {
		t.Error(names, err)
	}
	if out, err := shmbench(t, "rm", "--stale", "--dir", dir); err != nil || out != "nothing to remove\nkept waiting: nobody is attached, and nobody died\n" {
		t.Error(out, err)
	}
	// What can't be looked into is removed by force only.
	if _, err := shmbench(t, "rm", "junk", "--dir", dir); err == nil {
		t.Error("junk was removed without --force")
	}
	if _, err := shmbench(t, "rm", "junk", "--force", "--dir", dir); err != nil {
		t.Error(err)
	}
	for _, args := range []string{"rm", "rm --stale ticks"} {
		if _, err := shmbench(t, strings.Fields(args)...); err == nil {
			t.Errorf("%s was accepted", args)
		}
	}
}

func TestSizesAndRatesAreWrittenForPeople(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1 << 20: "1 MiB", 1536: "1.5 KiB", 1<<64 - 1: "16 EiB"} {
		if got := size(n); got != want {
			t.Errorf("%d bytes are %q, want %q", n, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0", 9999: "9999", 12345: "12.3 k", 2.5e6: "2.5 M", 1e9: "1.0 G"} {
		if got := count(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}
