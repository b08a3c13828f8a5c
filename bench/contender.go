package bench

import (
	"context"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/rivals"
)

// Contender is another engine, or the system itself, that does the same work.
type Contender struct {
	Engine  string // its name
	Class   string // C++, Go, messaging or system
	Between string // processes or threads
	// Prepare is called once, before anything is measured, if it isn't nil. An
	// error means that the contender can't be measured here.
	Prepare func(ctx context.Context) error
	Measure func(ctx context.Context) (Figure, error)
}

// Task is what a rival has to do to be compared with o.
func (o *RunOptions) Task() rivals.Task {
	t := rivals.Task{
		Mode: o.Mode, Size: o.Size, Producers: o.Producers, Consumers: o.Consumers, Batch: o.Batch,
		Duration: o.Duration, Rate: o.Rate, Broadcast: o.Topology == ringway.Broadcast.String(),
	}
	return t
}

// Rivalling returns the contender that an engine is at a task.
func Rivalling(e rivals.Engine, t rivals.Task) Contender {
	return Contender{
		Engine: e.Title, Class: e.Class, Between: e.Between, Prepare: e.Build,
		Measure: func(ctx context.Context) (f Figure, err error) {
			r, err := e.Run(ctx, t)
			if err != nil {
				return f, err
			}
			f = Figure{Messages: r.Messages, Ns: int64(r.Seconds * float64(time.Second)), Times: r.Times}
			if f.Times != nil {
				f.Stats = f.Times.Stats()
			}
			return f, nil
		},
	}
}
