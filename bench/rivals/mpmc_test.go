package rivals

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// each calls f for every engine that can be built here.
func each(t *testing.T, f func(t *testing.T, e engine)) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles C++ and Go")
	}
	dir, err := cacheDir()
	if err != nil {
		t.Skip(err)
	}
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			if _, err := e.build(t.Context(), dir); errors.Is(err, ErrMissing) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			f(t, e)
		})
	}
}

func TestEveryEngineDeliversWhatTwoProducersSendToTwoConsumers(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		for _, batch := range []int{1, 32} {
			r, err := RunMPMC(t.Context(), MPMCOptions{
				Engine: e.name, Producers: 2, Consumers: 2, Batch: batch, Duration: 50 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Engine != e.title || r.MessageBytes != 8 || r.Producers != 2 || r.Consumers != 2 || r.Batch != batch ||
				r.Messages <= 0 || r.Seconds < 0.05 || r.PerSecond <= 0 {
				t.Errorf("batch %d gave %+v", batch, r)
			}
		}
	})
}

func TestARunWithoutOptionsIsOfOneProducerAndOneConsumer(t *testing.T) {
	o := MPMCOptions{Engine: "channel"}
	if _, err := o.complete(); err != nil {
		t.Fatal(err)
	}
	if o.Producers != 1 || o.Consumers != 1 || o.Batch != 1 || o.Duration != time.Second ||
		o.Timeout != time.Minute+time.Second || len(o.CPUs) != 2 {
		t.Errorf("%+v", o)
	}
	o = MPMCOptions{Engine: "xsync", Producers: 3, Consumers: 2, Batch: 32, CPUs: []int{4, 0, 2},
		Duration: 1500 * time.Microsecond, Timeout: 1500 * time.Millisecond}
	if _, err := o.complete(); err != nil {
		t.Fatal(err)
	}
	const want = "--producers 3 --consumers 2 --batch 32 --cpus 4,0,2 --duration 2 --timeout 2"
	if got := strings.Join(o.args(), " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestOptionsThatMakeNoSenseAreErrorsThatSayWhy(t *testing.T) {
	for _, c := range []struct {
		o    MPMCOptions
		want string
	}{
		{MPMCOptions{}, "moodycamel, boost-queue"},
		{MPMCOptions{Engine: "boost"}, `engine "boost"`},
		{MPMCOptions{Engine: "channel", Producers: -1}, "-1 producers"},
		{MPMCOptions{Engine: "channel", Consumers: 1025}, "1025 consumers"},
		{MPMCOptions{Engine: "channel", Batch: 4096}, "4096 batch"},
		{MPMCOptions{Engine: "channel", Duration: -1}, "duration"},
		{MPMCOptions{Engine: "channel", Timeout: -1}, "timeout"},
		{MPMCOptions{Engine: "channel", CPUs: []int{0, -1}}, "processor -1"},
	} {
		r, err := RunMPMC(t.Context(), c.o)
		if err == nil || errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, %v", c.o, r, err)
		}
	}
}

func TestAnEngineThatCannotBePinnedIsAnErrorWithTheProgramsWords(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		_, err := RunMPMC(t.Context(), MPMCOptions{Engine: e.name, CPUs: []int{0, 1023}, Duration: time.Millisecond})
		if err == nil || errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "pin") {
			t.Error(err)
		}
	})
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
	want := MPMCThroughput{
		Engine: "q", MessageBytes: 8, Producers: 2, Consumers: 3, Batch: 32, Messages: 1 << 40, Seconds: 1.25, PerSecond: 8.8e11,
	}
	line, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got MPMCThroughput
	if err := runProgram(t.Context(), "x", program("echo '"+string(line)+"'"), nil, &got); err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
	for body, words := range map[string]string{
		"echo no":                     `printed "no`,
		"true":                        `printed ""`,
		"echo lost some >&2; exit 1":  "lost some",
		"echo '{\"messages\":\"1\"}'": "messages",
	} {
		if err := runProgram(t.Context(), "x", program(body), nil, &got); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestWhatIsMissingIsNamedAndSoIsTheEngine(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	words := map[string]string{
		"moodycamel": "g++", "boost-queue": "g++", "atomic-queue": "g++",
		"xsync": "go command", "channel": "go command", "lfq": "code.hybscloud.com/lfq",
	}
	for _, name := range MPMC() {
		r, err := RunMPMC(context.Background(), MPMCOptions{Engine: name})
		if !errors.Is(err, ErrMissing) || runtime.GOOS == "linux" && !strings.Contains(err.Error(), words[name]) || r.Engine == "" {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
}

func TestWithoutAHeaderTheErrorNamesItsPackage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a shell")
	}
	dir := t.TempDir() // a compiler that finds no header
	script := "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho 'fatal error: no such file' >&2\nexit 1\n"
	if err := os.WriteFile(dir+"/c++", []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	for _, p := range []program{moodycamel, boostQueue, atomicQueue} {
		_, err := p.build(t.Context(), t.TempDir())
		if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), p.debian) {
			t.Errorf("%s: %v", p.name, err)
		}
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
			t.Error(e.name, "was built at", path)
		}
	}
}

func TestNamesOfEnginesAreAsShmbenchShowsThem(t *testing.T) {
	want := []string{"moodycamel", "boost-queue", "atomic-queue", "xsync", "lfq", "channel"}
	if got := MPMC(); !slices.Equal(got, want) {
		t.Error(got)
	}
}
