package rivals

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// Modes of a task.
const (
	Latency    = "latency"    // there and back
	Throughput = "throughput" // as fast as it goes
	Paced      = "paced"      // so many a second, timed from when each was due
)

// Task is what a rival has to do. Complete fills in what is 0.
type Task struct {
	Mode string
	Size int // bytes a message; 0 is 8
	Room int // messages that the queue holds; 0 is 65,536

	// Producers and Consumers are 1 to 1,024; 0 is 1.
	Producers, Consumers int

	// Batch is how many messages are pushed and popped at a time, up to 1,024;
	// 0 is 1. Where an engine has no call for several, it is called as often as
	// it takes.
	Batch int

	// Broadcast is that each message goes to all consumers.
	Broadcast bool

	// Rate is messages a second; for Paced.
	Rate float64

	// Duration is how long a slice measures, after a warm-up; 0 is one second.
	Duration time.Duration

	// CPUs are the processors to which producers, then consumers, are pinned in
	// turn; none means those of limits.PickPair for two, and those of limits.CPUs
	// for more.
	CPUs []int

	// Timeout ends a program that isn't done with a slice; 0 is ten times Duration
	// and ten seconds.
	Timeout time.Duration
}

// Outcome is what a slice found: messages are those that consumers received.
type Outcome struct {
	Engine   string
	Between  string // "processes" or "threads"
	Messages int64
	Seconds  float64
	Times    *limits.Histogram // nil for throughput
}

// complete checks a task and puts values where none were given.
func (t Task) complete() (Task, error) {
	for _, number := range []struct {
		name  string
		value *int
		zero  int
		most  int
	}{
		{"size", &t.Size, 8, 1 << 30}, {"room", &t.Room, 65536, 1 << 30}, {"producers", &t.Producers, 1, 1024},
		{"consumers", &t.Consumers, 1, 1024}, {"batch", &t.Batch, 1, 1024},
	} {
		if *number.value == 0 {
			*number.value = number.zero
		}
		if *number.value < 1 || *number.value > number.most {
			return t, fmt.Errorf("rivals: %d %s: 1 to %d make sense", *number.value, number.name, number.most)
		}
	}
	if t.Mode != Latency && t.Mode != Throughput && t.Mode != Paced {
		return t, fmt.Errorf("rivals: mode %q: there are %s, %s and %s", t.Mode, Latency, Throughput, Paced)
	}
	if t.Duration < 0 || t.Timeout < 0 || t.Rate < 0 || (t.Mode == Paced) != (t.Rate > 0) {
		return t, fmt.Errorf("rivals: duration %v, timeout %v, rate %g: none can be less than 0, and %s has a rate", t.Duration, t.Timeout, t.Rate, Paced)
	}
	if t.Duration == 0 {
		t.Duration = time.Second
	}
	if t.Timeout == 0 {
		t.Timeout = 10*t.Duration + 10*time.Second
	}
	switch {
	case len(t.CPUs) > 0:
	case t.Producers+t.Consumers == 2:
		a, b := limits.PickPair()
		t.CPUs = []int{a, b}
	default:
		t.CPUs = limits.CPUs()
	}
	for _, cpu := range t.CPUs {
		if cpu < 0 || cpu >= 1024 {
			return t, fmt.Errorf("rivals: processor %d: they are counted from 0 to 1023", cpu)
		}
	}
	return t, nil
}

// args are those of the program, of a complete task.
func (t Task) args() []string {
	cpus := make([]string, len(t.CPUs))
	for i, cpu := range t.CPUs {
		cpus[i] = strconv.Itoa(cpu)
	}
	up := func(d, unit time.Duration) string { return strconv.FormatInt(int64((d+unit-1)/unit), 10) }
	args := []string{
		"--mode", t.Mode, "--size", strconv.Itoa(t.Size), "--room", strconv.Itoa(t.Room),
		"--producers", strconv.Itoa(t.Producers), "--consumers", strconv.Itoa(t.Consumers),
		"--batch", strconv.Itoa(t.Batch), "--cpus", strings.Join(cpus, ","),
		"--duration", up(t.Duration, time.Millisecond), "--timeout", up(t.Timeout, time.Second),
	}
	if t.Mode == Paced {
		args = append(args, "--rate", strconv.FormatInt(max(int64(t.Rate+0.5), 1), 10))
	}
	if t.Broadcast {
		args = append(args, "--broadcast")
	}
	return args
}

// Can returns nil when the engine does such tasks, and otherwise an error that
// says which it does.
func (e Engine) Can(t Task) error {
	t, err := t.complete()
	if err != nil {
		return err
	}
	err = e.can(t)
	if err == nil && t.Broadcast && e.Name != "channel" && e.Name != "go-disruptor" {
		err = unless(false, "one consumer a message")
	}
	if err != nil {
		return fmt.Errorf("rivals: %s: %w", e.Name, err)
	}
	return nil
}

// Build compiles what the engine needs, if that has not been done before, which
// takes some seconds. It returns ErrMissing when this machine lacks what the
// engine is built with, and the error of ctx when that ends first.
func (e Engine) Build(ctx context.Context) error {
	_, err := e.program(ctx)
	return err
}

func (e Engine) program(ctx context.Context) (path string, err error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	return e.build(ctx, dir)
}

// Run starts the engine, measures one slice and ends it.
func (e Engine) Run(ctx context.Context, t Task) (Outcome, error) {
	p, err := e.Start(ctx, t)
	if err != nil {
		return Outcome{}, err
	}
	o, err := p.Slice()
	return o, errors.Join(err, p.Close())
}

// Start builds the engine's program if need be and starts it. It ends with ctx.
// Errors are those of Can and Build.
func (e Engine) Start(ctx context.Context, t Task) (*Program, error) {
	if err := e.Can(t); err != nil {
		return nil, err
	}
	t, err := t.complete()
	if err != nil {
		return nil, err
	}
	path, err := e.program(ctx)
	if err != nil {
		return nil, err
	}
	return start(ctx, e.Name, path, append(t.args(), e.args...))
}

func names() string {
	var all []string
	for _, e := range engines {
		all = append(all, e.Name)
	}
	return strings.Join(all, ", ")
}
