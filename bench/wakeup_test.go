package bench_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench"
)

func TestAWakeupRunMeasuresWaitingBesideTheKernel(t *testing.T) {
	for _, wait := range []ringway.WaitStrategy{ringway.Park, ringway.Adaptive} {
		r, err := bench.Run(t.Context(), bench.RunOptions{
			Topology: "spsc", Mode: bench.Wakeup, Size: 64, Capacity: 64 << 10, Batch: 1, Runs: 1,
			Duration: 50 * time.Millisecond, Wait: wait, KeepAll: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.RTT == nil || r.RTT.P50 <= 0 || r.Wait != wait.String() || r.Messages == 0 {
			t.Errorf("%v: %+v", wait, r)
		}
		d := r.Dozing
		if d == nil || d.P50 <= 0 || d.P99 < d.P50 || d.Rate != 1000 || d.CPU < 0 || d.CPU > 64 || d.IdleCPU < 0 {
			t.Errorf("%v: %+v", wait, d)
		}
		others := 2 // a bare futex and a socket
		if wait != ringway.Park {
			others++ // and who parks at once
			if a := r.Others[2]; a.Missing != "" || a.Dozing == nil || a.Dozing.P50 <= 0 || a.Dozing.Rate != 1000 {
				t.Errorf("%v: beside %+v", wait, a)
			}
		}
		if len(r.Others) != others {
			t.Fatalf("%v: beside %+v", wait, r.Others)
		}
		if runtime.GOOS != "linux" {
			continue
		}
		if r.Limit == nil || r.Limit.Value <= 0 || r.Limit.Ratio <= 0 {
			t.Errorf("%v: limit %+v", wait, r.Limit)
		}
		for _, a := range r.Others {
			if a.Missing != "" || a.P50 <= 0 || a.Ratio <= 0 {
				t.Errorf("%v: beside %+v", wait, a)
			}
		}
	}
}
