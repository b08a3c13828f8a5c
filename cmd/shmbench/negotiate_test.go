package main

import (
	"strings"
	"testing"

	"github.com/ringway/ringway"
)

func TestNegotiateSaysWhatWasAgreedOnAndWhy(t *testing.T) {
	out, err := shmbench(t, "negotiate", "--explain", "--times", "3")
	if err != nil {
		t.Fatal(err, out)
	}
	for _, want := range []string{"* shm", "udp       may lose messages", "agreed    shm", "process ", "took      p50"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestNegotiateKeepsToTheTransportsThatAreAllowed(t *testing.T) {
	tr := ringway.Unix
	if tr.Missing() != "" {
		tr = ringway.Pipe
	}
	out, err := shmbench(t, "negotiate", "--transport", tr.String(), "--times", "1")
	if err != nil || !strings.Contains(out, "agreed    "+tr.String()) || strings.Contains(out, "shm") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := shmbench(t, "negotiate", "--transport", "tcp", "--times", "1"); err == nil {
		t.Errorf("tcp over a name:\n%s", out)
	}
}

func TestExplainAloneSaysWhereNothingCanBeTried(t *testing.T) {
	out, err := shmbench(t, "negotiate", "--explain", "--network")
	if err != nil || !strings.Contains(out, "* tcp") || strings.Contains(out, "agreed") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTheMatrixHasAFigureOrWordsForEachTransport(t *testing.T) {
	out, err := shmbench(t, "run", "--mode", "latency", "--transport", "all", "--duration", "5ms", "--wait", "adaptive")
	if err != nil {
		t.Fatal(err, out)
	}
	for _, tr := range ringway.AllTransports() {
		found := false
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, tr.String()) && (strings.Contains(line, "µs") || strings.Contains(line, ": ")) {
				found = true
			}
		}
		if !found {
			t.Errorf("nothing about %v in\n%s", tr, out)
		}
		if tr.Missing() == "" && tr != ringway.Bridge && strings.Contains(out, tr.String()+" on ") {
			t.Errorf("%v was not measured:\n%s", tr, out)
		}
	}
}
