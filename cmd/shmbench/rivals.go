package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway/bench/rivals"
)

// builtRival is what became of a rival that was to be built.
type builtRival struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Class   string `json:"class"`
	Between string `json:"between"`           // threads or processes
	Missing string `json:"missing,omitempty"` // why it can't be measured here
}

func rivalsCommand() *cobra.Command {
	var jsonTo string
	cmd := &cobra.Command{
		Use:   "rivals",
		Short: "Build the rivals that compare measures, and name those that are missing",
		Long: `rivals builds all that compare and run --rival measure beside Ringway, so that they
need not do it, and says of the others what is missing. It takes a minute the first
time.

C++ rivals are built from Debian's packages, which "make peers" installs. Those
written in Go are modules below bench/peers, each built from what the go command
gets: one that it can't get is missing, and the others are there.`,
		Example: `  shmbench rivals
  shmbench rivals --json -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := openReport(cmd, jsonTo)
			if err != nil {
				return err
			}
			defer report.close()
			p := newProgress()
			bar := p.bar("rivals")
			list, err := buildRivals(cmd.Context(), bar.set)
			bar.done(err)
			p.wait()
			if err != nil {
				return err
			}
			return report.document(list, func(w io.Writer) error { return writeRivals(w, list) })
		},
	}
	jsonFlag(cmd, &jsonTo)
	return cmd
}

// buildRivals builds what can be built.
func buildRivals(ctx context.Context, progress func(done, of int64)) (list []builtRival, err error) {
	all := rivals.Engines()
	for i, e := range all {
		progress(int64(i), int64(len(all)))
		r := builtRival{Name: e.Name, Title: e.Title, Class: e.Class, Between: e.Between}
		if err := e.Build(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			r.Missing = err.Error()
		}
		list = append(list, r)
	}
	return list, nil
}

func writeRivals(w io.Writer, list []builtRival) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range list {
		if r.Missing == "" {
			fmt.Fprintf(t, "%s\t%s\t%s, %s\n", r.Name, r.Title, r.Class, r.Between)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range list {
		if r.Missing != "" {
			fmt.Fprintf(w, "not there: %s: %s\n", r.Name, r.Missing)
		}
	}
	return nil
}
