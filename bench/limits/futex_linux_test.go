package limits

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func init() { children["futex"] = answerFutex }

// answerFutex is a child that wakes whoever wakes it, until it is killed.
func answerFutex(mem []byte) error {
	w, err := OpenWire(Futex, "", mem, false)
	for err == nil {
		if err = w.Recv(nil); err == nil {
			err = w.Send(nil)
		}
	}
	return err
}

// It asserts nothing about time:
//
//	RINGWAY_BENCH=1 go test -run BareFutex -v ./bench/limits
func TestTheBareFutexBesideTheSameLoopInC(t *testing.T) {
	runs, err := strconv.Atoi(os.Getenv("RINGWAY_BENCH"))
	if err != nil || runs < 1 {
		t.Skip("set RINGWAY_BENCH=1 to measure")
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler: ", err)
	}
	program := filepath.Join(t.TempDir(), "futex")
	if out, err := exec.Command(cc, "-O2", "-o", program, "testdata/futex.c").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const rounds = 5000
	a, b := PickPair()
	inC := func() float64 {
		out, err := exec.Command(program, strconv.Itoa(a), strconv.Itoa(b), strconv.Itoa(rounds)).Output()
		if err != nil {
			t.Fatal(err)
		}
		ns, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			t.Fatal(err)
		}
		return ns
	}
	var ratios []float64
	for range max(runs, 7) {
		before := inC()
		ours := goFutex(t, a, b, rounds)
		c := (before + inC()) / 2
		ratios = append(ratios, ours/c)
		t.Logf("Go %.0f ns, C %.0f ns, Go/C %.2f", ours, c, ours/c)
	}
	slices.Sort(ratios)
	t.Logf("Go/C %.2f at the median", ratios[len(ratios)/2])
}

// goFutex returns the median in nanoseconds.
func goFutex(t *testing.T, cpuA, cpuB, rounds int) (p50 float64) {
	t.Helper()
	mem, kill := startChild(t, "futex", cpuB)
	defer kill()
	done := make(chan error)
	go func() { // ends with its thread
		err := Pin(cpuA)
		var w Wire
		if err == nil {
			w, err = OpenWire(Futex, "", mem, true)
		}
		var ns []int64
		clock := Calibrate()
		for i := 0; i < rounds && err == nil; i++ {
			t0 := clock.Now()
			if err = w.Send(nil); err == nil {
				err = w.Recv(nil)
			}
			ns = append(ns, clock.Ns(clock.Now()-t0))
		}
		if err == nil {
			slices.Sort(ns)
			p50 = float64(ns[len(ns)/2])
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return p50
}

// startChild starts a child of this test program on memory that both share.
func startChild(t *testing.T, what string, cpu int) (mem []byte, kill func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "memory")
	if err := os.WriteFile(file, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	mem, err := mapFile(file)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envFile+"="+file, envChild+"="+what, envCPU+"="+strconv.Itoa(cpu))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return mem, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = unix.Munmap(mem)
	}
}

func TestABareFutexCountsWhatIsSent(t *testing.T) {
	mem, kill := startChild(t, "futex", 0)
	defer kill()
	w, err := OpenWire(Futex, "", mem, true)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := w.Send(nil); err != nil {
			t.Fatal(err)
		}
		if err := w.Recv(nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := binary.NativeEndian.Uint32(mem); n != 100 {
		t.Errorf("the word counts %d of 100", n)
	}
}
