package limits

import (
	"bytes"
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
		var c, g, cPause, gPause, ratio, ratioSpin, ratioPause []float64
		discarded := 0
		before := runC(t, program, size)
		for range runs {
			ours := runGo(t, size)
			after := runC(t, program, size)
			if SameRegime(before.Best().P50, after.Best().P50) {
				mean := func(of func(RTT) Stats) float64 { return float64(of(before).P50+of(after).P50) / 2 }
				spin, pause, best := mean(RTT.spin), mean(RTT.paused), mean(RTT.Best)
				c, g = append(c, spin), append(g, float64(ours.Spin.P50))
				cPause, gPause = append(cPause, pause), append(gPause, float64(ours.Pause.P50))
				ratioSpin = append(ratioSpin, float64(ours.Spin.P50)/spin)
				ratioPause = append(ratioPause, float64(ours.Pause.P50)/pause)
				ratio = append(ratio, float64(ours.Best().P50)/best)
			} else {
				discarded++
			}
			before = after
		}
		if len(c) == 0 {
			t.Logf("%4d B: all %d runs discarded", size, discarded)
			continue
		}
		t.Logf("%4d B, %2d lines: spin Go %4.0f ns, C %4.0f ns, ratio %.3f; PAUSE Go %4.0f ns, C %4.0f ns, ratio %.3f; better of both, ratio %.3f; %d runs, %d discarded",
			size, Lines(size), median(g), median(c), median(ratioSpin), median(gPause), median(cPause), median(ratioPause), median(ratio), len(g), discarded)
	}
}

func (r RTT) spin() Stats   { return r.Spin }
func (r RTT) paused() Stats { return r.Pause }

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
	return RTT{size, Lines(size), summarize(ticks["spin"], speed, step), summarize(ticks["pause"], speed, step)}
}
