package rivals

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// build skips the test where the program can't be built.
func build(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles C++")
	}
	if _, err := BuildBoost(t.Context()); errors.Is(err, ErrMissing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
}

func TestBoostDeliversEveryMessageInOrderOneByOneAndInBatches(t *testing.T) {
	build(t)
	for _, o := range []BoostOptions{
		{Messages: 100000},
		{Messages: 100000, CapacityBytes: SmallThroughputCapacity, Pause: true},
		{Messages: 100001, Batch: 64, CapacityBytes: LargeCapacity, Timeout: 30 * time.Second},
	} {
		r, err := RunBoostThroughput(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		capacity, batch := max(o.CapacityBytes, SmallThroughputCapacity), max(o.Batch, 1)
		if o.CapacityBytes == 0 {
			capacity = LargeCapacity
		}
		if r.Engine != "boost::lockfree::spsc_queue" || r.MessageBytes != 8 || r.Messages != o.Messages ||
			r.CapacityBytes != capacity || r.Batch != batch || r.Seconds <= 0 || r.PerSecond <= 0 {
			t.Errorf("%+v gave %+v", o, r)
		}
	}
}

func TestBoostAnswersEveryRoundTrip(t *testing.T) {
	build(t)
	r, err := RunBoostLatency(t.Context(), BoostOptions{Messages: 5000})
	if err != nil {
		t.Fatal(err)
	}
	if r.MessageBytes != 64 || r.CapacityBytes != SmallLatencyCapacity || r.Messages != 5000 ||
		r.P50 <= 0 || r.P50 > r.P90 || r.P90 > r.P99 || r.P99 > r.P999 {
		t.Errorf("%+v", r)
	}
}

func TestARunThatCannotSucceedIsAnErrorWithTheProgramsWords(t *testing.T) {
	build(t)
	_, err := RunBoostThroughput(t.Context(), BoostOptions{Messages: 1, CapacityBytes: 12345})
	if err == nil || !strings.Contains(err.Error(), "capacity") {
		t.Errorf("a capacity that was not compiled in: %v", err)
	}
	_, err = RunBoostThroughput(t.Context(), BoostOptions{Messages: 1, CPUs: [2]int{0, 1 << 20}, Timeout: time.Second})
	if err == nil {
		t.Error("ran on a processor that is not there")
	}
}

func TestAProgramThatWasBuiltIsNotBuiltAgain(t *testing.T) {
	build(t)
	first, err := BuildBoost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	second, err := BuildBoost(t.Context())
	if err != nil || second != first {
		t.Fatal(second, err)
	}
	if after, err := os.Stat(second); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Error("built again", err)
	}
}

func TestWithoutACompilerTheErrorNamesThePackageThatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := buildBoost(context.Background(), t.TempDir())
	if !errors.Is(err, ErrMissing) || runtime.GOOS == "linux" && !strings.Contains(err.Error(), "g++") {
		t.Error(err)
	}
}

func TestWithoutBoostTheErrorNamesThePackageThatIsMissing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a shell")
	}
	dir := t.TempDir() // a compiler that finds no header
	script := "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho 'fatal error: no such file' >&2\nexit 1\n"
	if err := os.WriteFile(dir+"/c++", []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	_, err := buildBoost(t.Context(), t.TempDir())
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "libboost-dev") {
		t.Error(err)
	}
}

func TestAnEndedContextEndsTheBuild(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := buildBoost(ctx, t.TempDir()); err == nil {
		t.Error("built")
	}
}
