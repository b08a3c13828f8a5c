package peer

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

// Room is how many messages the queues hold.
const Room = 65536

// Options say what to measure.
type Options struct {
	Engine, Mode                string
	Producers, Consumers, Batch int
	Size, Rate                  int
	Duration                    time.Duration // of a slice
	CPUs                        []int
	Broadcast                   bool   // each message goes to all consumers
	second                      string // set in the second process: where the first one is
}

// Engine is what a program measures.
type Engine struct {
	Name  string // what --engine calls it
	Title string // what it is called in results

	// Measure makes ready for what o says, and returns what measures a slice of it.
	// It is nil for a messenger that does nothing else.
	Measure func(o Options) (func() (Result, error), error)

	// Connect makes an end of a messenger: the first one, or the second, in another
	// process. All that it creates is at path or begins with it. It is nil for
	// queues.
	Connect func(path string, first bool, size int) (Messenger, error)

	// Threads says that the ends of the messenger are in one process, and that
	// Measure does what isn't paced.
	Threads bool

	// CleanUp, if not nil, removes what was left at path when a side was killed.
	CleanUp func(path string)
}

// Main runs the program, which measures one of its engines, and doesn't return.
func Main(engines ...Engine) {
	o, timeout, err := parse(os.Args[1:], engines)
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(2)
	}
	if err := run(o, timeout, named(engines, o.Engine)); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run measures slice by slice and prints what it finds.
func run(o Options, timeout time.Duration, e *Engine) (err error) {
	var measure func() (Result, error)
	end := func() {}
	expired := func() {
		fmt.Fprintln(os.Stderr, "peers: not done after", timeout)
		os.Exit(3)
	}
	smallPages()
	starting := time.AfterFunc(timeout, expired)
	switch {
	case o.second != "":
		starting.Stop() // it ends with the first one
		_, _, err := messages(o, e)
		return err
	case e.Measure == nil || o.Mode == "paced" && e.Connect != nil:
		measure, end, err = messages(o, e)
	default:
		measure, err = e.Measure(o)
	}
	starting.Stop()
	if err != nil {
		return err
	}
	defer end()
	return serve(os.Stdin, os.Stdout, timeout, expired, measure)
}

// named returns the engine of that name, or nil.
func named(engines []Engine, name string) *Engine {
	if i := slices.IndexFunc(engines, func(e Engine) bool { return e.Name == name }); i >= 0 {
		return &engines[i]
	}
	return nil
}

// parse reads the flags, which are those of all programs of package rivals, and
// --engine.
func parse(args []string, engines []Engine) (o Options, timeout time.Duration, err error) {
	var names []string
	for _, e := range engines {
		names = append(names, e.Name)
	}
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.StringVar(&o.Engine, "engine", "", strings.Join(names, ", "))
	f.StringVar(&o.Mode, "mode", "throughput", "throughput, latency or paced")
	f.StringVar(&o.second, "second", "", "what the program starts itself with")
	f.IntVar(&o.Size, "size", 8, "bytes of a message")
	f.Int("room", Room, "messages that a queue holds: always as many")
	f.IntVar(&o.Rate, "rate", 0, "paced: messages a second")
	f.IntVar(&o.Producers, "producers", 1, "threads that send")
	f.IntVar(&o.Consumers, "consumers", 1, "threads that receive")
	f.BoolVar(&o.Broadcast, "broadcast", false, "each message to all consumers")
	f.IntVar(&o.Batch, "batch", 1, "messages at a time")
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
		o.CPUs = append(o.CPUs, cpu)
	}
	switch o.Duration = time.Duration(*ms) * time.Millisecond; {
	case f.NArg() > 0:
		err = fmt.Errorf("unknown argument %q", f.Arg(0))
	case named(engines, o.Engine) == nil:
		err = fmt.Errorf("engine %q: there are %s", o.Engine, strings.Join(names, ", "))
	case o.Mode != "throughput" && o.Mode != "latency" && o.Mode != "paced":
		err = fmt.Errorf("mode %q: there are throughput, latency and paced", o.Mode)
	case o.Mode == "paced" && o.Rate < 1:
		err = errors.New("--mode paced wants a --rate")
	case o.Producers < 1 || o.Producers > 1024 || o.Consumers < 1 || o.Consumers > 1024 || o.Batch < 1 || o.Batch > 1024:
		err = errors.New("--producers, --consumers and --batch want 1 to 1024")
	case o.Size < 1 || *ms < 1 || *seconds < 1:
		err = errors.New("--size, --duration and --timeout want at least 1")
	}
	return o, time.Duration(*seconds) * time.Second, err
}
