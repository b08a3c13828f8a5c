package rivals

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const peersModule = "github.com/ringway/ringway/bench/peers"

// goProgram is a program that measures rivals written in Go: a module in this
// directory of bench/peers, or in that one itself.
type goProgram string

func (p goProgram) String() string { return strings.TrimSuffix("bench/peers/"+string(p), "/") }

// build returns the path of the compiled program, and compiles it if need be.
func (p goProgram) build(ctx context.Context, dir string) (path string, err error) {
	if runtime.GOOS != "linux" {
		return "", errSystem()
	}
	peers, err := peersSource(ctx)
	if err != nil {
		return "", err
	}
	source := filepath.Join(peers, string(p))
	// What the compiler is and what it compiles for.
	settings, err := goCommand(ctx, source, "env", "GOVERSION", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GOFLAGS")
	if err != nil {
		return "", err
	}
	key := [][]byte{settings, []byte(runtime.GOARCH)}
	var files []string
	for _, pattern := range []string{
		filepath.Join(source, "*.go"), filepath.Join(source, "go.*"),
		filepath.Join(peers, "..", "limits", "*.[gs]*"), filepath.Join(peers, "..", "rivals", "peer", "*.go"),
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("rivals: %w", err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("rivals: %w", err)
		}
		key = append(key, []byte(filepath.Base(file)), text)
	}
	return built(dir, "peers"+string(p), key, func(file string) error {
		if _, err := goCommand(ctx, source, "mod", "download"); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%w: the modules that %s is built from: %w", ErrMissing, p, err)
		}
		_, err := goCommand(ctx, source, "build", "-mod=readonly", "-buildvcs=false", "-o", file, ".")
		return err
	})
}

// peersSource finds bench/peers: where this package was compiled, or in the
// module that is worked in.
func peersSource(ctx context.Context) (string, error) {
	var places []string
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) { // not with -trimpath
		places = append(places, filepath.Join(filepath.Dir(file), "..", "peers"))
	}
	mod, err := goCommand(ctx, "", "env", "GOMOD")
	if err != nil {
		return "", err
	}
	if root := filepath.Dir(string(bytes.TrimSpace(mod))); filepath.IsAbs(root) {
		places = append(places, filepath.Join(root, "bench", "peers"))
	}
	return findPeers(places)
}

// findPeers returns the first place that has the module.
func findPeers(places []string) (string, error) {
	for _, dir := range places {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(text, []byte("module "+peersModule+"\n")) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%w: Ringway's source tree, which the rivals written in Go are built from (bench/peers): run this inside of it", ErrMissing)
}

// goCommand runs the go command in dir, for this system, and returns what it
// prints.
func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("%w: the go command", ErrMissing)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("rivals: go %s: %w: %s", args[0], err, firstLines(stderr.Bytes()))
	}
	return out, nil
}
