package wine

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringway/ringway/internal/proctest"
)

const (
	script      = "../../scripts/wine-exec"
	wineMissing = 127 // what wine-exec exits with where there is no Wine
)

var (
	probeExe string // the program in testdata/probe
	noProbe  string // why there is none, if there is none
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wine")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := 1
	if err := prepare(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// prepare asks for Wine before it builds anything, since most machines that
// run these tests have none. Only scripts/test-windows installs it.
func prepare(dir string) error {
	out, err := exec.Command("bash", "-c", ". ../../scripts/wine-find.bash && find_wine").CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); ran && len(out) == 0 {
		noProbe = "Wine is missing: scripts/install-wine"
		if os.Getenv("RINGWAY_REQUIRE_WINE") == "1" {
			return errors.New(noProbe)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for Wine: %w\n%s", err, out)
	}
	probeExe = filepath.Join(dir, "probe.exe")
	cmd := exec.Command("go", "build", "-o", probeExe, "./testdata/probe")
	cmd.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the probe: %w\n%s", err, out)
	}
	return nil
}

// probe returns a command that runs the probe under Wine.
func probe(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if noProbe != "" {
		t.Skip(noProbe)
	}
	path, err := filepath.Abs(script)
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(path, append([]string{probeExe}, args...)...)
}

func TestWineExecPassesArgumentsUnchanged(t *testing.T) {
	args := []string{"", "a b", `"`, `\`, `a\"b`, `C:\dir\`, "*", "$HOME", "ü€", "'", "--"}
	var want strings.Builder
	for _, a := range args {
		fmt.Fprintf(&want, "%q\n", a)
	}
	got, err := probe(t, append([]string{"args"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want.String() {
		t.Errorf("the program got\n%s, want\n%s", got, want.String())
	}
}

func TestWineExecPassesTheEnvironment(t *testing.T) {
	const value = `a "b" c=d;`
	cmd := probe(t, "env", "RINGWAY_PROBE")
	cmd.Env = append(os.Environ(), "RINGWAY_PROBE="+value)
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != value {
		t.Errorf("the program sees %q, want %q", got, value)
	}
}

func TestWineExecKeepsTheWorkingDirectory(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cmd := probe(t, "cwd")
	cmd.Dir = dir
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := "Z:" + strings.ReplaceAll(dir, "/", `\`); string(got) != want {
		t.Errorf("the program runs in %q, want %q", got, want)
	}
}

func TestWineExecConnectsTheStandardStreams(t *testing.T) {
	in := make([]byte, 1<<20)
	src := rand.NewChaCha8([32]byte{1})
	src.Read(in)
	cmd := probe(t, "cat")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out, in) {
		t.Errorf("%d bytes went in and %d others came out", len(in), len(out))
	}
	if got, want := stderr.String(), fmt.Sprint(len(in), error(nil)); got != want {
		t.Errorf("standard error carried %q, want %q", got, want)
	}
}

func TestWineExecReturnsTheExitCode(t *testing.T) {
	for _, want := range []int{0, 1, 42, 255} {
		cmd := probe(t, "exit", fmt.Sprint(want))
		err := cmd.Run()
		if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
			t.Fatal(err)
		}
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("exit code %d, want %d", got, want)
		}
	}
}

func TestWineExecTakesTheProgramWithItWhenKilled(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		file := filepath.Join(t.TempDir(), "grows")
		cmd := probe(t, "grow", file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		size := func() int64 {
			fi, err := os.Stat(file)
			if err != nil {
				return 0
			}
			return fi.Size()
		}
		// The first run ever has a prefix to make.
		proctest.Until(t, "the program has started", func() bool { return size() > 0 })
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Errorf("%v: exit code 0", sig)
		}
		before := size()
		time.Sleep(100 * time.Millisecond) // a hundred times what the program takes
		if after := size(); after != before {
			t.Errorf("%v: the program lives on", sig)
		}
	}
}

func TestWineExecSaysWhenWineIsMissing(t *testing.T) {
	cmd := exec.Command(script, "program.exe")
	cmd.Env = append(os.Environ(), "RINGWAY_WINE=/nowhere/wine", "RINGWAY_WINESERVER=/nowhere/wineserver")
	out, err := cmd.CombinedOutput()
	if exit, ran := errors.AsType[*exec.ExitError](err); !ran || exit.ExitCode() != wineMissing {
		t.Errorf("got %v, want exit code %d", err, wineMissing)
	}
	if !strings.Contains(string(out), "scripts/install-wine") || strings.Count(string(out), "\n") != 1 {
		t.Errorf("said %q, want one line that names scripts/install-wine", out)
	}
}
