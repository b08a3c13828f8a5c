package fallback_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringway/ringway/fallback"
)

func TestChooseAnswersTheQuestionsOfInterProcessCommunication(t *testing.T) {
	first := func(r fallback.Requirements) fallback.Transport {
		c := fallback.Choose(r)
		if len(c.Transports) == 0 {
			return 0
		}
		return c.Transports[0]
	}
	for _, c := range []struct {
		name string
		r    fallback.Requirements
		want fallback.Transport
	}{
		{"one machine", fallback.Requirements{}, fallback.SHM},
		{"a network", fallback.Requirements{Network: true}, fallback.TCP},
		{"a network that may lose", fallback.Requirements{Network: true, Lossy: true}, fallback.UDP},
		{"a child", fallback.Requirements{Child: true}, fallback.Child},
		{"many senders, one way", fallback.Requirements{ManySenders: true, OneWay: true}, fallback.Mailslot},
		{"Linux and Wine", fallback.Requirements{Wine: true}, fallback.TCP},
		{"to be found", fallback.Requirements{Unknown: true}, 0},
		{"a child on a network", fallback.Requirements{Child: true, Network: true}, 0},
		{"many senders of much", fallback.Requirements{ManySenders: true, OneWay: true, MessageBytes: 1 << 20}, 0},
		{"a shell that may lose datagrams", fallback.Requirements{Network: true, Lossy: true, Foreign: true}, fallback.UDP},
		{"only tcp", fallback.Requirements{Allowed: []fallback.Transport{fallback.TCP}}, fallback.TCP},
	} {
		got := first(c.r)
		if got == c.want || c.want != 0 && c.want.Missing() != "" {
			continue
		}
		if c.name == "Linux and Wine" && (got == fallback.Bridge || got == fallback.TCP) {
			continue
		}
		t.Errorf("%s: %v, want %v\n%v", c.name, got, c.want, fallback.Choose(c.r))
	}
}

func TestChooseSaysOfEachTransportWhyOrWhyNot(t *testing.T) {
	for _, r := range []fallback.Requirements{{}, {Network: true}, {Child: true}, {Wine: true}, {OneWay: true, ManySenders: true}} {
		c := fallback.Choose(r)
		if len(c.Answers) != len(fallback.Transports()) {
			t.Fatal(c)
		}
		for _, a := range c.Answers {
			if a.Why == "" || a.Chosen != slices.Contains(c.Transports, a.Transport) || !strings.Contains(c.String(), a.Why) {
				t.Errorf("%+v: %+v", r, a)
			}
		}
	}
}

func TestWhatMayLoseOrHasNoWayBackIsNeverChosenUnasked(t *testing.T) {
	for _, r := range []fallback.Requirements{{}, {Network: true}, {Wine: true}, {OneWay: true}, {Foreign: true}} {
		for _, tr := range fallback.Choose(r).Transports {
			if tr == fallback.UDP || tr == fallback.Mailslot {
				t.Errorf("%+v: %v", r, tr)
			}
		}
	}
}
