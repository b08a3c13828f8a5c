package fallback

import (
	"context"
	"time"
)

// canceller has the end of a context end a call that waits in the system: it
// sets a deadline that is over. It belongs to one direction of one connection,
// and stays armed for the next calls with the same context.
type canceller struct {
	set     func(time.Time) error // the deadline
	done    <-chan struct{}       // of the context that is watched
	stop    func() bool           // ends the watch, unless the context has ended
	through chan struct{}         // closed when its end has set the deadline
}

// longAgo is a deadline that is over.
var longAgo = time.Unix(1, 0)

// watch returns the error of ctx if it has ended, and else watches it. It
// allocates only when ctx is another one than at the last call.
func (c *canceller) watch(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Done() == c.done {
		return nil
	}
	c.unwatch()
	if c.done = ctx.Done(); c.done != nil {
		through := make(chan struct{})
		c.stop = context.AfterFunc(ctx, func() {
			_ = c.set(longAgo)
			close(through)
		})
		c.through = through
	}
	return nil
}

// unwatch ends the watch and takes the deadline away.
func (c *canceller) unwatch() {
	if c.stop != nil && !c.stop() {
		<-c.through
		_ = c.set(time.Time{})
	}
	c.stop, c.done = nil, nil
}
