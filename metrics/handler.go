package metrics

import (
	"bufio"
	"compress/gzip"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
)

// Handler returns what answers scrapes, in the text format or as OpenMetrics,
// with the given collectors and the standard ones of the Go runtime and of this
// process. It panics if two collectors have the same metrics. A thousand rings
// cost it a quarter of what they cost a registry with promhttp.
func Handler(cs ...prometheus.Collector) http.Handler {
	cs = append(cs, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	all, others := prometheus.NewRegistry(), prometheus.NewRegistry()
	all.MustRegister(cs...)
	h := &handler{others: others, running: make(chan struct{}, 8), general: promhttp.HandlerFor(all, promhttp.HandlerOpts{
		EnableOpenMetrics:  true,
		ErrorHandling:      promhttp.ContinueOnError,
		DisableCompression: true,
	})}
	for _, c := range cs {
		if rings, ok := c.(*Collector); ok {
			h.rings = rings // there is one at most: two have the same metrics
		} else {
			others.MustRegister(c)
		}
	}
	// Who asks over a tunnel or a proxy seems to be on this machine. So what is
	// taken compressed is compressed, which is cheap at the lowest level.
	compressed, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.EnableZstd(false))
	if err != nil {
		panic(err) // these options are good
	}
	return compressed(h)
}

type handler struct {
	running chan struct{} // one for each answer under way: a flood of scrapes is refused
	rings   *Collector    // nil: there is none
	others  prometheus.Gatherer
	general http.Handler // of all, rings included, in whatever format
}

// fast are the formats that textWriter writes.
var fast = []expfmt.Format{expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtOpenMetrics_0_0_1, expfmt.FmtText}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(rsp http.ResponseWriter, req *http.Request) {
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	default:
		http.Error(rsp, "too many scrapes at a time, try again later", http.StatusServiceUnavailable)
		return
	}
	format := expfmt.NegotiateAccept(req.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...)
	written := slices.ContainsFunc(fast, func(f expfmt.Format) bool { return strings.HasPrefix(string(format), string(f)) })
	if h.rings == nil || !written || req.URL.RawQuery != "" { // name[]=… asks for some alone
		h.general.ServeHTTP(rsp, req)
		return
	}
	rsp.Header().Add("Vary", "Accept")
	rsp.Header().Set("Content-Type", string(format))
	h.write(bufio.NewWriterSize(rsp, 64<<10), format)
}

// write writes all metrics, in the order of their names. What can't be written
// hides nothing else, and that nobody reads it is no error of ours.
func (h *handler) write(out *bufio.Writer, format expfmt.Format) {
	others, _ := h.others.Gather() // what is good of them, in spite of an error
	w := textWriter{Writer: out, open: format.FormatType() == expfmt.TypeOpenMetrics, general: expfmt.NewEncoder(out, format)}
	rings := h.rings.look()
	for len(others)+len(rings) > 0 {
		if len(others) == 0 || len(rings) > 0 && rings[0].name < others[0].GetName() {
			w.write(&rings[0])
			rings = rings[1:]
		} else {
			_ = w.general.Encode(others[0])
			others = others[1:]
		}
	}
	if c, ok := w.general.(expfmt.Closer); ok {
		_ = c.Close()
	}
	_ = out.Flush()
}
