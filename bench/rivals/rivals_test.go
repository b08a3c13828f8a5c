package rivals

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// each calls f for each engine that can be had here.
func each(t *testing.T, f func(t *testing.T, e Engine)) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles C++")
	}
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) {
			if err := e.Build(t.Context()); errors.Is(err, ErrMissing) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			f(t, e)
		})
	}
}

func TestEveryEngineDeliversInEachModeWhatItIsSent(t *testing.T) {
	each(t, func(t *testing.T, e Engine) {
		done := 0
		for _, task := range []Task{
			{Mode: Throughput},
			{Mode: Throughput, Batch: 32},
			{Mode: Throughput, Room: 8192},
			{Mode: Throughput, Producers: 2, Consumers: 2},
			{Mode: Throughput, Size: 64},
			{Mode: Throughput, Consumers: 3, Broadcast: true},
			{Mode: Latency, Size: 64},
			{Mode: Paced, Size: 64, Rate: 2000},
		} {
			if e.Can(task) != nil {
				continue
			}
			done++
			task.Duration, task.Timeout = 20*time.Millisecond, time.Minute
			p, err := e.Start(t.Context(), task)
			if err != nil {
				t.Errorf("%+v: %v", task, err)
				continue
			}
			var r Outcome
			for done := 0; err == nil && done < 2; { // others may need the processors: then nothing comes
				if r, err = p.Slice(); r.Messages > 0 {
					done++
				}
			}
			if err = errors.Join(err, p.Close()); err != nil {
				t.Errorf("%+v: %v", task, err)
				continue
			}
			if r.Engine == "" || r.Between != e.Between || r.Messages <= 0 || r.Seconds <= 0 || (r.Times != nil) != (task.Mode != Throughput) {
				t.Errorf("%+v gave %+v", task, r)
			}
		}
		if done == 0 {
			t.Error("it can do nothing")
		}
	})
}

func TestAnEngineThatCannotBePinnedIsAnErrorWithTheProgramsWords(t *testing.T) {
	each(t, func(t *testing.T, e Engine) {
		for _, task := range []Task{{Mode: Throughput}, {Mode: Latency, Size: 64}} {
			task.CPUs, task.Duration, task.Timeout = []int{1023, 1022}, time.Millisecond, 2*time.Minute
			if e.Can(task) != nil {
				continue
			}
			_, err := e.Run(t.Context(), task)
			if err == nil || errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "pin") && !strings.Contains(err.Error(), "invalid argument") {
				t.Error(err)
			}
			return
		}
	})
}

func TestARivalThatIsKilledLeavesNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("rivals run on Linux")
	}
	each(t, func(t *testing.T, e Engine) {
		task := Task{Mode: Latency, Size: 64, Duration: time.Hour}
		if e.Class != Messaging || e.Can(task) != nil {
			t.Skip("it makes nothing that has a name")
		}
		tmp := t.TempDir()
		t.Setenv("TMPDIR", tmp)
		before, err := filepath.Glob("/dev/shm/ringway-rival-*")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := e.Run(ctx, task)
			done <- err
		}()
		// It is at work when it has made its directory, or says why not.
		for len(done) == 0 {
			if made, err := filepath.Glob(filepath.Join(tmp, "ringway-rival-*")); err != nil || len(made) > 0 {
				break
			}
			runtime.Gosched()
		}
		cancel()
		if err := <-done; err == nil {
			t.Error("an hour went by")
		}
		left, err := filepath.Glob(filepath.Join(tmp, "ringway-rival-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("%v is left, %v", left, err)
		}
		if after, err := filepath.Glob("/dev/shm/ringway-rival-*"); err != nil || len(after) > len(before) {
			t.Errorf("%v is left, %v", after, err)
		}
	})
}

func TestATaskWithoutNumbersIsOfOneProducerAndOneConsumer(t *testing.T) {
	task, err := Task{Mode: Throughput}.complete()
	if err != nil {
		t.Fatal(err)
	}
	if task.Producers != 1 || task.Consumers != 1 || task.Batch != 1 || task.Size != 8 || task.Room != 65536 ||
		task.Duration != time.Second || task.Timeout != 20*time.Second || len(task.CPUs) != 2 {
		t.Errorf("%+v", task)
	}
	task, err = Task{Mode: Paced, Size: 64, Rate: 1000, Producers: 3, Consumers: 2, Batch: 32, CPUs: []int{4, 0, 2},
		Duration: 1500 * time.Microsecond, Timeout: 1500 * time.Millisecond}.complete()
	if err != nil {
		t.Fatal(err)
	}
	const want = "--mode paced --size 64 --room 65536 --producers 3 --consumers 2 --batch 32 --cpus 4,0,2 --duration 2 --timeout 2 --rate 1000"
	if got := strings.Join(task.args(), " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestTasksThatMakeNoSenseAreErrorsThatSayWhy(t *testing.T) {
	e, err := Find("channel")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		task Task
		want string
	}{
		{Task{}, "mode"},
		{Task{Mode: Throughput, Producers: -1}, "-1 producers"},
		{Task{Mode: Throughput, Consumers: 1025}, "1025 consumers"},
		{Task{Mode: Throughput, Batch: 4096}, "4096 batch"},
		{Task{Mode: Throughput, Duration: -1}, "duration"},
		{Task{Mode: Throughput, Timeout: -1}, "timeout"},
		{Task{Mode: Throughput, Rate: 1}, "rate"},
		{Task{Mode: Paced}, "rate"},
		{Task{Mode: Throughput, CPUs: []int{0, -1}}, "processor -1"},
		{Task{Mode: Throughput, Size: 9}, "8 bytes"},
	} {
		r, err := e.Run(t.Context(), c.task)
		if err == nil || errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, %v", c.task, r, err)
		}
	}
	if _, err := Find("nobody"); err == nil || !strings.Contains(err.Error(), "zeromq") {
		t.Error(err)
	}
}

func TestTheLineThatAProgramPrintsIsRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	program := func(body string) string {
		path := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	slice := func(path string) (Outcome, error) {
		p, err := start(t.Context(), "x", path, nil)
		if err != nil {
			return Outcome{}, err
		}
		defer p.Close()
		return p.Slice()
	}
	line := `{"engine":"q","between":"threads","messages":100,"seconds":1.25,"times":[[90,60],[100,40]]}`
	got, err := slice(program("echo '" + line + "'"))
	if err != nil || got.Engine != "q" || got.Between != "threads" || got.Messages != 100 || got.Seconds != 1.25 || got.Times.Count() != 100 {
		t.Errorf("%+v %v", got, err)
	}
	for body, words := range map[string]string{
		"echo no":                           `printed "no`,
		"true":                              `printed ""`,
		"echo lost some >&2; exit 1":        "lost some",
		"echo '{\"messages\":\"1\"}'":       "messages",
		"echo '{\"messages\":0}'":           "says nothing",
		"seq 1000 | tr '\\n' a >&2; exit 1": "1a2",
		`echo '{"messages":1,"seconds":1,"times":[[1,9223372036854775807]]}'`: "times",
	} {
		if _, err := slice(program(body)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestWithoutACompilerOrItsHeadersTheErrorNamesThePackage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a shell")
	}
	empty, deaf := t.TempDir(), t.TempDir() // no compiler; a compiler that finds no header
	script := "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho 'fatal error: no such file' >&2\nexit 1\n"
	if err := os.WriteFile(deaf+"/c++", []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	debian := map[string]string{
		"boost-spsc": "libboost-dev", "readerwriter": "libreaderwriterqueue-dev", "moodycamel": "libconcurrentqueue-dev",
		"atomic-queue": "libatomic-queue-dev", "zeromq": "libzmq3-dev", "nng": "libnng-dev", "message-queue": "libboost-dev",
	}
	for _, e := range engines {
		t.Setenv("PATH", empty)
		_, err := e.build(t.Context(), t.TempDir())
		want := "g++"
		if len(e.args) > 0 {
			want = "go command"
		}
		if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "module") {
			t.Errorf("%s: %v", e.Name, err)
		}
		if debian[e.Name] == "" {
			continue
		}
		t.Setenv("PATH", deaf)
		if _, err = e.build(t.Context(), t.TempDir()); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), debian[e.Name]) {
			t.Errorf("%s: %v", e.Name, err)
		}
	}
}

func TestAProgramThatWasBuiltIsNotBuiltAgain(t *testing.T) {
	dir := t.TempDir()
	builds := 0
	for range 2 {
		path, err := built(dir, "x", [][]byte{[]byte("key")}, func(file string) error {
			builds++
			return os.WriteFile(file, []byte("program"), 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
			t.Error(info, err)
		}
	}
	if builds != 1 {
		t.Errorf("built %d times", builds)
	}
	if _, err := built(dir, "x", [][]byte{[]byte("other key")}, func(string) error { return fmt.Errorf("not this time") }); err == nil {
		t.Error("another key gave the same program")
	}
}

func TestWithoutTheSourceTreeTheErrorSaysSo(t *testing.T) {
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "go.mod"), []byte("module example.com/peers\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, places := range [][]string{nil, {t.TempDir()}, {other}} {
		if dir, err := findPeers(places); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "source tree") {
			t.Errorf("%v: %s %v", places, dir, err)
		}
	}
}

func TestAnEndedContextEndsTheBuildOfEveryEngine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, e := range engines {
		if path, err := e.build(ctx, t.TempDir()); err == nil {
			t.Error(e.Name, "was built at", path)
		}
	}
}
