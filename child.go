package ringway

import (
	"context"
	"os/exec"

	"github.com/ringway/ringway/fallback"
)

// StartChild starts cmd with a connection to it over anonymous pipes that nobody
// else can reach, beside whatever its standard input and output are; the child
// calls Parent. Waiting for the child is up to the caller, unless there is an
// error: then it was killed. The options are those of Dial.
func StartChild(ctx context.Context, cmd *exec.Cmd, opts ...Option) (*Conn, error) {
	o, lo, err := linkOptions(opts)
	if err != nil {
		return nil, err
	}
	e, err := fallback.StartChild(ctx, cmd, lo)
	if err != nil {
		return nil, err
	}
	return newConn("child", e, o)
}

// Parent returns the connection to the process that started this one with
// StartChild. It can be called once. The error matches ErrTransport when this
// process was started otherwise.
func Parent(ctx context.Context, opts ...Option) (*Conn, error) {
	o, lo, err := linkOptions(opts)
	if err != nil {
		return nil, err
	}
	e, err := fallback.Parent(ctx, lo)
	if err != nil {
		return nil, err
	}
	return newConn("parent", e, o)
}
