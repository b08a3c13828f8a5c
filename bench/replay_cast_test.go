package bench_test

import (
	"testing"

	"github.com/ringway/ringway/bench"
)

func TestReplayOverBroadcastGivesEverythingToEverybody(t *testing.T) {
	f := itch(t, 3000)
	r, err := bench.Replay(t.Context(), f, bench.ReplayOptions{Topology: "broadcast", Consumers: 3, Repeat: 2, Capacity: 8192, Lossless: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Cast == nil || r.Cast.Missed != 0 || r.Cast.Received != 3*r.Messages || len(r.Cast.Each) != 3 {
		t.Fatalf("%d messages: %+v", r.Messages, r.Cast)
	}
	for i, h := range r.Cast.Each {
		if h.Hash != r.Sent || h.Received != r.Messages {
			t.Errorf("receiver %d: %+v; sent %s", i, h, r.Sent)
		}
	}
	noneLeft(t)
}

func TestReplayOverLossyBroadcastCountsWhatIsMissingExactly(t *testing.T) {
	f := itch(t, 3000)
	for _, readOnly := range []bool{false, true} {
		// A ring for some hundred messages.
		r, err := bench.Replay(t.Context(), f, bench.ReplayOptions{Topology: "broadcast", Consumers: 2, Repeat: 10, Capacity: 4096, ReadOnly: readOnly})
		if err != nil {
			t.Fatal(err) // also if the hash of what should have come is another
		}
		for i, h := range r.Cast.Each {
			if h.Received+h.Missed != r.Messages || (h.Missed == 0) != (h.Hash == r.Sent) {
				t.Errorf("receiver %d: %+v; %d sent, %s", i, h, r.Messages, r.Sent)
			}
		}
	}
	noneLeft(t)
}

func TestReplayOverBroadcastRefusesWhatMakesNoSense(t *testing.T) {
	f := itch(t, 20)
	for _, o := range []bench.ReplayOptions{
		{Topology: "spsc", Repeat: 1, Lossless: true},
		{Topology: "mpmc", Repeat: 1, ReadOnly: true},
		{Topology: "broadcast", Repeat: 1, ReadOnly: true, Lossless: true},
	} {
		if _, err := bench.Replay(t.Context(), f, o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}
