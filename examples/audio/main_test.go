package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestTheFileArrivesIdentical(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.wav"), filepath.Join(dir, "to.wav")
	// An odd number of frames, and another chunk behind the samples.
	file := append(tones(0.1001), "LIST\x04\x00\x00\x00abcd"...)
	if err := os.WriteFile(from, file, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := stream(context.Background(), from, to, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	copied, err := os.ReadFile(to)
	if err != nil || !bytes.Equal(copied, file) {
		t.Errorf("%d bytes sent, %d written, %v", len(file), len(copied), err)
	}
	if !strings.Contains(out.String(), "received 76 periods") {
		t.Errorf("it says\n%s", out.String())
	}
}

func TestWhatIsNoWAVIsRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.wav")
	if err := os.WriteFile(name, []byte("RIFFxxxxWAVE"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := stream(context.Background(), name, "", &out); err == nil {
		t.Errorf("it was streamed:\n%s", out.String())
	}
}
