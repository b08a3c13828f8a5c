package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestAllSubscribersPrintTheSameBookAndTheSlowOneWhatItMissed(t *testing.T) {
	*messages, *rate, *capacity = 60_000, 200_000, 256<<10
	var out bytes.Buffer
	if err := publishToThree(context.Background(), "", &out); err != nil {
		t.Fatal(err)
	}
	said := make(map[string][]string)
	for line := range strings.Lines(out.String()) {
		who, what, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[who] = append(said[who], strings.TrimSpace(what))
	}
	first := said["first"]
	if len(first) != 5 || strings.Contains(first[1], "bid -") && strings.Contains(first[1], "ask -") {
		t.Fatalf("a report and four books:\n%s", out.String())
	}
	for _, who := range []string{"second", "slow"} {
		if len(said[who]) != 5 || strings.Join(said[who][1:], "\n") != strings.Join(first[1:], "\n") {
			t.Errorf("%s prints other books:\n%s", who, out.String())
		}
	}
	if slow := said["slow"]; len(slow) == 0 || !strings.Contains(slow[0], "missed") || strings.Contains(slow[0], "none") {
		t.Errorf("the slow one missed nothing:\n%s", out.String())
	}
}
