package rivals

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

	// Duration is how long is measured, after a warm-up; 0 is one second.
	Duration time.Duration

	// CPUs are the processors to which producers, then consumers, are pinned in
	// turn; none means those of limits.PickPair for two, and those of limits.CPUs
	// for more.
	CPUs []int

	// Timeout ends a program that doesn't; 0 is ten times Duration and ten
	// seconds.
	Timeout time.Duration
}

// Outcome is what a run found.
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

// Run builds the engine's program if need be and runs it. Errors are those of
// Can and Build, and one with the program's words when it fails, is ended by
// Timeout or doesn't deliver what was sent.
func (e Engine) Run(ctx context.Context, t Task) (Outcome, error) {
	if err := e.Can(t); err != nil {
		return Outcome{}, err
	}
	t, err := t.complete()
	if err != nil {
		return Outcome{}, err
	}
	path, err := e.program(ctx)
	if err != nil {
		return Outcome{}, err
	}
	return runProgram(ctx, e.Name, path, append(t.args(), e.args...))
}

// runProgram runs a program and reads its line.
func runProgram(ctx context.Context, name, path string, args []string) (Outcome, error) {
	// What it leaves behind when it is killed bears this directory's name.
	dir, err := os.MkdirTemp("", "ringway-rival-")
	if err != nil {
		return Outcome{}, fmt.Errorf("rivals: %w", err)
	}
	defer func() {
		left, _ := filepath.Glob(filepath.Join("/dev/shm", filepath.Base(dir)+"*"))
		for _, file := range append(left, dir) {
			_ = os.RemoveAll(file)
		}
	}()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	out, err := cmd.Output()
	if err != nil {
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, firstLines(exit.Stderr))
		}
		return Outcome{}, fmt.Errorf("rivals: %s: %w", name, err)
	}
	var line struct {
		Engine, Between string
		Messages        int64
		Seconds         float64
		Times           [][2]int64
	}
	if err := json.Unmarshal(out, &line); err != nil {
		return Outcome{}, fmt.Errorf("rivals: %s printed %.200q: %w", name, out, err)
	}
	o := Outcome{Engine: line.Engine, Between: line.Between, Messages: line.Messages, Seconds: line.Seconds}
	if o.Messages <= 0 || o.Seconds <= 0 {
		return Outcome{}, fmt.Errorf("rivals: %s printed %.200q, which says nothing", name, out)
	}
	if len(line.Times) > 0 {
		o.Times = limits.NewHistogram(limits.Calibrate().StepNs)
		for _, t := range line.Times {
			if t[1] < 0 || t[1] > o.Messages {
				return Outcome{}, fmt.Errorf("rivals: %s printed a time that was there %d times", name, t[1])
			}
			o.Times.RecordN(float64(t[0]), t[1])
		}
	}
	return o, nil
}

// firstLines keeps what a program says from filling the screen.
func firstLines(text []byte) []byte {
	lines := bytes.SplitN(bytes.TrimSpace(text), []byte("\n"), 4)
	return bytes.Join(lines[:min(len(lines), 3)], []byte("; "))
}

func names() string {
	var all []string
	for _, e := range engines {
		all = append(all, e.Name)
	}
	return strings.Join(all, ", ")
}
