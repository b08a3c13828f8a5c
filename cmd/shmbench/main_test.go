package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringway/ringway/bench"
)

func TestMain(m *testing.M) {
	bench.Main()
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
		{"dance", "dance"},
	} {
		out, err := shmbench(t, strings.Fields(c.args)...)
		if err == nil || !strings.Contains(filepath.ToSlash(err.Error()), c.says) {
			t.Errorf("shmbench %s: %v\n%s", c.args, err, out)
		}
	}
}

func TestHelpTeaches(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"replay", "--help"}, {"run", "--help"}} {
		out, err := shmbench(t, args...)
		if err != nil || !strings.Contains(out, "Examples:") || !strings.Contains(out, "--json") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}
