package metrics_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/metrics"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// histogram returns a histogram, or nil if there is none.
func histogram(t *testing.T, c prometheus.Collector, name string) *dto.Histogram {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			if len(f.GetMetric()) != 1 {
				t.Fatalf("%s has %d series", name, len(f.GetMetric()))
			}
			return f.GetMetric()[0].GetHistogram()
		}
	}
	return nil
}

// forge counts durations for the consumer of a ring as if it had measured them.
func forge(t *testing.T, dir, name string, oneWay, wakeUp []uint64) {
	t.Helper()
	s, err := shm.Open(name, shm.OpenOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := s.Descriptor()
	g, err := ring.GeometryOf(ring.Kind(d.Kind), d.Params, uint64(d.BodySize))
	if err != nil {
		t.Fatal(err)
	}
	one, wake, _ := ring.Latencies(g, s.Body(), 1)
	for _, ns := range oneWay {
		one.Observe(ns)
	}
	for _, ns := range wakeUp {
		wake.Observe(ns)
	}
}

func TestASampledRingHasHistogramsOfItsLatencies(t *testing.T) {
	dir := t.TempDir()
	r := newRing(t, dir, "ticks", ringway.SPSC, ringway.SampleLatency(1<<30)) // nothing by chance
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close() // which leaves that there was one
	forge(t, dir, "ticks", []uint64{10, 100, 100, 1000, 1 << 60}, []uint64{50_000})
	for _, c := range []prometheus.Collector{metrics.NewMachine(dir, 0), metrics.NewRings(r)} {
		h := histogram(t, c, "ringway_ring_latency_seconds")
		if h.GetSampleCount() != 5 || h.GetSampleSum() < float64(1<<60)/1e9 {
			t.Errorf("%v", h)
		}
		at := func(h *dto.Histogram, end float64) uint64 {
			for _, b := range h.GetBucket() {
				if b.GetUpperBound() == end {
					return b.GetCumulativeCount()
				}
			}
			t.Errorf("no bucket ends at %v in %v", end, h)
			return 0
		}
		for end, want := range map[float64]uint64{64e-9: 1, 128e-9: 3, 512e-9: 3, 1024e-9: 4, float64(1<<37) / 1e9: 4} {
			if got := at(h, end); got != want {
				t.Errorf("%d took less than %v s, want %d", got, end, want)
			}
		}
		w := histogram(t, c, "ringway_ring_wakeup_seconds")
		if w.GetSampleCount() != 1 || w.GetSampleSum() != 50e-6 || at(w, 65536e-9) != 1 || at(w, 32768e-9) != 0 {
			t.Errorf("%v", w)
		}
	}
	problems, err := testutil.CollectAndLint(metrics.NewMachine(dir, 0))
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestARingThatIsNotSampledHasNoHistograms(t *testing.T) {
	dir := t.TempDir()
	traffic(t, newRing(t, dir, "ticks", ringway.SPSC))
	if h := histogram(t, metrics.NewMachine(dir, 0), "ringway_ring_latency_seconds"); h != nil {
		t.Errorf("%v", h)
	}
}
