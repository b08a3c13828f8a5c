package rivals

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// MPMCCapacity is how many messages the queues have room for, within a few.
const MPMCCapacity = 65536

// engine is a queue of many producers and many consumers.
type engine struct {
	name  string // for people who choose
	title string // what its program calls it
	build func(ctx context.Context, dir string) (path string, err error)
	args  []string
}

var engines = []engine{
	{name: "moodycamel", title: "moodycamel::ConcurrentQueue", build: moodycamel.build},
	{name: "boost-queue", title: "boost::lockfree::queue", build: boostQueue.build},
	{name: "atomic-queue", title: "atomic_queue::AtomicQueue", build: atomicQueue.build},
	{name: "xsync", title: "xsync.MPMCQueue", build: buildPeers, args: []string{"--engine", "xsync"}},
	{name: "lfq", title: "lfq.MPMC", build: buildLFQ},
	{name: "channel", title: "chan uint64", build: buildPeers, args: []string{"--engine", "channel"}},
}

// buildLFQ fails: nothing can be written for a module that was never seen.
func buildLFQ(context.Context, string) (string, error) {
	return "", fmt.Errorf("%w: the module code.hybscloud.com/lfq, which could not be had when its rivals were written", ErrMissing)
}

// MPMC returns the names of the engines that RunMPMC knows.
func MPMC() []string {
	names := make([]string, len(engines))
	for i, e := range engines {
		names[i] = e.name
	}
	return names
}

// MPMCOptions say what RunMPMC runs. Only Engine must be given.
type MPMCOptions struct {
	// Engine is one of MPMC.
	Engine string

	// Producers and Consumers are threads, 1 to 1,024; 0 is 1.
	Producers, Consumers int

	// Batch is how many messages are pushed and popped at a time, up to 1,024;
	// 0 and 1 are one by one. Where an engine has no call for several, which only
	// moodycamel has, it is called as often as it takes.
	Batch int

	// Duration is how long is pushed, in milliseconds; 0 is one second. What is
	// in the queue then is popped, and that takes its part of the result's
	// Seconds.
	Duration time.Duration

	// CPUs are the processors to which producers, then consumers, are pinned in
	// turn; none means those of limits.PickPair for two threads, and those of
	// limits.CPUs for more.
	CPUs []int

	// Timeout ends a program that doesn't; 0 is one minute more than Duration.
	Timeout time.Duration
}

// MPMCThroughput is what a run found.
type MPMCThroughput struct {
	Engine       string  `json:"engine"`
	MessageBytes int     `json:"message_bytes"`
	Producers    int     `json:"producers"`
	Consumers    int     `json:"consumers"`
	Batch        int     `json:"batch"`
	Messages     int64   `json:"messages"`
	Seconds      float64 `json:"seconds"` // from the first push to the last pop
	PerSecond    float64 `json:"msgs_per_sec"`
}

// RunMPMC builds the program of an engine if need be and sends 8-byte messages
// between threads of one process. It returns ErrMissing when this machine lacks
// what the engine is built with, and an error with the program's words when it
// fails, is ended by Timeout or doesn't deliver what was sent. Where the options
// make sense, the result has the engine's full name whatever the error.
func RunMPMC(ctx context.Context, o MPMCOptions) (r MPMCThroughput, err error) {
	e, err := o.complete()
	if err != nil {
		return r, err
	}
	r.Engine = e.title
	dir, err := cacheDir()
	if err != nil {
		return r, err
	}
	path, err := e.build(ctx, dir)
	if err != nil {
		return r, err
	}
	var found MPMCThroughput
	if err := runProgram(ctx, e.name, path, append(o.args(), e.args...), &found); err != nil {
		return r, err
	}
	return found, nil
}

// complete checks the options and puts values where none were given.
func (o *MPMCOptions) complete() (e engine, err error) {
	for _, known := range engines {
		if known.name == o.Engine {
			e = known
		}
	}
	if e.name == "" {
		return e, fmt.Errorf("rivals: engine %q: there are %s", o.Engine, strings.Join(MPMC(), ", "))
	}
	for _, number := range []struct {
		name  string
		value *int
	}{{"producers", &o.Producers}, {"consumers", &o.Consumers}, {"batch", &o.Batch}} {
		if *number.value == 0 {
			*number.value = 1
		}
		if *number.value < 1 || *number.value > 1024 {
			return e, fmt.Errorf("rivals: %d %s: 1 to 1024 make sense", *number.value, number.name)
		}
	}
	if o.Duration < 0 || o.Timeout < 0 {
		return e, fmt.Errorf("rivals: duration %v, timeout %v: neither can be less than 0", o.Duration, o.Timeout)
	}
	if o.Duration == 0 {
		o.Duration = time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = o.Duration + time.Minute
	}
	switch {
	case len(o.CPUs) > 0:
	case o.Producers+o.Consumers == 2:
		a, b := limits.PickPair()
		o.CPUs = []int{a, b}
	default:
		o.CPUs = limits.CPUs()
	}
	for _, cpu := range o.CPUs {
		if cpu < 0 || cpu >= 1024 {
			return e, fmt.Errorf("rivals: processor %d: they are counted from 0 to 1023", cpu)
		}
	}
	return e, nil
}

// args are those of the program, of complete options.
func (o *MPMCOptions) args() []string {
	cpus := make([]string, len(o.CPUs))
	for i, cpu := range o.CPUs {
		cpus[i] = strconv.Itoa(cpu)
	}
	up := func(d, unit time.Duration) string { return strconv.FormatInt(int64((d+unit-1)/unit), 10) }
	return []string{
		"--producers", strconv.Itoa(o.Producers), "--consumers", strconv.Itoa(o.Consumers),
		"--batch", strconv.Itoa(o.Batch), "--cpus", strings.Join(cpus, ","),
		"--duration", up(o.Duration, time.Millisecond), "--timeout", up(o.Timeout, time.Second),
	}
}
