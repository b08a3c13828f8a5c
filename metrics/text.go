package metrics

import (
	"bufio"
	"math"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"

	dto "github.com/prometheus/client_model/go"
)

// Prometheus' own writers take half a microsecond for each line, with 27 lines for
// each ring. So lines with one number are written here, byte for byte as expfmt
// writes them, which a test compares.

// textWriter writes families in the text format, or as OpenMetrics.
type textWriter struct {
	*bufio.Writer
	open    bool           // OpenMetrics
	general expfmt.Encoder // over the same writer, for all else
}

// write writes a family, if there is anything in it. The writer keeps its errors.
func (w *textWriter) write(f *family) {
	if len(f.series) == 0 {
		return
	}
	name, kind := f.name, "gauge"
	switch f.kind {
	case dto.MetricType_HISTOGRAM:
		_ = w.general.Encode(f.asMessage())
		return
	case dto.MetricType_COUNTER:
		if kind = "counter"; w.open {
			name = strings.TrimSuffix(name, "_total")
		}
	}
	b := append(w.AvailableBuffer(), "# HELP "...)
	b = append(append(append(b, name...), ' '), f.help...)
	b = append(append(b, "\n# TYPE "...), name...)
	b = append(append(append(b, ' '), kind...), '\n')
	_, _ = w.Write(b)
	for i := range f.series {
		s := &f.series[i]
		b := append(append(w.AvailableBuffer(), f.name...), s.labels.asText()...)
		b = append(w.appendNumber(append(b, ' '), s.value), '\n')
		_, _ = w.Write(b)
	}
}

func (w *textWriter) appendNumber(b []byte, v float64) []byte {
	whole := v == math.Trunc(v) && math.Abs(v) < 1e6 // what 'g' writes without an exponent or a point
	if whole {
		b = strconv.AppendInt(b, int64(v), 10)
	} else {
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	if whole && w.open {
		b = append(b, ".0"...)
	}
	return b
}

// asText returns the labels as they stand in a line.
func (l *labels) asText() string {
	if l.text == "" && len(l.names) > 0 {
		b := make([]byte, 0, 128)
		separator := byte('{')
		for i, name := range l.names {
			b = append(append(append(b, separator), name...), `="`...)
			b = append(append(b, escape.Replace(l.values[i])...), '"')
			separator = ','
		}
		l.text = string(append(b, '}'))
	}
	return l.text
}

var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// asMessage returns a family as client_golang has it.
func (f *family) asMessage() *dto.MetricFamily {
	m := &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: &f.kind, Metric: make([]*dto.Metric, len(f.series))}
	for i := range f.series {
		m.Metric[i] = new(dto.Metric)
		_ = sample{f.metric, &f.series[i]}.Write(m.Metric[i]) // which doesn't fail
	}
	return m
}
