package fallback

import (
	"context"
	"os"
	"os/exec"
	"strings"
)

// childEnv tells a child where its end of the pipes is.
const childEnv = "RINGWAY_CHILD_PIPES"

// StartChild starts cmd with anonymous pipes to it, which it inherits, beside
// whatever its standard input and output are, and negotiates with it; the child
// calls Parent. If that fails the child is killed and waited for; otherwise
// waiting for it is up to the caller.
func StartChild(ctx context.Context, cmd *exec.Cmd, o Options) (*Established, error) {
	e, err := startChild(ctx, cmd, o)
	return e, named("start", cmd.Path, err)
}

func startChild(ctx context.Context, cmd *exec.Cmd, o Options) (*Established, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	s, theirs, err := childPipes(cmd)
	if err != nil {
		return nil, err
	}
	err = cmd.Start()
	for _, f := range theirs {
		f.Close() // the child has its own; ours would hide its death
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	c := &control{s: s, transport: Child, has: []Transport{Child}, peer: Identity{PID: cmd.Process.Pid, UID: -1}}
	e, err := c.answer(ctx, newListener0("", o), o)
	if err != nil {
		s.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, err
	}
	return e, nil
}

// newListener0 is a listener that only has a name.
func newListener0(name string, o Options) *Listener { return &Listener{name: name, o: o} }

// Parent returns the connection to the process that started this one with
// StartChild. It can be called once. The error matches ErrTransport when this
// process was not started like that.
func Parent(ctx context.Context, o Options) (*Established, error) {
	e, err := parent(ctx, o)
	return e, named("parent", "", err)
}

func parent(ctx context.Context, o Options) (*Established, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	where := os.Getenv(childEnv)
	if where == "" {
		return nil, failf(ErrTransport, "this process was not started by StartChild, or has asked before")
	}
	os.Unsetenv(childEnv) // children of our own don't inherit the pipes
	s, err := parentPipes(strings.Split(where, ","))
	if err != nil {
		return nil, err
	}
	c := &control{s: s, transport: Child, has: []Transport{Child}, peer: Identity{PID: os.Getppid(), UID: -1}}
	e, err := c.dial(ctx, "", o)
	if err != nil {
		s.Close()
		return nil, err
	}
	return e, nil
}
