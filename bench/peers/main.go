package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const capacity = 65536

type options struct {
	engine, mode                string
	producers, consumers, batch int
	size, rate                  int
	duration                    time.Duration
	cpus                        []int
	broadcast                   bool
	second                      string // set in the second process: where the first one is
}

func main() {
	o, timeout, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(2)
	}
	if err := run(o, timeout); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// run measures slice by slice and prints what it finds.
func run(o options, timeout time.Duration) (err error) {
	var measure func() (result, error)
	end := func() {}
	expired := func() {
		fmt.Fprintln(os.Stderr, "peers: not done after", timeout)
		os.Exit(3)
	}
	smallPages()
	starting := time.AfterFunc(timeout, expired)
	switch connect, message := messengers[o.engine]; {
	case o.second != "":
		starting.Stop() // it ends with the first one
		_, _, err := messages(o, connect)
		return err
	case message && (o.mode == "paced" || o.engine != "channel"):
		measure, end, err = messages(o, connect)
	case o.mode == "latency":
		measure, err = roundTrips(o)
	default:
		measure, err = queue(o)
	}
	starting.Stop()
	if err != nil {
		return err
	}
	defer end()
	return serve(os.Stdin, os.Stdout, timeout, expired, measure)
}

// parse reads the flags, which are those of the programs in package rivals, and
// --engine.
func parse(args []string) (o options, timeout time.Duration, err error) {
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.StringVar(&o.engine, "engine", "", strings.Join(engines, ", "))
	f.StringVar(&o.mode, "mode", "throughput", "throughput, latency or paced")
	f.StringVar(&o.second, "second", "", "what the program starts itself with")
	f.IntVar(&o.size, "size", 8, "bytes of a message")
	f.Int("room", capacity, "messages that a queue holds: always as many")
	f.IntVar(&o.rate, "rate", 0, "paced: messages a second")
	f.IntVar(&o.producers, "producers", 1, "threads that send")
	f.IntVar(&o.consumers, "consumers", 1, "threads that receive")
	f.BoolVar(&o.broadcast, "broadcast", false, "channel: each message to all consumers, one channel each")
	f.IntVar(&o.batch, "batch", 1, "messages at a time")
	ms := f.Int("duration", 1000, "milliseconds that a slice measures")
	cpus := f.String("cpus", "0,1", "processors; producers, then consumers are pinned to them in turn")
	seconds := f.Int("timeout", 60, "seconds after which a slice that isn't done ends the program")
	if err := f.Parse(args); err != nil {
		return o, 0, err
	}
	for _, s := range strings.Split(*cpus, ",") {
		cpu, err := strconv.Atoi(s)
		if err != nil || cpu < 0 || cpu >= 1024 {
			return o, 0, errors.New("--cpus wants numbers with commas between them")
		}
		o.cpus = append(o.cpus, cpu)
	}
	switch o.duration = time.Duration(*ms) * time.Millisecond; {
	case f.NArg() > 0:
		err = fmt.Errorf("unknown argument %q", f.Arg(0))
	case !slices.Contains(engines, o.engine):
		err = fmt.Errorf("engine %q: there are %s", o.engine, strings.Join(engines, ", "))
	case o.mode != "throughput" && o.mode != "latency" && o.mode != "paced":
		err = fmt.Errorf("mode %q: there are throughput, latency and paced", o.mode)
	case o.mode == "paced" && o.rate < 1:
		err = errors.New("--mode paced wants a --rate")
	case o.producers < 1 || o.producers > 1024 || o.consumers < 1 || o.consumers > 1024 || o.batch < 1 || o.batch > 1024:
		err = errors.New("--producers, --consumers and --batch want 1 to 1024")
	case o.size < 1 || *ms < 1 || *seconds < 1:
		err = errors.New("--size, --duration and --timeout want at least 1")
	}
	return o, time.Duration(*seconds) * time.Second, err
}
