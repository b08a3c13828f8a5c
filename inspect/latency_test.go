package inspect_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/ring"
)

func TestALatencyIsReadByPeopleAndByPrograms(t *testing.T) {
	h := ring.HistogramOf(make([]byte, ring.HistogramSize))
	for ns := range uint64(1000) {
		h.Observe(ns * 100)
	}
	h.Observe(1 << 50)
	var l inspect.Latency
	h.AddTo((*ring.Durations)(&l))
	if got, want := l.String(), "1001 timed, p50 57.3 µs, p90 98.3 µs, p99 115 µs, p99.9 115 µs, mean 1125 s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	b, err := json.Marshal(&l)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Count   uint64  `json:"count"`
		Mean    float64 `json:"mean_ns"`
		P50     int64   `json:"p50_ns"`
		Buckets []struct {
			Below int64  `json:"below_ns"`
			Count uint64 `json:"count"`
		} `json:"buckets"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	n := uint64(0)
	for _, b := range doc.Buckets {
		n += b.Count
	}
	if doc.Count != 1001 || n != 1001 || doc.P50 < 50_000 || doc.P50 > 63_000 || doc.Buckets[len(doc.Buckets)-1].Below != -1 {
		t.Errorf("%s", b)
	}
	if none := new(inspect.Latency); none.String() != "0 timed" || none.Mean() != 0 {
		t.Error(none)
	}
}

func TestDurationsAreShownWithThreeDigits(t *testing.T) {
	for ns, want := range map[uint64]string{0: "0 ns", 64: "64 ns", 999: "999 ns", 1000: "1 µs", 1536: "1.54 µs", 999_400: "999 µs", 999_600: "1 ms",
		1_500_000_000: "1.5 s", 120e9: "120 s", math.MaxUint64: "> 2 min"} {
		if got := inspect.ShortDuration(ns); got != want {
			t.Errorf("%d ns are %q, want %q", ns, got, want)
		}
	}
}
