package rivals

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

//go:embed cpp/*.cpp cpp/*.hpp
var sources embed.FS

// ErrMissing is returned when this machine lacks what a rival is built with.
// The text names it, and the Debian package it comes in.
var ErrMissing = errors.New("rivals: missing")

// A program is one that is compiled from C++.
type program struct {
	name    string
	source  string   // in cpp
	define  string   // the engine
	headers []string // one of them must be found
	library string   // to be linked with; empty is none
	debian  string   // the package they come in
}

var flags = []string{"-O3", "-march=native", "-std=c++17", "-pthread"}

// errSystem is for systems that the programs are not written for.
func errSystem() error {
	return fmt.Errorf("%w: Linux, which its program is written for; this is %s", ErrMissing, runtime.GOOS)
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
		return "", errSystem()
	}
	compiler, err := findCompiler()
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, compiler, "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("rivals: %s --version: %w", compiler, err)
	}
	source, err := fs.ReadFile(sources, inCpp(p.source))
	if err != nil {
		return "", fmt.Errorf("rivals: %w", err)
	}
	common, err := fs.ReadFile(sources, inCpp("common.hpp"))
	if err != nil {
		return "", fmt.Errorf("rivals: %w", err)
	}
	options := slices.Concat(flags, []string{"-D" + p.define})
	key := [][]byte{source, common, version, []byte(strings.Join(options, " ")), []byte(p.library), cpuAbilities()}
	return built(dir, p.name, key, func(file string) error {
		if err := p.checkHeaders(ctx, compiler); err != nil {
			return err
		}
		beside, err := os.MkdirTemp("", "ringway-rivals-")
		if err != nil {
			return fmt.Errorf("rivals: %w", err)
		}
		defer os.RemoveAll(beside)
		if err := os.WriteFile(filepath.Join(beside, "common.hpp"), common, 0o600); err != nil {
			return fmt.Errorf("rivals: %w", err)
		}
		args := slices.Concat(options, []string{"-I", beside, "-o", file, "-x", "c++", "-", "-x", "none"})
		if p.library != "" {
			args = append(args, "-l"+p.library)
		}
		if err := compile(ctx, compiler, source, args...); err != nil {
			return fmt.Errorf("rivals: %s: %w", p.name, err)
		}
		return nil
	})
}

func inCpp(name string) string { return "cpp/" + name }

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
	return fmt.Errorf("%w: %s (Debian: %s)", ErrMissing, p.headers[0], p.debian)
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
