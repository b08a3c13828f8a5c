package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway/bench"
)

func compareCommand() *cobra.Command {
	var (
		o     bench.CompareOptions
		files outputs
	)
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Measure Ringway, its limits and its rivals by turns",
		Long: `compare measures Ringway beside its physical limits and its rivals, by turns in
one run, and says by which factor it is ahead or behind.

Rivals are built when they are needed, which takes a minute the first time: C++
queues and messaging libraries from Debian's packages, Go modules below
bench/peers. "make peers" installs what they are built with, and builds them. What
is missing is named and left out.

All engines are started once and then measured by turns, for some 40 ms each;
between two slices their threads sleep. Between any two slices the raw round trip
of a cache line is probed. Slices during which the machine itself changed its
speed are thrown away and counted, and ratios are made only of pairs of slices that
saw the same machine. A winner is called when the median ratio lies on one side
with 99 % certainty, and otherwise nobody is.

It takes up to ten minutes; with --quick, which leaves out the cases that have no
target, two. On a machine that never settles,
--keep-all keeps all runs and says so.`,
		Example: `  # everything, and a page to share
  shmbench compare --html report.html

  # a first look
  shmbench compare --quick

  # only some cases: by name, or by how their names begin
  shmbench compare --case spsc-8 --case mpmc

  # for programs, and for a later look at regressions
  shmbench compare --json new.json --csv new.csv
  shmbench report new.json --baseline old.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := files.open(cmd); err != nil {
				return err
			}
			defer files.close()
			if cmd.Flags().Changed("runs") && o.Runs < 1 {
				return fmt.Errorf("--runs %d: it takes at least 1", o.Runs)
			}
			p := newProgress()
			bar := p.bar("compare")
			o.Progress = func(c bench.CompareProgress) {
				bar.set(int64(c.Number*1000+1000*c.Kept/max(c.Runs, 1)), int64(c.Cases*1000))
			}
			doc, err := bench.Compare(cmd.Context(), o)
			bar.done(err)
			p.wait()
			if err != nil {
				return err
			}
			return files.write(doc, func(w io.Writer) error { return bench.WriteComparison(w, doc) })
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&o.Cases, "case", nil, "only this `CASE`, or those whose names begin so; can be given more than once")
	flags.IntVar(&o.Runs, "runs", 0, "how many pairs must count at most; 0 is 40, or 10 with --quick")
	flags.DurationVar(&o.Duration, "duration", 0, "how long each slice measures; 0 is what suits the case, 40ms to 200ms, and half of that with --quick")
	flags.BoolVar(&o.Quick, "quick", false, "two minutes instead of ten: fewer and shorter slices, and only the cases that have a target")
	flags.BoolVar(&o.KeepAll, "keep-all", false, "keep runs during which the machine changed its speed, too")
	files.flags(cmd)
	return cmd
}

// outputs are the files that a document goes to.
type outputs struct {
	json, csv, html, markdown string
	changes                   []bench.Change // against a baseline, and
	since                     string         // that one's date
	cmd                       *cobra.Command
	files                     map[string]*target
}

func (o *outputs) flags(cmd *cobra.Command) {
	jsonFlag(cmd, &o.json)
	cmd.Flags().StringVar(&o.csv, "csv", "", "also write a line for each result to this `FILE`")
	cmd.Flags().StringVar(&o.html, "html", "", "also write a page with plots, complete in itself, to this `FILE`")
	cmd.Flags().StringVar(&o.markdown, "markdown", "", "also write a table for a README to this `FILE`")
}

// open opens all files, before anything is measured.
func (o *outputs) open(cmd *cobra.Command) error {
	o.cmd, o.files = cmd, make(map[string]*target)
	for flag, path := range map[string]string{"json": o.json, "csv": o.csv, "html": o.html, "markdown": o.markdown} {
		if path == "" || flag == "json" && path == "-" {
			continue
		}
		f, err := openTarget(path)
		if err != nil {
			o.close()
			return fmt.Errorf("--%s: %w", flag, err)
		}
		o.files[flag] = f
	}
	return nil
}

// close is for when nothing was written.
func (o *outputs) close() {
	for _, f := range o.files {
		f.abandon()
	}
}

// write writes a document to where it is wanted, and for people.
func (o *outputs) write(doc bench.Document, people func(io.Writer) error) error {
	out := o.cmd.OutOrStdout()
	if o.json == "-" {
		if err := writeJSON(out, doc); err != nil {
			return err
		}
	} else if err := people(out); err != nil {
		return err
	}
	for flag, write := range map[string]func(io.Writer) error{
		"json":     func(w io.Writer) error { return writeJSON(w, doc) },
		"csv":      func(w io.Writer) error { return bench.WriteCSV(w, doc.Results) },
		"markdown": func(w io.Writer) error { return bench.WriteMarkdown(w, doc) },
		"html":     func(w io.Writer) error { return bench.WriteHTML(w, doc, o.changes, o.since) },
	} {
		f := o.files[flag]
		if f == nil {
			continue
		}
		delete(o.files, flag)
		if err := errors.Join(write(f), f.done()); err != nil {
			return fmt.Errorf("--%s: %w", flag, err)
		}
	}
	return nil
}
