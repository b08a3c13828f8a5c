package rivals

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// Capacities of the queues that are compiled in, in bytes of slots.
const (
	SmallThroughputCapacity = 512 << 10 // 65,536 slots of 8 bytes
	SmallLatencyCapacity    = 64 << 10  // 1,024 slots of 64 bytes
	LargeCapacity           = 8 << 20   // 1,048,576 or 131,072 slots
)

// BoostOptions say how the Boost program is run. The zero value measures with
// the program's defaults on the processors of limits.PickPair.
type BoostOptions struct {
	// CPUs are the processors of producer and consumer; both 0 means those
	// of limits.PickPair.
	CPUs [2]int

	// CapacityBytes is the capacity of a queue's slots, one of the constants;
	// 0 is LargeCapacity for throughput, SmallLatencyCapacity for latency.
	CapacityBytes int

	// Messages is the number of messages, or of round trips; 0 is 100 million
	// or one million.
	Messages int

	// Batch is how many messages are pushed and popped at a time; 0 and 1 are
	// one by one. Only throughput has batches.
	Batch int

	// Pause puts a PAUSE instruction after an attempt that found the queue
	// full or empty. Sometimes that is faster, so measure both.
	Pause bool

	// Timeout ends a program that doesn't; 0 is one minute.
	Timeout time.Duration
}

// BoostThroughput is what a run one way found.
type BoostThroughput struct {
	Engine        string  `json:"engine"`
	MessageBytes  int     `json:"message_bytes"`
	CapacityBytes int     `json:"capacity_bytes"`
	Batch         int     `json:"batch"`
	Messages      int     `json:"messages"`
	Seconds       float64 `json:"seconds"` // from the first push to the last pop
	PerSecond     float64 `json:"msgs_per_sec"`
}

// BoostLatency is what a run there and back found. Times are nanoseconds; the
// percentiles are those of limits.Summarize.
type BoostLatency struct {
	Engine        string  `json:"engine"`
	MessageBytes  int     `json:"message_bytes"`
	CapacityBytes int     `json:"capacity_bytes"`
	Messages      int     `json:"messages"`
	Seconds       float64 `json:"seconds"`
	P50           float64 `json:"p50_ns"`
	P90           float64 `json:"p90_ns"`
	P99           float64 `json:"p99_ns"`
	P999          float64 `json:"p999_ns"`
	Max           float64 `json:"max_ns"`
}

// RunBoostThroughput builds the Boost program if need be and sends 8-byte
// messages from one process to another. It returns what BuildBoost returns,
// and an error with the program's words when it fails, is ended by Timeout or
// delivers anything out of order.
func RunBoostThroughput(ctx context.Context, o BoostOptions) (r BoostThroughput, err error) {
	err = o.run(ctx, "throughput", &r)
	return r, err
}

// RunBoostLatency builds the Boost program if need be and bounces 64-byte
// messages between two processes. Errors are those of RunBoostThroughput.
func RunBoostLatency(ctx context.Context, o BoostOptions) (r BoostLatency, err error) {
	err = o.run(ctx, "latency", &r)
	return r, err
}

// args are those of the program.
func (o BoostOptions) args(mode string) []string {
	a, b := o.CPUs[0], o.CPUs[1]
	if a == 0 && b == 0 {
		a, b = limits.PickPair()
	}
	args := []string{"--mode", mode, "--cpus", fmt.Sprintf("%d,%d", a, b)}
	add := func(name string, value int) {
		if value != 0 {
			args = append(args, name, strconv.Itoa(value))
		}
	}
	add("--capacity-bytes", o.CapacityBytes)
	add("--messages", o.Messages)
	add("--batch", o.Batch)
	if o.Pause {
		add("--pause", 1)
	}
	add("--timeout", int((o.Timeout+time.Second-1)/time.Second))
	return args
}

// run builds, runs and parses into result.
func (o BoostOptions) run(ctx context.Context, mode string, result any) error {
	path, err := BuildBoost(ctx)
	if err != nil {
		return err
	}
	return runProgram(ctx, "boost_spsc", path, o.args(mode), result)
}

// runProgram runs a program and parses its line into result.
func runProgram(ctx context.Context, name, path string, args []string, result any) error {
	out, err := exec.CommandContext(ctx, path, args...).Output()
	if err != nil {
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
		}
		return fmt.Errorf("rivals: %s: %w", name, err)
	}
	if err := json.Unmarshal(out, result); err != nil {
		return fmt.Errorf("rivals: %s printed %q: %w", name, out, err)
	}
	return nil
}
