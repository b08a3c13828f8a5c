package bench_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway/bench"
)

func TestTheSameIsMeasuredWhileItIsScraped(t *testing.T) {
	o := bench.RunOptions{Topology: "spsc", Mode: bench.Throughput, Size: 8, Batch: 1, Capacity: 64 << 10,
		Duration: 5 * time.Millisecond, Runs: 1, KeepAll: true}
	o.Rivals = []bench.Contender{bench.Scraped(o, 1000)}
	result, err := bench.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r := result.Rival; r == nil || r.Missing != "" || r.MsgsPerSec <= 0 || !strings.Contains(r.Engine, "scraped 1000 times") {
		t.Errorf("%+v", r)
	}
}
