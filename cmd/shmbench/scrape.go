package main

import (
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway/bench"
)

// runScrape is run --scrape.
func runScrape(cmd *cobra.Command, o bench.RunOptions, perSecond float64, overHTTP bool, jsonTo string) error {
	flags := cmd.Flags()
	if flags.Changed("rival") {
		return errors.New("--scrape compares a ring with itself: without --rival")
	}
	// Many short slices, by turns: see bench.Scrape.
	if !flags.Changed("duration") {
		o.Duration = 15 * time.Millisecond
	}
	if !flags.Changed("runs") {
		o.Runs = 2000
	}
	report, err := openReport(cmd, jsonTo)
	if err != nil {
		return err
	}
	defer report.close()
	p := newProgress()
	bar := p.bar(o.Mode)
	o.Progress = func(kept, runs, _ int) { bar.set(int64(kept), int64(runs)) }
	s, err := bench.MeasureScrape(cmd.Context(), o, perSecond, overHTTP)
	bar.done(err)
	p.wait()
	if err != nil {
		return err
	}
	return report.document(struct {
		Machine bench.Machine `json:"machine"`
		Scrape  *bench.Scrape `json:"scrape"`
	}{bench.ThisMachine(), s}, func(w io.Writer) error { return bench.WriteScrape(w, s) })
}
