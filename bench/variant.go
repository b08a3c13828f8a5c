package bench

import (
	"context"
	"time"
)

// Itself is the class of ringway in another setting.
const Itself = "ringway"

// variant is ringway at the same work in another setting, or at other work that
// ours is to be compared with.
type variant struct {
	Title   string
	Options RunOptions
}

// contender is the variant as one of those who are measured by turns with ours:
// its children are started anew each time.
func (v variant) contender(duration time.Duration) Contender {
	o := v.Options
	o.Duration, o.Runs = duration, 1
	return Contender{
		Engine: v.Title, Class: Itself, Between: "processes",
		Measure: func(ctx context.Context) (f Figure, err error) {
			if err := o.check(); err != nil {
				return f, err
			}
			c, err := startCrew(ctx, o)
			if err != nil {
				return f, cause(ctx, err)
			}
			defer c.close()
			found, err := c.run()
			return found.Figure, cause(ctx, err)
		},
	}
}
