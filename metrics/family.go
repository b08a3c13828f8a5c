package metrics

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/ringway/ringway/ring"
)

// metric is a name that rings, or all sections together, have values under.
type metric struct {
	desc       *prometheus.Desc
	name, help string
	kind       dto.MetricType
	place      int // in the table
}

func newMetric(kind dto.MetricType, name, help string, labels []string) *metric {
	name = "ringway_" + name
	return &metric{desc: prometheus.NewDesc(name, help, labels, nil), name: name, help: help, kind: kind}
}

func gauge(name, help string, labels ...string) *metric {
	return newMetric(dto.MetricType_GAUGE, name, help, labels)
}

func counter(name, help string) *metric {
	return newMetric(dto.MetricType_COUNTER, name, help, ringLabels)
}

func counted(k ring.Counter, help string) *metric { return counter("ring_"+k.String()+"_total", help) }

func histogram(name, help string, labels ...string) *metric {
	return newMetric(dto.MetricType_HISTOGRAM, name, help, labels)
}

// sorted puts metrics into the order of their names, and tells them their places.
func sorted(all []*metric) []*metric {
	slices.SortFunc(all, func(a, b *metric) int { return cmp.Compare(a.name, b.name) })
	for i, m := range all {
		m.place = i
	}
	return all
}

// family are all series of a metric at one moment, in the order of their labels'
// values.
type family struct {
	*metric
	series []series
}

// series is what is to be said under a metric's name and some labels.
type series struct {
	labels    *labels // shared with others of the ring
	value     float64
	durations *ring.Durations // of a histogram
}

// families are those of all metrics, by their places.
type families []family

// newFamilies makes room for so many rings.
func newFamilies(rings int) families {
	f := make(families, len(table))
	for i, m := range table {
		f[i].metric = m
		if m.kind != dto.MetricType_HISTOGRAM {
			f[i].series = make([]series, 0, rings)
		}
	}
	return f
}

func (f families) add(m *metric, l *labels, value float64) {
	f[m.place].series = append(f[m.place].series, series{labels: l, value: value})
}

func (f families) addDurations(m *metric, l *labels, d *ring.Durations) {
	f[m.place].series = append(f[m.place].series, series{labels: l, durations: d})
}

// labels are names and their values. What is made of them is made once, for all
// series that share them. They belong to one goroutine at a time.
type labels struct {
	names, values []string
	pairs         []*dto.LabelPair
	text          string
}

// asPairs returns them as client_golang has them.
func (l *labels) asPairs() []*dto.LabelPair {
	if l.pairs == nil && len(l.names) > 0 {
		all := make([]dto.LabelPair, len(l.names))
		for i := range all {
			all[i].Name, all[i].Value = &l.names[i], &l.values[i]
			l.pairs = append(l.pairs, &all[i])
		}
	}
	return l.pairs
}

// sample is a series as a prometheus.Metric. It is not checked again, as those of
// prometheus.NewConstMetric are.
type sample struct {
	*metric
	*series
}

// Desc implements prometheus.Metric.
func (s sample) Desc() *prometheus.Desc { return s.desc }

// Write implements prometheus.Metric.
func (s sample) Write(m *dto.Metric) error {
	m.Label = s.labels.asPairs()
	switch s.kind {
	case dto.MetricType_COUNTER:
		m.Counter = &dto.Counter{Value: &s.value}
	case dto.MetricType_HISTOGRAM:
		m.Histogram = histogramOf(s.durations)
	default:
		m.Gauge = &dto.Gauge{Value: &s.value}
	}
	return nil
}
