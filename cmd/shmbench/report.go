package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ringway/ringway/bench"
)

// report is where results go: to people, to a file as JSON, or both. The file is
// opened before anything is measured: that it can't be written is not learned
// minutes later.
type report struct {
	cmd  *cobra.Command
	json io.Writer // nil where none is wanted
	only bool      // and nothing for people
	file *target
}

// openReport opens what --json says.
func openReport(cmd *cobra.Command, jsonTo string) (*report, error) {
	r := &report{cmd: cmd}
	switch jsonTo {
	case "":
	case "-":
		r.json, r.only = cmd.OutOrStdout(), true
	default:
		var err error
		if r.file, err = openTarget(jsonTo); err != nil {
			return nil, fmt.Errorf("--json: %w", err)
		}
		r.json = r.file
	}
	return r, nil
}

// write prints results for people, or as JSON, or both.
func (r *report) write(results []bench.Result, people func(io.Writer) error) error {
	return r.document(bench.Document{Machine: bench.ThisMachine(), Results: results}, people)
}

// document prints something for people, or as JSON, or both.
func (r *report) document(doc any, people func(io.Writer) error) error {
	if !r.only {
		if err := people(r.cmd.OutOrStdout()); err != nil {
			return err
		}
	}
	if r.json == nil {
		return nil
	}
	e := json.NewEncoder(asciiJSON{r.json})
	e.SetIndent("", "  ")
	err := e.Encode(doc)
	if r.file != nil {
		err = errors.Join(err, r.file.done())
		r.file = nil
	}
	return err
}

// emit opens what --json says and prints a document.
func emit(cmd *cobra.Command, jsonTo string, doc any, people func(io.Writer) error) error {
	r, err := openReport(cmd, jsonTo)
	if err != nil {
		return err
	}
	defer r.close()
	return r.document(doc, people)
}

func writeJSON(w io.Writer, doc bench.Document) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}

// close is for when nothing was written.
func (r *report) close() {
	if r.file != nil {
		r.file.abandon()
	}
}

// target is a file that will be written, or be left as it was.
type target struct {
	f     *os.File
	fresh bool // it wasn't there
	wrote bool
}

// openTarget opens a file to be written later. What is in it stays until then.
func openTarget(path string) (*target, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err == nil {
		return &target{f: f, fresh: true}, nil
	}
	if errors.Is(err, os.ErrExist) {
		f, err = os.OpenFile(path, os.O_WRONLY, 0)
	}
	if err != nil {
		return nil, err
	}
	return &target{f: f}, nil
}

// Write replaces what is in the file.
func (t *target) Write(b []byte) (int, error) {
	if info, err := t.f.Stat(); !t.wrote && err == nil && info.Mode().IsRegular() {
		if err := t.f.Truncate(0); err != nil {
			return 0, err
		}
	}
	t.wrote = true
	return t.f.Write(b)
}

func (t *target) done() error { return t.f.Close() }

// abandon leaves no empty file behind.
func (t *target) abandon() {
	_ = t.f.Close()
	if t.fresh && !t.wrote {
		_ = os.Remove(t.f.Name())
	}
}
