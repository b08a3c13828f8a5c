package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
)

// TestTopOnATerminalShowsRatesAndQuitsOnQ drives top in a real terminal, which
// tmux provides.
func TestTopOnATerminalShowsRatesAndQuitsOnQ(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed: top was not seen on a terminal")
	}
	dir := t.TempDir()
	r, p := newRing(t, dir, "ticks", ringway.SPSC)
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	newRing(t, dir, "idle", ringway.MPMC)
	socket := filepath.Join(t.TempDir(), "tmux")
	tmux := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("tmux", append([]string{"-S", socket, "-f", os.DevNull}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	// What stands behind top is there again when it has quit.
	command := fmt.Sprintf("echo before; SHMBENCH_TEST_MAIN='top --interval 50ms --dir %s' %s; echo left with $?; exec cat", dir, os.Args[0])
	tmux("new-session", "-d", "-x", "130", "-y", "20", command)
	defer func() { _ = exec.Command("tmux", "-S", socket, "kill-server").Run() }()
	screen := func() string { return tmux("capture-pane", "-p") }
	until := func(what string, ok func(text string) bool) {
		t.Helper()
		var text string
		defer func() {
			if t.Failed() {
				t.Log(text)
			}
		}()
		proctest.Until(t, "the terminal shows "+what, func() bool {
			text = screen()
			return ok(text)
		})
	}
	until("the ring", func(s string) bool { return strings.Contains(s, "ticks") && strings.Contains(s, "2 sections") })
	until("a rate", func(s string) bool {
		send(t, p, "12345678")
		if _, err := c.TryRecv(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(s) {
			if f := strings.Fields(line); len(f) > 2 && f[0] == "ticks" && f[2] != "0" {
				return true
			}
		}
		return false
	})
	if s := screen(); strings.Contains(s, "before") {
		t.Errorf("not a screen of its own:\n%s", s)
	}
	tmux("resize-window", "-x", "40", "-y", "3")
	until("fewer columns", func(s string) bool {
		for line := range strings.Lines(s) {
			if len(strings.TrimRight(line, "\n")) > 40 {
				return false
			}
		}
		return strings.Contains(s, "sections")
	})
	tmux("send-keys", "q")
	until("the end", func(s string) bool { return strings.Contains(s, "left with 0") })
	if !strings.Contains(tmux("capture-pane", "-p", "-S", "-"), "before") {
		t.Error("the screen before was not restored")
	}
}
