package rivals

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ringway/ringway/bench/limits"
)

// Program is an engine at work on one task. Between two slices all of its threads
// sleep, so that others can be measured by turns with it. It belongs to one
// goroutine, and whoever has it calls Close.
type Program struct {
	name   string
	ctx    context.Context
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
	dir    string // what it leaves behind when it is killed bears this one's name
	ended  bool
}

// start starts a program.
func start(ctx context.Context, name, path string, args []string) (*Program, error) {
	dir, err := os.MkdirTemp("", "ringway-rival-")
	if err != nil {
		return nil, fmt.Errorf("rivals: %w", err)
	}
	p := &Program{name: name, ctx: ctx, dir: dir, cmd: exec.CommandContext(ctx, path, args...)}
	p.cmd.WaitDelay = time.Second
	p.cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		p.out = bufio.NewReader(out)
		p.in, err = p.cmd.StdinPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		p.ended = true
		return nil, errors.Join(fmt.Errorf("rivals: %s: %w", name, err), p.Close())
	}
	return p, nil
}

// Slice measures for as long as the task says. The first one takes longer: the
// program starts its workers and rehearses before it. The error has the program's
// words when it fails, is ended by its timeout or doesn't deliver what was sent; then
// there will be no other slice. On a machine that had other things to do it can be that
// nothing came while the clock ran: then the outcome has no messages.
func (p *Program) Slice() (Outcome, error) {
	_, _ = io.WriteString(p.in, "\n") // a program that has ended tells why
	text, err := p.out.ReadBytes('\n')
	if err != nil {
		return Outcome{}, p.failed(text)
	}
	var line struct {
		Engine, Between string
		Messages        int64
		Seconds         float64
		Times           [][2]int64
	}
	if err := json.Unmarshal(text, &line); err != nil {
		return Outcome{}, fmt.Errorf("rivals: %s printed %.200q: %w", p.name, text, err)
	}
	o := Outcome{Engine: line.Engine, Between: line.Between, Messages: line.Messages, Seconds: line.Seconds}
	if o.Engine == "" || o.Messages < 0 || o.Seconds < 0 {
		return Outcome{}, fmt.Errorf("rivals: %s printed %.200q, which says nothing", p.name, text)
	}
	if len(line.Times) > 0 {
		o.Times = limits.NewHistogram(limits.Calibrate().StepNs)
		for _, t := range line.Times {
			if t[1] < 0 || t[1] > o.Messages {
				return Outcome{}, fmt.Errorf("rivals: %s printed a time that was there %d times", p.name, t[1])
			}
			o.Times.RecordN(float64(t[0]), t[1])
		}
	}
	return o, nil
}

// failed says why there is no line.
func (p *Program) failed(printed []byte) error {
	err := p.end()
	switch {
	case p.ctx.Err() != nil:
		return fmt.Errorf("rivals: %s: %w", p.name, context.Cause(p.ctx))
	case err != nil:
		return fmt.Errorf("rivals: %s: %w: %s", p.name, err, firstLines(p.stderr.Bytes()))
	}
	return fmt.Errorf("rivals: %s printed %.200q and ended", p.name, printed)
}

// end ends the program and returns what its exit says.
func (p *Program) end() error {
	if p.ended {
		return nil
	}
	p.ended = true
	_ = p.in.Close()
	slow := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer slow.Stop()
	_, _ = io.Copy(io.Discard, p.out)
	return p.cmd.Wait()
}

// Close ends the program, and gives back what it has left. The error says that the
// program itself said that something was wrong.
func (p *Program) Close() error {
	err := p.end()
	left, _ := filepath.Glob(filepath.Join("/dev/shm", filepath.Base(p.dir)+"*"))
	for _, file := range append(left, p.dir) {
		_ = os.RemoveAll(file)
	}
	if err != nil && p.ctx.Err() == nil {
		return fmt.Errorf("rivals: %s: %w: %s", p.name, err, firstLines(p.stderr.Bytes()))
	}
	return nil
}

// firstLines keeps what a program says from filling the screen.
func firstLines(text []byte) []byte {
	lines := bytes.SplitN(bytes.TrimSpace(text), []byte("\n"), 4)
	return bytes.Join(lines[:min(len(lines), 3)], []byte("; "))
}
