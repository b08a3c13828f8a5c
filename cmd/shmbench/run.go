package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench"
)

func runCommand() *cobra.Command {
	var (
		o        bench.RunOptions
		jsonTo   string
		rival    string
		scrape   float64
		overHTTP bool
		roads    roadFlags
	)
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Measure round trips, rates or paced latency between pinned processes",
		Long: `run measures one thing, between processes that are pinned to two cores:

  latency      the round trip of a message that the other process sends back
  throughput   how many messages a second get through; with --consumers more
               than one this is fan-out. --lease writes and reads in place
  mixed        the same, of messages of 8 bytes up to --size
  publish      how fast a broadcast ring is filled while its --consumers are
               attached and asleep, beside the same with nobody attached
  paced        --rate messages a second, --burst of them at a time, timed from
               when each was due until it arrived. The schedule doesn't wait for
               anybody, so a hold-up shows in all messages that it delayed
  wakeup       round trips of two sides that wait for each other as --wait says,
               in slices of a tenth of --duration, five times as many as --runs, by
               turns with what they are compared with; then 1,000 messages a
               second, then none: how soon a receiver is awake, and what its
               waiting takes of a processor

The physical limit is measured beside it:

  latency      the same bytes and a flag going to and fro through bare memory,
               in the tightest loop there is
  throughput   the same bytes copied into a region of the ring's size and out
               of it again (--lease: only in), by one thread. Two cores that are
               close to each other can exceed it; the report then says so
  wakeup       a bare futex that wakes to and fro, and a unix socket as Go
               programs use it; and Ringway itself with --wait park

The figures are those of the median run. A run counts when the machine was the
same before it and after it, which is told by a raw ping-pong; for wakeup by the bare
futex, whose own spread counts as the same.`,
		Example: `  # the round trip of 32 bytes, spinning
  shmbench run --mode latency --size 32

  # the same, as a program that mustn't burn a core sees it
  shmbench run --mode latency --size 32 --wait park

  # how soon two processes are awake that both slept
  shmbench run --mode wakeup --wait park

  # messages a second, beside a rival's by turns, in a ring that both fill
  shmbench run --mode throughput --size 8 --capacity 8MiB --rival boost-spsc

  # 32 messages a call, as JSON for a program
  shmbench run --mode throughput --size 8 --batch 32 --json -

  # round trips over connections, of every transport that this system has
  shmbench run --mode latency --transport all

  # two processes to two others
  shmbench run --topology mpmc --producers 2 --consumers 2 --mode throughput --size 8

  # one to three
  shmbench run --topology mpmc --consumers 3 --mode throughput --size 64

  # what eight sleeping subscribers cost their publisher
  shmbench run --topology broadcast --mode publish --consumers 8 --read-only --size 8

  # one to three, each of which gets every message; a slow one misses some
  shmbench run --topology broadcast --consumers 3 --mode throughput --size 64

  # a connection, over shared memory and over a unix socket
  shmbench run --topology conn --size 64
  shmbench run --topology conn --transport unix --size 64

  # what it does to be scraped 1,000 times a second: the rate, and p99.9
  shmbench run --mode throughput --size 8 --scrape 1000
  shmbench run --mode latency --scrape 1000

  # how late messages are at 100,000 a second, in bursts of ten
  shmbench run --mode paced --rate 100000 --burst 10 --size 64`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Transport == "all" {
				return roads.run(cmd, o, jsonTo)
			}
			if !cmd.Flags().Changed("wait") && o.Mode != bench.Latency {
				o.Wait = ringway.Adaptive
			}
			if o.Producers < 1 || o.Consumers < 1 {
				return fmt.Errorf("--producers %d --consumers %d: there is at least one of each", o.Producers, o.Consumers)
			}
			if o.Mode != bench.Paced && !cmd.Flags().Changed("rate") {
				o.Rate = 0
			}
			if cmd.Flags().Changed("scrape") {
				return runScrape(cmd, o, scrape, overHTTP, jsonTo)
			}
			if rival != "" {
				r, err := rivalNamed(rival, o)
				if err != nil {
					return err
				}
				o.Rivals = append(o.Rivals, r)
			}
			report, err := openReport(cmd, jsonTo)
			if err != nil {
				return err
			}
			defer report.close()
			p := newProgress()
			bar := p.bar(o.Mode)
			o.Progress = func(kept, runs, _ int) { bar.set(int64(kept), int64(runs)) }
			result, err := bench.Run(cmd.Context(), o)
			bar.done(err)
			p.wait()
			if err != nil {
				return err
			}
			return report.write([]bench.Result{result}, func(w io.Writer) error {
				return bench.WriteResult(w, result)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Topology, "topology", "spsc", "spsc: one producer, one consumer; mpmc: any number of both; broadcast: one publisher, any number of subscribers; conn: a connection")
	flags.StringVar(&o.Transport, "transport", "", "of a conn: shm, unix (pipe on Windows), tcp, fifo; rings are in shm. all measures the latency of every one there is")
	flags.IntVar(&o.Producers, "producers", 1, "mpmc: so many producing processes")
	flags.IntVar(&o.Consumers, "consumers", 1, "mpmc, broadcast: so many consuming processes")
	flags.StringVar(&o.Mode, "mode", bench.Latency, strings.Join(bench.Modes(), ", "))
	flags.IntVar(&o.Size, "size", 64, "`BYTES` of a message")
	capacityFlag(flags, &o.Capacity, ringway.DefaultCapacity, "")
	flags.DurationVar(&o.Duration, "duration", time.Second, "how long each run measures")
	flags.IntVar(&o.Runs, "runs", 5, "how many runs must count")
	flags.BoolVar(&o.KeepAll, "keep-all", false, "keep runs during which the machine changed its speed, too")
	flags.IntVar(&o.Batch, "batch", 1, "throughput: messages a call")
	flags.BoolVar(&o.Lossless, "lossless", false, "broadcast: the publisher waits for its slowest subscriber")
	flags.BoolVar(&o.ReadOnly, "read-only", false, "broadcast: subscribers map the ring without the right to write")
	flags.BoolVar(&o.Lease, "lease", false, "throughput: write and read messages in place, without copies")
	flags.Float64Var(&o.Rate, "rate", 100_000, "paced: `MSG/S` that are due")
	flags.IntVar(&o.Burst, "burst", 0, "paced: so many messages are due at the same time")
	flags.Float64Var(&scrape, "scrape", 0, "measure what it does to the ring that a third process looks at what is counted in it so many times a second, in slices by turns; --duration is 15ms then, and --runs, which are rounds, 2000")
	flags.BoolVar(&overHTTP, "scrape-http", false, "with --scrape: each look is a whole scrape, over HTTP")
	flags.StringVar(&rival, "rival", "", "measure this one by turns with ours: "+rivalNames()+" (make peers installs what they are built with)")
	roads.add(flags)
	waitFlag(cmd, &o.Wait, ringway.BusySpin)
	flags.Lookup("wait").Usage += "; other modes than latency are adaptive without it, since who looks all the time fights with the sender for its line"
	jsonFlag(cmd, &jsonTo)
	return cmd
}
