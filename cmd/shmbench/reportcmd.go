package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway/bench"
)

// errWorse is returned when ratios are worse than they were.
var errWorse = errors.New("a ratio is worse than the one that is stored, beyond the noise")

func reportCommand() *cobra.Command {
	var (
		baseline, ratios, store string
		files                   outputs
	)
	cmd := &cobra.Command{
		Use:   "report FILE",
		Short: "Show what compare --json has written, and what changed since",
		Long: `report reads a document that compare (or run, or replay) has written with --json
and shows it again: as text, as a page, as CSV.

With --baseline it shows each figure beside that of an older document, with the
noise of both: a change is called one only when it is more than half of both
spreads together, and at least 5 %. Rivals are in it, too: when they change as
much as ringway, it is the machine.

With --check it compares only ratios, ringway against its best rivals and limits,
with a table of ratios, which mean something on any machine, and exits with
status 1 when one has become worse than its noise. --store writes such a table.`,
		Example: `  # the page once more
  shmbench report new.json --html report.html

  # what has changed since
  shmbench report new.json --baseline old.json

  # keep the ratios, and check others against them later
  shmbench report new.json --store ratios.json
  shmbench report new.json --check ratios.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			doc, err := readDocument(args[0])
			if err != nil {
				return err
			}
			if err := files.open(cmd); err != nil {
				return err
			}
			defer files.close()
			show := func(w io.Writer) error { return bench.WriteComparison(w, doc) }
			if baseline != "" {
				old, err := readDocument(baseline)
				if err != nil {
					return fmt.Errorf("--baseline: %w", err)
				}
				files.changes, files.since = bench.Changes(old, doc), old.Date
				show = func(w io.Writer) error { return bench.WriteChanges(w, files.changes) }
			}
			if store != "" {
				if err := storeRatios(store, doc); err != nil {
					return fmt.Errorf("--store: %w", err)
				}
			}
			if ratios == "" {
				return files.write(doc, show)
			}
			var table bench.Ratios
			if err := readJSON(ratios, &table); err != nil {
				return fmt.Errorf("--check: %w", err)
			}
			checks := table.Check(doc)
			if err := files.write(doc, func(w io.Writer) error { return bench.WriteChecks(w, checks) }); err != nil {
				return err
			}
			for _, c := range checks {
				if c.Verdict == bench.Worse {
					return errWorse
				}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&baseline, "baseline", "", "show what has changed since this older document `FILE`")
	flags.StringVar(&ratios, "check", "", "compare ratios with this table `FILE`")
	flags.StringVar(&store, "store", "", "write the table of ratios to this `FILE`")
	files.flags(cmd)
	return cmd
}

func readDocument(path string) (doc bench.Document, err error) {
	if err := readJSON(path, &doc); err != nil {
		return doc, err
	}
	if len(doc.Results) == 0 {
		return doc, fmt.Errorf("%s has no results: is it what compare --json wrote?", path)
	}
	return doc, nil
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func storeRatios(path string, doc bench.Document) error {
	f, err := openTarget(path)
	if err != nil {
		return err
	}
	e := json.NewEncoder(f)
	e.SetIndent("", "  ")
	return errors.Join(e.Encode(bench.RatiosOf(doc)), f.done())
}
