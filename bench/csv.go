package bench

import (
	"encoding/csv"
	"io"
	"strconv"
)

// WriteCSV writes a line for each result, under a line of names. Fields without
// a value are empty.
func WriteCSV(w io.Writer, results []Result) error {
	c := csv.NewWriter(w)
	header := []string{
		"case", "engine", "class", "between", "topology", "mode", "wait", "producers", "consumers", "message_bytes", "batch",
		"msgs_per_sec", "bytes_per_sec", "p50_ns", "p99_ns", "p999_ns", "runs", "discarded", "spread",
		"limit", "limit_value", "limit_ratio", "against", "ratio", "ratio_low", "ratio_high", "verdict", "target", "reached", "missing",
	}
	if err := c.Write(header); err != nil {
		return err
	}
	number := func(v float64) string {
		if v == 0 {
			return ""
		}
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	for _, r := range results {
		row := []string{
			r.Case, r.Engine, r.Class, r.Between, r.Topology, r.Mode, r.Wait, strconv.Itoa(r.Producers), strconv.Itoa(r.Consumers),
			strconv.Itoa(r.MessageBytes), strconv.Itoa(r.Batch), number(r.MsgsPerSec), number(r.BytesPerSec), "", "", "",
			strconv.Itoa(r.Runs), strconv.Itoa(r.Discarded), number(r.Spread),
		}
		if t := r.times(); t != nil {
			row[13], row[14], row[15] = number(float64(t.P50)), number(float64(t.P99)), number(float64(t.P999))
		}
		if l := r.Limit; l != nil {
			row = append(row, l.Name, number(l.Value), number(l.Ratio))
		} else {
			row = append(row, "", "", "")
		}
		if a := r.Against; a != nil {
			row = append(row, a.Engine, number(a.Ratio), number(a.Low), number(a.High), a.Verdict, number(a.Target), a.Reached)
		} else {
			row = append(row, "", "", "", "", "", "", "")
		}
		if err := c.Write(append(row, r.Missing)); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}
