package ringway_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/conform"
	"github.com/ringway/ringway/internal/proctest"
)

// bridgeTraits are those of a bridge in a directory, whose child is started by
// command.
func bridgeTraits(t *testing.T, tr ringway.Transport, dir, theirDir string, command []string) conform.Traits {
	t.Helper()
	opts := []ringway.Option{ringway.Transports(tr), ringway.Dir(dir), ringway.MaxMessage(1 << 20)}
	l := listen(t, "tcp://127.0.0.1:0", opts...)
	return conform.Traits{
		Connect: func(t *testing.T) (a, b conform.Link) {
			x, y := connect(t, l, opts...)
			if x.Transport() != tr || y.Transport() != tr {
				t.Fatal(x.Transport(), y.Transport())
			}
			return asLink{x}, asLink{y}
		},
		Child: func(t *testing.T, script string) (conform.Link, *proctest.Child) {
			c := proctest.Command(t, "conform", script, l.Addr(), tr.String(), "adaptive", theirDir)
			if command != nil {
				c.Cmd.Path, c.Cmd.Args = command[0], append(command[:len(command):len(command)], c.Cmd.Args[1:]...)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			conn, err := l.Accept(within(t))
			if err != nil {
				t.Fatal(err)
			}
			if conn.Transport() != tr {
				t.Fatal(conn.Transport())
			}
			return asLink{conn}, c
		},
	}
}

func TestBridgesConform(t *testing.T) {
	dir := t.TempDir()
	conform.Run(t, bridgeTraits(t, ringway.Bridge, dir, dir, nil))
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestABridgeNeedsADirectoryAndToBeNamed(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:0", ringway.Dir(t.TempDir()))
	if _, err := ringway.Dial(t.Context(), l.Addr(), ringway.Transports(ringway.Bridge)); !errors.Is(err, ringway.ErrTransport) {
		t.Error(err)
	}
	a, _ := connect(t, l, ringway.Dir(t.TempDir()))
	if a.Transport() != ringway.TCP {
		t.Error(a.Transport())
	}
}

func TestABridgeThatFailsGoesOnWithTCP(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:0", ringway.Dir(t.TempDir()), ringway.Transports(ringway.Bridge, ringway.TCP))
	a, b := connect(t, l, ringway.Dir(t.TempDir()), ringway.Transports(ringway.Bridge, ringway.TCP))
	if a.Transport() != ringway.TCP || b.Transport() != ringway.TCP || len(a.Trail()) != 2 || a.Trail()[0].Err == nil {
		t.Error(a.Transport(), a.Trail(), b.Trail())
	}
}

// onTheOtherSide builds this test program for Windows, and returns the command
// that runs it under Wine.
func onTheOtherSide(t *testing.T) []string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	wine := filepath.Join(root, "scripts", "wine-exec")
	if _, err := os.Stat("/usr/lib/wine/wine64"); err != nil && os.Getenv("RINGWAY_WINE") == "" {
		t.Skip("no Wine here: scripts/install-wine")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command here to build the Windows side with")
	}
	exe := filepath.Join(t.TempDir(), "ringway.test.exe")
	overlay, err := exec.Command(filepath.Join(root, "scripts", "windows-overlay")).Output()
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "test", "-c", "-vet=off", strings.TrimSpace(string(overlay)), "-o", exe, ".")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return []string{wine, exe}
}

func TestALinuxAndAWineProcessTalk(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Wine")
	}
	command := onTheOtherSide(t)
	t.Run("TCP", func(t *testing.T) {
		traits := bridgeTraits(t, ringway.TCP, "", "", command)
		traits.Connect, traits.Not = nil, conform.WineKeepsSockets
		conform.Run(t, traits)
	})
	t.Run("Bridge", func(t *testing.T) {
		traits := bridgeTraits(t, ringway.Bridge, "/dev/shm", `Z:\dev\shm`, command)
		traits.Connect = nil
		conform.Run(t, traits)
	})
}
