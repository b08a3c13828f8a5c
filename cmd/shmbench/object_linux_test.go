package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringway/ringway/sync"
)

func TestEventsAndSemaphoresAreListedAndRemovedByForceOnly(t *testing.T) {
	dir := t.TempDir()
	e, err := sync.CreateEvent("go", sync.EventOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s, err := sync.CreateSemaphore("slots", sync.SemaphoreOptions{Initial: 2, Max: 5, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before, err := os.ReadFile(filepath.Join(dir, "ringway.slots"))
	if err != nil {
		t.Fatal(err)
	}
	for args, wants := range map[string][]string{
		"ls":                     {"event", "not set", "reset by a wait; 0 wait", "semaphore", "2 of 5"},
		"top --count 1":          {"go", "event", "not set", "2 of 5"},
		"inspect go":             {"event", "not set", "0 wait"},
		"inspect slots":          {"semaphore", "2 of 5"},
		"inspect slots --json -": {`"kind": "semaphore"`, `"count": 2`, `"most": 5`},
		"ls --json -":            {`"kind": "event"`},
		"rm --stale":             {"nothing to remove"},
	} {
		out, err := shmbench(t, append(strings.Fields(args), "--dir", dir)...)
		if err != nil || strings.Contains(out, "unknown") {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", args, want, out)
			}
		}
	}
	if after, err := os.ReadFile(filepath.Join(dir, "ringway.slots")); err != nil || string(before) != string(after) {
		t.Error("looking changed it, or ", err)
	}
	if out, err := shmbench(t, "rm", "go", "slots", "--dir", dir); err == nil || !strings.Contains(out, "can't be known") {
		t.Error(out, err)
	}
	if out, err := shmbench(t, "tail", "go", "--dir", dir); err == nil {
		t.Error(out)
	}
	if out, err := shmbench(t, "rm", "go", "slots", "--force", "--dir", dir); err != nil || out != "removed go\nremoved slots\n" {
		t.Error(out, err)
	}
}
