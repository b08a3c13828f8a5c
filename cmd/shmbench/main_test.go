package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench"
	"github.com/ringway/ringway/shm"
)

func TestMain(m *testing.M) {
	bench.Main()
	if args := os.Getenv("SHMBENCH_TEST_MAIN"); args != "" {
		os.Args = append(os.Args[:1], strings.Fields(args)...)
		main()
		os.Exit(0)
	}
	if name := os.Getenv("SHMBENCH_TEST_HOLD"); name != "" {
		hold(name, os.Getenv("SHMBENCH_TEST_DIR"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// shmbench runs the command and returns what it prints.
func shmbench(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := root()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func sample() string { return filepath.Join("..", "..", "testdata", "feed", "sample.itch") }

func TestReplayPrintsWhatWasSentAndReceived(t *testing.T) {
	out, err := shmbench(t, "replay", sample())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"messages", "1000", "bytes", "29980", "seconds", "messages/s", "sent", "received", "xxhash64"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestJSONOnStandardOutputIsOneDocumentAndNothingElse(t *testing.T) {
	out, err := shmbench(t, "replay", "--json", "-", sample())
	if err != nil {
		t.Fatal(err)
	}
	var doc bench.Document
	d := json.NewDecoder(strings.NewReader(out))
	if err := d.Decode(&doc); err != nil || d.More() {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(doc.Results) != 1 || doc.Results[0].Messages != 1000 || doc.Results[0].Sent != doc.Results[0].Received {
		t.Errorf("%+v", doc)
	}
}

func TestJSONInAFileComesBesideTheText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	out, err := shmbench(t, "replay", "--json", path, sample())
	if err != nil || !strings.Contains(out, "xxhash64") {
		t.Fatal(out, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !json.Valid(text) {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestBadCallsSayWhatIsWrong(t *testing.T) {
	torn := filepath.Join(t.TempDir(), "torn.bin")
	if err := os.WriteFile(torn, make([]byte, 105), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, says string }{
		{"replay", "arg"},
		{"replay /no/such/file", "no/such/file"},
		{"replay --format mp3 " + sample(), "mp3"},
		{"replay --record 10 " + torn, "offset 100"},
		{"replay --topology star " + sample(), "star"},
		{"replay --wait patience " + sample(), "patience"},
		{"run --mode fast", "fast"},
		{"run --rival nobody --mode throughput", "nobody"},
		{"run --producers 0 --mode throughput", "--producers 0"},
		{"run --consumers -1 --mode throughput", "--consumers -1"},
		{"dance", "dance"},
	} {
		out, err := shmbench(t, strings.Fields(c.args)...)
		if err == nil || !strings.Contains(filepath.ToSlash(err.Error()), c.says) {
			t.Errorf("shmbench %s: %v\n%s", c.args, err, out)
		}
	}
}

func TestHelpTeaches(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"replay", "--help"}, {"run", "--help"}, {"compare", "--help"}, {"report", "--help"}} {
		out, err := shmbench(t, args...)
		if err != nil || !strings.Contains(out, "Examples:") || !strings.Contains(out, "--json") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

func TestCtrlCEndsAReplayQuietly(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("groups of processes and their children are found in Linux's way")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SHMBENCH_TEST_MAIN=replay --rate 10 "+sample())
	var stderr, stdout bytes.Buffer
	cmd.Stderr, cmd.Stdout = &stderr, &stdout
	// To the whole group, as a terminal does it.
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It answers Ctrl-C from the beginning, its child from when it ignores it.
	for !hasChild(t, cmd.Process.Pid) {
		runtime.Gosched()
	}
	interruptGroup(t, cmd.Process.Pid)
	err := cmd.Wait()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("%v", err)
	}
	if stderr.String() != "shmbench: interrupted\n" || stdout.Len() > 0 {
		t.Errorf("it said %q and %q", stdout.String(), stderr.String())
	}
}

func TestTheChildrenOfAKilledShmbenchEndWithoutAWord(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("children are found in Linux's way")
	}
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SHMBENCH_TEST_MAIN=replay --rate 10 "+sample())
	cmd.Stderr, cmd.Stdout = said, said
	alive, writer, err := os.Pipe() // the children inherit its end: it is closed with the last of them
	if err != nil {
		t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{writer}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	for !hasChild(t, cmd.Process.Pid) {
		runtime.Gosched()
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if _, err := io.ReadAll(alive); err != nil {
		t.Fatal(err)
	}
	// Nobody else takes away the ring that it had made.
	names, err := shm.Names("")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, fmt.Sprintf("shmbench-replay-%d-", cmd.Process.Pid)) {
			if err := shm.Remove(name, ""); err != nil {
				t.Error(err)
			}
		}
	}
	if text, err := os.ReadFile(said.Name()); err != nil || len(text) > 0 {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAFileThatCannotBeWrittenIsLearnedBeforeTheRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "such", "place.json")
	for _, verb := range []string{"run --duration 1h --runs 1000", "replay --rate 1 " + sample(), ""} {
		_, err := shmbench(t, append(strings.Fields(verb), "--json", path)...)
		if err == nil || !strings.Contains(err.Error(), "place.json") {
			t.Errorf("%s: %v", verb, err)
		}
	}
}

func TestAFailedRunLeavesTheFileAsItWas(t *testing.T) {
	dir := t.TempDir()
	old, fresh := filepath.Join(dir, "old.json"), filepath.Join(dir, "fresh.json")
	if err := os.WriteFile(old, []byte("what was there before"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{old, fresh} {
		if _, err := shmbench(t, "run", "--size", "-1", "--json", path); err == nil {
			t.Error("a size of -1 was accepted")
		}
	}
	if text, err := os.ReadFile(old); err != nil || string(text) != "what was there before" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty file is left: %v", err)
	}
	if _, err := shmbench(t, "replay", "--json", old, sample()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(old); err != nil || !json.Valid(text) {
		t.Errorf("%q, %v", text, err)
	}
}

func TestEveryVerbHasExamplesAndIsInTheOverview(t *testing.T) {
	for _, verb := range root().Commands() {
		name := verb.Name()
		if name == "help" || name == "completion" {
			continue
		}
		if !strings.Contains(verb.Example, "shmbench "+name) || verb.Short == "" || verb.Long == "" {
			t.Errorf("%s: %q, %q, %q", name, verb.Short, verb.Long, verb.Example)
		}
		if !strings.Contains(root().Example, "shmbench "+name) {
			t.Errorf("%s is not in the overview", name)
		}
	}
}

func TestReportShowsADocumentAgainAndWhatChanged(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	doc := func(rate, ratio float64) string {
		against := bench.Against{Engine: "rival", Ratio: ratio, Spread: 0.02, Low: ratio, High: ratio, Rounds: 5, Verdict: bench.Ahead}
		text, err := json.Marshal(bench.Document{Results: []bench.Result{{
			Engine: bench.Ringway, Case: "spsc-8", Mode: bench.Throughput, Metric: string(bench.Rate), MsgsPerSec: rate, MessageBytes: 8,
			Against: &against, Others: []bench.Against{against},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, text := range map[string]string{"old.json": doc(2e6, 2), "new.json": doc(1e6, 1), "not.json": "{", "empty.json": "{}"} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := shmbench(t, "report", at("new.json"), "--html", at("page.html"), "--csv", at("lines.csv")); err != nil || !strings.Contains(out, "spsc-8") {
		t.Errorf("%v\n%s", err, out)
	}
	for name, want := range map[string]string{"page.html": "</html>", "lines.csv": "msgs_per_sec"} {
		if text, err := os.ReadFile(at(name)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if out, err := shmbench(t, "report", at("new.json"), "--baseline", at("old.json")); err != nil || !strings.Contains(out, "-50.0 %") || !strings.Contains(out, "worse") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := shmbench(t, "report", at("old.json"), "--store", at("ratios.json")); err != nil {
		t.Error(err)
	}
	if out, err := shmbench(t, "report", at("old.json"), "--check", at("ratios.json")); err != nil || !strings.Contains(out, "within the noise") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := shmbench(t, "report", at("new.json"), "--check", at("ratios.json")); !errors.Is(err, errWorse) || !strings.Contains(out, "worse") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, c := range []struct{ args, says string }{
		{"report " + at("not.json"), "not.json"},
		{"report " + at("empty.json"), "no results"},
		{"report " + at("no.json"), "no.json"},
		{"report " + at("new.json") + " --baseline " + at("no.json"), "--baseline"},
		{"report " + at("new.json") + " --check " + at("not.json"), "--check"},
		{"compare --case nothing", "spsc-rtt"},
		{"compare --runs 0", "--runs 0"},
		{"compare --html " + at("no/page.html"), "--html"},
	} {
		if out, err := shmbench(t, strings.Fields(c.args)...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("shmbench %s: %v\n%s", c.args, err, out)
		}
	}
}

// newFeed makes a broadcast ring in dir, and its publisher.
func newFeed(t *testing.T, dir, name string, opts ...ringway.Option) (*ringway.Ring, *ringway.Publisher) {
	t.Helper()
	r, err := ringway.CreateRing(name, ringway.Broadcast, append(opts, ringway.Dir(dir))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	p, err := r.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return r, p
}
