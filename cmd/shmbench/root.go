package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway/bench"
	"github.com/ringway/ringway/sync"
)

const about = `shmbench measures Ringway: messages between two processes of one machine,
through a ring in shared memory.

Without a command it takes you on a tour of less than a minute: it replays a
generated market feed (NASDAQ ITCH 5.0) from one process to another, measures
round trips and rates, and prints each figure beside its physical limit, which
it measures in the same run: a raw cache line going to and fro, a plain memcpy.

Figures are medians of several runs between two processes that are pinned to two
cores. A run during which the machine itself changed its speed is thrown away,
and counted.

ls, top, inspect, tail, rm and serve look at the rings of whatever programs run
here, or did.`

func root() *cobra.Command {
	var jsonTo string
	cmd := &cobra.Command{
		Use:   "shmbench",
		Short: "Measure Ringway, replay real records through it, and look at its rings",
		Long:  about,
		Example: `  # the tour
  shmbench

  # every record of a file through a ring, hashed on both sides
  shmbench replay feed.itch

  # round trips; messages a second; how late messages are at a given rate
  shmbench run --mode latency --size 64
  shmbench run --mode throughput --size 8
  shmbench run --mode paced --rate 100000 --size 64

  # Ringway, its limits and its rivals by turns, as a page to share
  shmbench rivals
  shmbench compare --json new.json --html report.html
  shmbench report new.json --baseline old.json

  # what rings there are, who is attached, what goes through them, what is in one
  shmbench ls
  shmbench top
  shmbench inspect ticks
  shmbench tail ticks --follow
  shmbench rm --stale

  # for Prometheus; and how two processes come to speak to each other
  shmbench serve
  shmbench negotiate --explain

  # results for programs
  shmbench run --json -`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return tour(cmd, jsonTo)
		},
	}
	cmd.CompletionOptions.HiddenDefaultCmd = true
	jsonFlag(cmd, &jsonTo)
	cmd.AddCommand(replayCommand(), runCommand(), negotiateCommand(), compareCommand(), reportCommand(), rivalsCommand(), lsCommand(), inspectCommand(), tailCommand(), rmCommand(), topCommand(), serveCommand())
	return cmd
}

func tour(cmd *cobra.Command, jsonTo string) error {
	report, err := openReport(cmd, jsonTo)
	if err != nil {
		return err
	}
	defer report.close()
	p := newProgress()
	var titles []string
	var results []bench.Result
	for _, step := range bench.Tour() {
		bar := p.bar(step.Title)
		r, err := step.Run(cmd.Context(), bar.set)
		bar.done(err)
		if err != nil {
			p.wait()
			return fmt.Errorf("%s: %w", step.Title, err)
		}
		titles, results = append(titles, step.Title), append(results, r)
	}
	p.wait()
	return report.write(results, func(w io.Writer) error {
		return bench.WriteTable(w, bench.ThisMachine(), titles, results)
	})
}

// jsonFlag adds --json.
func jsonFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "json", "", "also write the results as one JSON document to this `FILE`; - writes it to standard output, and nothing else")
}

// waitFlag adds --wait.
func waitFlag(cmd *cobra.Command, s *sync.Strategy, otherwise sync.Strategy) {
	*s = otherwise
	cmd.Flags().Var(&strategyValue{s}, "wait", "how both sides wait: busy-spin, yield, adaptive, park or poll")
}

// strategyValue is a flag that holds a wait strategy.
type strategyValue struct{ s *sync.Strategy }

func (v *strategyValue) String() string { return v.s.String() }
func (v *strategyValue) Type() string   { return "STRATEGY" }
func (v *strategyValue) Set(name string) (err error) {
	*v.s, err = sync.ParseStrategy(name)
	return err
}
