package limits

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// The figures of doc.go come from this test. It asserts nothing about time:
//
//	RINGWAY_BENCH=1 go test -run C11 -v ./bench/limits
//
// RINGWAY_BENCH=50 takes fifty runs of each size instead of fifteen.
func TestTheRawRoundTripBesideTheSameLoopInC11(t *testing.T) {
	runs, err := strconv.Atoi(os.Getenv("RINGWAY_BENCH"))
	if err != nil || runs < 1 {
		t.Skip("set RINGWAY_BENCH=1 to measure")
	}
	if runs == 1 {
		runs = 15
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler: ", err)
	}
	program := filepath.Join(t.TempDir(), "pingpong")
	build := exec.Command(cc, "-O3", "-march=native", "-std=gnu11", "-o", program, "testdata/pingpong.c")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, size := range []int{8, 32, 64, 256, 1024, 4096} {
		var ours, theirs, ratios [4][]float64 // spin, PAUSE, held, the best of them
		discarded := 0
		before := runC(t, program, size)
		for range runs {
			r := runGo(t, size)
			after := runC(t, program, size)
			if !SameRegime(before.Pause.P50, after.Pause.P50) {
				discarded++
			} else {
				a, b := medians(before), medians(after)
				for i, p50 := range medians(r) {
					c := (a[i] + b[i]) / 2
					ours[i], theirs[i] = append(ours[i], p50), append(theirs[i], c)
					ratios[i] = append(ratios[i], p50/c)
				}
			}
			before = after
		}
		t.Logf("%d B, %d lines: %d runs, %d discarded", size, Lines(size), runs, discarded)
		for i, name := range []string{"spin", "PAUSE", "held", "best"} {
			if len(ratios[i]) > 0 {
				t.Logf("  %-5s Go %4.0f ns, C %4.0f ns, Go/C %.3f", name, median(ours[i]), median(theirs[i]), median(ratios[i]))
			}
		}
	}
}

// medians are those of the three ways to poll and the lowest of them.
func medians(r RTT) [4]float64 {
	return [4]float64{float64(r.Spin.P50), float64(r.Pause.P50), float64(r.Held.P50), float64(r.Best().P50)}
}

const perRun = 60 * time.Millisecond

// runGo measures with two processes of this test program.
func runGo(t *testing.T, size int) (r RTT) {
	a, b := PickPair()
	p := startPonger(t, size, 0, b)
	done := make(chan error)
	go func() { // ends with its thread
		err := Pin(a)
		if err == nil {
			r, err = RoundTrip(p.mem, size, perRun, 0)
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil {
		t.Fatal(err)
	}
	return r
}

// runC measures with testdata/pingpong.c and sums its counts up in the same way.
func runC(t *testing.T, program string, size int) RTT {
	a, b := PickPair()
	out, err := exec.Command(program, fmt.Sprint(size), fmt.Sprint(perRun.Milliseconds()), fmt.Sprint(a), fmt.Sprint(b)).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() < 0 {
		return RTT{} // its alarm: too many others on the processors; in no regime
	}
	if err != nil {
		t.Fatal(err)
	}
	var speed float64
	ticks := map[string][]uint32{}
	for line := range bytes.Lines(out) {
		var kind string
		var value float64
		var count int
		fmt.Sscan(string(line), &kind, &value, &count)
		if kind == "speed" {
			speed = value
		}
		for range count {
			ticks[kind] = append(ticks[kind], uint32(value))
		}
	}
	step := Calibrate().StepNs
	of := func(kind string) Stats { return summarize(ticks[kind], speed, step) }
	return RTT{Bytes: size, Lines: Lines(size), Spin: of("spin"), Pause: of("pause"), Held: of("held")}
}
