package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench"
)

func runCommand() *cobra.Command {
	var (
		o      bench.RunOptions
		jsonTo string
		rival  string
	)
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Measure round trips or throughput between pinned processes",
		Long: `run measures one thing: with --mode latency the round trip of a message that the
other process sends back, with --mode throughput how many messages per second
one process can send to the other. The physical limit is measured beside it:

  latency      the same bytes and a flag going to and fro through bare memory,
               in the tightest loop there is
  throughput   the same bytes copied into a region of the ring's size and out
               of it again, by one thread

The figures are those of the median run.`,
		Example: `  shmbench run --mode latency --size 32
  shmbench run --mode throughput --size 8 --capacity 8388608 --rival boost
  shmbench run --mode throughput --size 8 --batch 32 --json -
  shmbench run --topology mpmc --producers 2 --consumers 2 --mode throughput --size 8`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if !cmd.Flags().Changed("wait") && o.Mode == bench.Throughput {
				o.Wait = ringway.Adaptive
			}
			if rival != "" {
				if o.Rival, err = rivalNamed(rival, o); err != nil {
					return err
				}
			}
			p := newProgress()
			bar := p.bar(o.Mode)
			o.Progress = func(kept, runs, _ int) { bar.set(int64(kept), int64(runs)) }
			result, err := bench.Run(cmd.Context(), o)
			bar.done(err)
			p.wait()
			if err != nil {
				return err
			}
			return output(cmd, jsonTo, []bench.Result{result}, func(w io.Writer) error {
				return bench.WriteResult(w, result)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Topology, "topology", "spsc", "spsc: one producer, one consumer; mpmc: any number of both")
	flags.IntVar(&o.Producers, "producers", 1, "throughput over mpmc: so many producing processes")
	flags.IntVar(&o.Consumers, "consumers", 1, "throughput over mpmc: so many consuming processes")
	flags.StringVar(&o.Mode, "mode", bench.Latency, "latency or throughput")
	flags.IntVar(&o.Size, "size", 64, "`BYTES` of a message")
	flags.IntVar(&o.Capacity, "capacity", ringway.DefaultCapacity, "`BYTES` of the ring, a power of two")
	flags.DurationVar(&o.Duration, "duration", time.Second, "how long each run measures")
	flags.IntVar(&o.Runs, "runs", 5, "how many runs must count")
	flags.IntVar(&o.Batch, "batch", 1, "throughput: messages a call")
	flags.StringVar(&rival, "rival", "", "throughput of 8-byte messages: measure this one by turns with ours: "+rivalNames()+" (make peers installs what they are built with)")
	waitFlag(cmd, &o.Wait, ringway.BusySpin)
	flags.Lookup("wait").Usage += "; throughput without it is adaptive, since who looks all the time fights with the sender for its line"
	jsonFlag(cmd, &jsonTo)
	return cmd
}
