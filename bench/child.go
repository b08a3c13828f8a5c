package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
)

// childEnv names the role that a child process plays.
const childEnv = "RINGWAY_BENCH_CHILD"

// roles are what a child can be. Each reads its orders with take, in JSON, and
// answers with tell.
var roles = map[string]func(ctx context.Context, p *pipe) error{
	"receiver": receiver,
	"team":     teamMember,
	"wire":     wire,
	"watcher":  watcher,

	"road":          roadLead,
	"road-follower": roadFollower,
}

// Main turns the process into a child when it was started as one, and then
// doesn't return. Call it before anything else.
//
// A child leaves Ctrl-C to its parent, and ends when the parent does, without a
// word: there is nobody left to tell.
func Main() {
	role := os.Getenv(childEnv)
	if role == "" {
		return
	}
	signal.Ignore(os.Interrupt)
	ctx, cancel := context.WithCancel(context.Background())
	p := &pipe{
		in:     json.NewDecoder(bufio.NewReader(os.Stdin)),
		out:    json.NewEncoder(os.Stdout),
		turns:  make(chan turn),
		cancel: cancel,
	}
	run, ok := roles[role]
	err := fmt.Errorf("there is no role %q", role)
	if ok {
		err = run(ctx, p)
	}
	if err != nil && ctx.Err() != nil {
		os.Exit(1)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "shmbench (%s): %v\n", role, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// pipe is a child's end of what it talks to its parent through.
type pipe struct {
	in     *json.Decoder
	out    *json.Encoder
	turns  chan turn // what the parent says to do, one at a time
	cancel func()    // called when the parent is gone
}

// take reads the child's orders. From then on the end of the parent cancels
// the child's context.
func (p *pipe) take(v any) error {
	if err := p.in.Decode(v); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			p.cancel() // the parent is gone
		}
		return fmt.Errorf("reading the orders: %w", err)
	}
	go func() {
		for {
			var t turn
			if p.in.Decode(&t) != nil {
				break
			}
			p.turns <- t
		}
		p.cancel()
	}()
	return nil
}

// turn waits for the next thing that the parent says to do.
func (p *pipe) turn(ctx context.Context) (turn, error) {
	select {
	case t := <-p.turns:
		return t, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (p *pipe) tell(v any) error { return p.out.Encode(v) }

// child is a running child process, as its parent sees it.
type child struct {
	cmd  *exec.Cmd
	role string
	in   io.WriteCloser
	out  *json.Decoder
}

// send sends the child something: its orders, and then that it is its turn.
func (c *child) send(v any) error {
	if err := json.NewEncoder(c.in).Encode(v); err != nil {
		return fmt.Errorf("talking to the %s: %w", c.role, err)
	}
	return nil
}

// start starts a child in a role and gives it its orders.
func start(ctx context.Context, role string, orders any) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program to start it as a child: %w", err)
	}
	c := &child{cmd: exec.CommandContext(ctx, self), role: role}
	c.cmd.Env = append(os.Environ(), childEnv+"="+role)
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(out)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the %s: %w", role, err)
	}
	if err := c.send(orders); err != nil {
		c.kill()
		return nil, err
	}
	return c, nil
}

// hear waits for the next thing that the child tells.
func (c *child) hear(v any) error {
	err := c.out.Decode(v)
	if errors.Is(err, io.EOF) {
		if werr := c.wait(); werr != nil {
			return werr
		}
		return fmt.Errorf("the %s ended without a word", c.role)
	}
	return err
}

// wait waits for the child's end.
func (c *child) wait() error {
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("the %s: %w", c.role, err)
	}
	return nil
}

// kill ends the child, if it still runs.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}
