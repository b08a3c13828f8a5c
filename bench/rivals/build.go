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
	"slices"
	"strings"
)

//go:embed cpp/boost_spsc.cpp
var boostSource []byte

//go:embed cpp/mpmc.cpp
var mpmcSource []byte

// ErrMissing is returned when this machine lacks what a rival is built with.
// The text names it, and the Debian package it comes in.
var ErrMissing = errors.New("rivals: missing")

// A program is one that is compiled from C++.
type program struct {
	name    string
	source  []byte
	flags   []string
	headers []string // one of them must be found
	debian  string   // the package they come in
}

var (
	boostSPSC = program{
		name: "boost_spsc", source: boostSource, flags: flags,
		headers: []string{"boost/lockfree/spsc_queue.hpp"}, debian: "libboost-dev",
	}
	moodycamel = mpmcProgram("moodycamel", "-DMOODYCAMEL", "libconcurrentqueue-dev",
		"concurrentqueue/concurrentqueue.h", "concurrentqueue/moodycamel/concurrentqueue.h", "concurrentqueue.h")
	boostQueue  = mpmcProgram("boost-queue", "-DBOOST_QUEUE", "libboost-dev", "boost/lockfree/queue.hpp")
	atomicQueue = mpmcProgram("atomic-queue", "-DATOMIC_QUEUE", "libatomic-queue-dev", "atomic_queue/atomic_queue.h")
)

func mpmcProgram(name, define, debian string, headers ...string) program {
	return program{
		name: "mpmc-" + name, source: mpmcSource, flags: slices.Concat(flags, []string{"-pthread", define}),
		headers: headers, debian: debian,
	}
}

var flags = []string{"-O3", "-march=native", "-std=c++17"}

// BuildBoost returns the path of the compiled cpp/boost_spsc.cpp, and compiles
// it if that has not been done before on this machine, which takes some
// seconds. It returns ErrMissing when there is no C++ compiler, no Boost or no
// Linux, the compiler's words when it fails, and the error of ctx when that
// ends first.
func BuildBoost(ctx context.Context) (path string, err error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	return buildBoost(ctx, dir)
}

func buildBoost(ctx context.Context, dir string) (path string, err error) {
	return boostSPSC.build(ctx, dir)
}

// cacheDir is where built programs are kept.
func cacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("rivals: no place to keep the program: %w", err)
	}
	return filepath.Join(cache, "ringway", "rivals"), nil
}

func (p program) build(ctx context.Context, dir string) (path string, err error) {
	if runtime.GOOS != "linux" {
		return "", fmt.Errorf("%w: Linux, which the program %s is written for; this is %s", ErrMissing, p.name, runtime.GOOS)
	}
	compiler, err := findCompiler()
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, compiler, "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("rivals: %s --version: %w", compiler, err)
	}
	key := [][]byte{p.source, version, []byte(strings.Join(p.flags, " ")), cpuAbilities()}
	return built(dir, p.name, key, func(file string) error {
		if err := p.checkHeaders(ctx, compiler); err != nil {
			return err
		}
		args := slices.Concat(p.flags, []string{"-o", file, "-x", "c++", "-"})
		if err := compile(ctx, compiler, p.source, args...); err != nil {
			return fmt.Errorf("rivals: %s: %w", p.name, err)
		}
		return nil
	})
}

// built returns the path of the program in dir that key stands for, which build
// makes if it isn't there.
func built(dir, name string, key [][]byte, build func(file string) error) (path string, err error) {
	sum := sha256.New()
	for _, part := range key {
		fmt.Fprintf(sum, "%d:", len(part))
		sum.Write(part)
	}
	path = filepath.Join(dir, fmt.Sprintf("%s-%.12x", name, sum.Sum(nil)))
	if _, err := os.Stat(path); err == nil {
		return path, nil
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
	if err := build(made.Name()); err != nil {
		return "", err
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

// checkHeaders returns ErrMissing when the compiler finds none of the headers.
func (p program) checkHeaders(ctx context.Context, compiler string) (err error) {
	for _, header := range p.headers {
		source := fmt.Sprintf("#include <%s>\n", header)
		err = compile(ctx, compiler, []byte(source), "-std=c++17", "-E", "-o", os.DevNull, "-x", "c++", "-")
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("%w: %s (Debian: %s): %w", ErrMissing, p.headers[0], p.debian, err)
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
