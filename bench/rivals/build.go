package rivals

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

//go:embed cpp/boost_spsc.cpp
var boostSource []byte

// ErrMissing is returned when this machine lacks what a rival is built with.
// The text names it, and the Debian package it comes in.
var ErrMissing = errors.New("rivals: missing")

var flags = []string{"-O3", "-march=native", "-std=c++17"}

// BuildBoost returns the path of the compiled cpp/boost_spsc.cpp, and compiles
// it if that has not been done before on this machine, which takes some
// seconds. It returns ErrMissing when there is no C++ compiler, no Boost or no
// Linux, the compiler's words when it fails, and the error of ctx when that
// ends first.
func BuildBoost(ctx context.Context) (path string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("rivals: no place to keep the program: %w", err)
	}
	return buildBoost(ctx, filepath.Join(cache, "ringway", "rivals"))
}

func buildBoost(ctx context.Context, dir string) (path string, err error) {
	if runtime.GOOS != "linux" {
		return "", fmt.Errorf("%w: Linux, which the Boost program is written for; this is %s", ErrMissing, runtime.GOOS)
	}
	compiler, err := findCompiler()
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, compiler, "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("rivals: %s --version: %w", compiler, err)
	}
	sum := sha256.New()
	for _, part := range [][]byte{boostSource, version, []byte(strings.Join(flags, " ")), cpuAbilities()} {
		fmt.Fprintf(sum, "%d:", len(part))
		sum.Write(part)
	}
	path = filepath.Join(dir, fmt.Sprintf("boost_spsc-%.12x", sum.Sum(nil)))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := checkBoost(ctx, compiler); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("rivals: %w", err)
	}
	// Compiled beside its place and then moved there, so that a program that
	// exists is a whole one whoever else is building.
	made, err := os.CreateTemp(dir, "making-*")
	if err != nil {
		return "", fmt.Errorf("rivals: %w", err)
	}
	made.Close()
	defer os.Remove(made.Name())
	args := append(append([]string{}, flags...), "-o", made.Name(), "-x", "c++", "-")
	if err := compile(ctx, compiler, boostSource, args...); err != nil {
		return "", fmt.Errorf("rivals: boost_spsc.cpp: %w", err)
	}
	if err := os.Chmod(made.Name(), 0o700); err != nil {
		return "", fmt.Errorf("rivals: %w", err)
	}
	if err := os.Rename(made.Name(), path); err != nil {
		return "", fmt.Errorf("rivals: %w", err)
	}
	return path, nil
}

// findCompiler returns the first C++ compiler on PATH.
func findCompiler() (string, error) {
	for _, name := range []string{"c++", "g++", "clang++"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: a C++ compiler (Debian: g++)", ErrMissing)
}

// checkBoost returns ErrMissing when the compiler does not find the header.
func checkBoost(ctx context.Context, compiler string) error {
	const source = "#include <boost/lockfree/spsc_queue.hpp>\n"
	err := compile(ctx, compiler, []byte(source), "-std=c++17", "-E", "-o", os.DevNull, "-x", "c++", "-")
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: boost/lockfree/spsc_queue.hpp (Debian: libboost-dev): %w", ErrMissing, err)
	}
	return err
}

// compile feeds source to the compiler and turns what it says into an error.
func compile(ctx context.Context, compiler string, source []byte, args ...string) error {
	cmd := exec.CommandContext(ctx, compiler, args...)
	cmd.Stdin = bytes.NewReader(source)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// cpuAbilities is the first line that tells what the processor can do: with
// -march=native, a program built on one machine may not run on the next that
// shares the cache directory.
func cpuAbilities() []byte {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("flags")) || bytes.HasPrefix(line, []byte("Features")) {
			return line
		}
	}
	return []byte(runtime.GOARCH)
}
