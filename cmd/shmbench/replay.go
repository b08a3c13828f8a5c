package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench"
	"github.com/ringway/ringway/bench/feed"
)

func replayCommand() *cobra.Command {
	var (
		o      bench.ReplayOptions
		f      feed.Options
		format string
		jsonTo string
	)
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Send every record of a file through a ring to a second process and compare hashes",
		Long: `replay reads real records, a message each, and sends them through a ring to a
second process, which hashes what it receives. It prints messages, bytes,
seconds, messages per second and the xxhash64 of both sides, and exits with
status 1 if they differ.

The hash is that of the records one after another, so for a format without
framing (dbn, raw) it is the hash of the file behind its header. With mpmc it is
the sum of the hashes of all messages, whoever received them, and each receiver
checks that they came in order. With broadcast every receiver has a hash: of what
was sent except for the messages that it was told it missed, and those are
counted; with --lossless there are none.

Formats, found by content unless --format says so:
  dbn     Databento Binary Encoding, not compressed
  itch    NASDAQ ITCH 5.0 with 2-byte big-endian lengths
  wav     RIFF/WAVE audio, --period frames a message
  lines   text, a line a message
  raw     --record bytes a message`,
		Example: `  # every record once, and whether both sides saw the same
  shmbench replay feed.itch

  # a hundred times over, for a rate that means something
  shmbench replay --repeat 100 ticks.dbn

  # each record to one of three receivers
  shmbench replay --topology mpmc --consumers 3 feed.itch

  # audio at its own pace: one frame a message, 48,000 a second
  shmbench replay --topology broadcast --consumers 3 feed.itch
  shmbench replay --rate 48000 --period 1 song.wav

  # anything, cut into records of 128 bytes; the result for a program
  shmbench replay --record 128 --json result.json dump.bin`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "" {
				var err error
				if f.Format, err = feed.ParseFormat(format); err != nil {
					return err
				}
			}
			records, err := feed.Open(args[0], f)
			if err != nil {
				return err
			}
			if o.Topology != "spsc" && o.Consumers == 0 {
				o.Consumers = 2
			}
			report, err := openReport(cmd, jsonTo)
			if err != nil {
				return err
			}
			defer report.close()
			p := newProgress()
			bar := p.bar("replay")
			o.Progress = bar.set
			result, err := bench.Replay(cmd.Context(), records, o)
			bar.done(err)
			p.wait()
			if err != nil && !errors.Is(err, bench.ErrMismatch) {
				return fmt.Errorf("replay: %w", err)
			}
			return errors.Join(report.write([]bench.Result{result}, func(w io.Writer) error {
				return bench.WriteResult(w, result)
			}), err)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&format, "format", "", "read the file as dbn, itch, wav, lines or raw, whatever it looks like")
	flags.IntVar(&f.Period, "period", feed.DefaultPeriod, "wav: `FRAMES` a message")
	flags.IntVar(&f.Record, "record", 0, "raw: `BYTES` a message")
	flags.StringVar(&o.Topology, "topology", "spsc", "spsc: one receiver; mpmc: each record goes to one of --consumers; broadcast: to all of them")
	flags.IntVar(&o.Consumers, "consumers", 0, "mpmc, broadcast: this many receiving processes; 0 is 2, or 1 for spsc")
	flags.BoolVar(&o.Lossless, "lossless", false, "broadcast: the sender waits for the slowest receiver")
	flags.BoolVar(&o.ReadOnly, "read-only", false, "broadcast: receivers map the ring without the right to write")
	flags.IntVar(&o.Repeat, "repeat", 1, "send the whole file this often")
	flags.Float64Var(&o.Rate, "rate", 0, "send this many `MSG/S`, evenly spaced; 0 is as fast as it goes")
	capacityFlag(flags, &o.Capacity, 0, "; 0 chooses")
	waitFlag(cmd, &o.Wait, ringway.Adaptive)
	jsonFlag(cmd, &jsonTo)
	return cmd
}
