package metrics_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/metrics"
)

// asPrometheus is how a Prometheus server asks for metrics.
func asPrometheus(t testing.TB, url string) *http.Request {
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
	req.Header.Set("Accept-Encoding", "gzip")
	return req
}

// BenchmarkScrape1000 scrapes 1,000 sections with somebody attached to each, some
// 26,000 series: gathered as a program's own registry does it, and as a whole
// answer to Prometheus. What is to be reached is 50 ms.
func BenchmarkScrape1000(b *testing.B) {
	dir := b.TempDir()
	for i := range 1000 {
		r := newRing(b, dir, fmt.Sprintf("ring-%d", i), ringway.SPSC)
		p, err := r.Producer()
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = p.Close() })
		for range i % 30 {
			if err := p.TrySend(make([]byte, i%100)); err != nil {
				b.Fatal(err)
			}
		}
	}
	machine := metrics.NewMachine(dir, 0)
	perScrape := func(b *testing.B) {
		b.ReportAllocs()
		b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N), "ms/scrape")
	}
	b.Run("gather", func(b *testing.B) {
		r := prometheus.NewRegistry()
		r.MustRegister(machine)
		for b.Loop() {
			if _, err := r.Gather(); err != nil {
				b.Fatal(err)
			}
		}
		perScrape(b)
	})
	for _, encoding := range []string{"gzip", "identity"} {
		b.Run("http-"+encoding, func(b *testing.B) {
			server := httptest.NewServer(metrics.Handler(machine))
			defer server.Close()
			req := asPrometheus(b, server.URL)
			req.Header.Set("Accept-Encoding", encoding)
			size := int64(0)
			for b.Loop() {
				answer, err := http.DefaultClient.Do(req)
				if err != nil || answer.StatusCode != http.StatusOK {
					b.Fatal(answer, err)
				}
				if size, err = io.Copy(io.Discard, answer.Body); err != nil {
					b.Fatal(err)
				}
				_ = answer.Body.Close()
			}
			perScrape(b)
			b.ReportMetric(float64(size)/1024, "KiB/scrape")
		})
	}
}

func BenchmarkScrapeOwnRing(b *testing.B) {
	r := prometheus.NewRegistry()
	r.MustRegister(metrics.NewRings(newRing(b, b.TempDir(), "ticks", ringway.SPSC)))
	for b.Loop() {
		if _, err := r.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInspect(b *testing.B) {
	r := newRing(b, b.TempDir(), "ticks", ringway.SPSC)
	for b.Loop() {
		r.Inspect()
	}
}
