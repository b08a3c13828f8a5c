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

// contender is the variant as one of those who are measured by turns with ours.
func (v variant) contender(duration time.Duration) Contender {
	o := v.Options
	o.Duration, o.Runs = duration, 1
	return Contender{
		Engine: v.Title, Class: Itself, Between: "processes",
		Start: func(ctx context.Context) (Running, error) { return o.standby(ctx) },
	}
}

// standby is a crew of ours as a contender.
type standby struct {
	ctx  context.Context
	crew *crew
}

// standby starts a crew that does its slices when it is asked to.
func (o *RunOptions) standby(ctx context.Context) (*standby, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	c, err := startCrew(ctx, *o)
	if err != nil {
		return nil, cause(ctx, err)
	}
	return &standby{ctx, c}, nil
}

func (s *standby) Slice() (Figure, error) {
	found, err := s.crew.work()
	return found.Figure, cause(s.ctx, err)
}

func (s *standby) Close() error {
	s.crew.close()
	return nil
}
