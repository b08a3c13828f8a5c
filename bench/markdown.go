package bench

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes what Compare found as a table for a README: a line for
// each case, misses like wins.
func WriteMarkdown(w io.Writer, doc Document) error {
	m := doc.Machine
	var b strings.Builder
	date, _, _ := strings.Cut(doc.Date, "T")
	fmt.Fprintf(&b, "%s, %d cores, %s %s, %s, %s", nonEmpty(m.CPU, m.Arch), m.Cores, m.OS, m.Kernel, m.Go, date)
	if m.Note != "" {
		fmt.Fprintf(&b, " (%s)", m.Note)
	}
	b.WriteString(".\n\n| case | | ringway | limit, same run | best rival | ringway's advantage | aimed at | |\n|---|---|---|---|---|---|---|---|\n")
	for _, name := range doc.cases() {
		results := doc.of(name)
		ours := results[0]
		if strings.HasPrefix(name, "size-") {
			continue
		}
		if ours.Missing != "" {
			fmt.Fprintf(&b, "| `%s` | %s | not measured: %s | | | | | |\n", name, ours.Title, cell(ours.Missing))
			continue
		}
		limit, limitAim := "", ""
		if l := ours.Limit; l != nil && (ours.Metric != string(Rate) || l.Ratio > 0.05 || l.Target > 0) {
			limit = fmt.Sprintf("%s %s, %s", l.Name, l.value(ours.RTT != nil), l.times())
			limitAim = l.aim()
		}
		rival, ratio, aim, word := "", "", limitAim, ""
		if a := ours.Against; a != nil && !strings.HasPrefix(a.Engine, "limit: ") {
			for _, r := range results[1:] {
				if r.Engine == a.Engine {
					rival = r.Engine + " " + r.headline()
				}
			}
			ratio = fmt.Sprintf("%.2f × (%.2f to %.2f)", a.Ratio, a.Low, a.High)
			word = a.Verdict
			if a.Target > 0 {
				aim = strings.TrimPrefix(fmt.Sprintf("%s; at least %.2f ×: %s", limitAim, a.Target, reachedText(a.Reached)), "; ")
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", name, ours.Title, ours.headline(), limit, rival, ratio, aim, word)
	}
	if missing := doc.missing(); len(missing) > 0 {
		fmt.Fprintf(&b, "\nNot measured: %s.\n", cell(strings.Join(missing, "; ")))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell keeps a text from ending its cell.
func cell(s string) string { return strings.NewReplacer("|", "/", "\n", " ").Replace(printable(s)) }
