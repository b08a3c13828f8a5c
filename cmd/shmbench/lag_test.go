package main

import (
	"strings"
	"testing"

	"github.com/ringway/ringway"
)

func TestLsAndInspectSayHowFarASubscriberIsBehind(t *testing.T) {
	dir := t.TempDir()
	for name, opts := range map[string][]ringway.Option{"feed": nil, "gated": {ringway.Lossless()}} {
		r, p := newFeed(t, dir, name, opts...)
		if name == "feed" {
			if out, err := shmbench(t, "inspect", "feed", "--dir", dir); err != nil || !strings.Contains(out, "lag           -\n") {
				t.Errorf("without a subscriber: %v\n%s", err, out)
			}
		}
		s, err := r.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for range 3 {
			if err := p.TrySend([]byte("12345678")); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, err := shmbench(t, "ls", "--dir", dir)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		if name, _, _ := strings.Cut(line, " "); name != "NAME" && !strings.Contains(line, ", 3 messages behind") {
			t.Errorf("ls: %s", line)
		}
	}
	if !strings.Contains(out, "  3 msgs ") || !strings.Contains(out, "  48 B ") {
		t.Errorf("the lossy ring has messages that wait, the other one bytes:\n%s", out)
	}
	out, err = shmbench(t, "inspect", "feed", "--dir", dir)
	if err != nil || !strings.Contains(out, "lag           3 msgs\n") || strings.Contains(out, "depth") || !strings.Contains(out, ", 3 messages behind\n") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = shmbench(t, "inspect", "feed", "--dir", dir, "--json", "-")
	if err != nil || !strings.Contains(out, `"lag_messages": 3`) && !strings.Contains(out, `"lag_messages":3`) {
		t.Errorf("%v\n%s", err, out)
	}
}
