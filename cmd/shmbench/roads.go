package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench"
	"github.com/ringway/ringway/fallback"
)

// roadFlags are the flags of run that measure connections instead of rings.
type roadFlags struct{ other string }

func (f *roadFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.other, "other", "", "with --transport all: have this `COMMAND` measure the same, beside ours: \"scripts/wine-exec shmbench.exe\"")
}

func parseTransports(list string) ([]ringway.Transport, error) {
	if list == "all" {
		return ringway.AllTransports(), nil
	}
	var ts []ringway.Transport
	for name := range strings.SplitSeq(list, ",") {
		t, err := fallback.ParseTransport(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		ts = append(ts, t)
	}
	return ts, nil
}

func (f *roadFlags) run(cmd *cobra.Command, o bench.RunOptions, jsonTo string) error {
	if o.Mode != bench.Latency {
		return fmt.Errorf("--transport all: all of them are measured with --mode latency")
	}
	report, err := openReport(cmd, jsonTo)
	if err != nil {
		return err
	}
	defer report.close()
	p := newProgress()
	bar := p.bar("transports")
	ro := bench.RoadOptions{Transports: ringway.AllTransports(), Size: o.Size, Duration: o.Duration, Wait: o.Wait,
		Progress: func(done, all int) { bar.set(int64(done), int64(all)) }}
	results, err := bench.Roads(cmd.Context(), ro)
	bar.done(err)
	p.wait()
	if err != nil {
		return err
	}
	columns := map[string][]bench.Result{bench.ThisSystem(): results}
	if command := strings.Fields(f.other); len(command) > 0 {
		system, theirs, err := bench.RoadsOf(cmd.Context(), command, ro)
		if err != nil {
			return err
		}
		if system == bench.ThisSystem() {
			system += " (other)"
		}
		columns[system] = theirs
	}
	return report.write(results, func(w io.Writer) error { return bench.WriteRoads(w, columns) })
}
