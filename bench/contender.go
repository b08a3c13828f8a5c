package bench

import (
	"context"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/bench/limits"
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
	// Start starts its processes and gets them warm. They end with ctx.
	Start func(ctx context.Context) (Running, error)
}

// Running is a contender at work: it sleeps but for its slices.
type Running interface {
	// Slice measures once. After an error there is no other one.
	Slice() (Figure, error)
	Close() error
}

// Task is what a rival has to do to be compared with o, on the same processors.
func (o *RunOptions) Task() rivals.Task {
	cpuA, cpuB := limits.PickPair()
	return rivals.Task{
		Mode: o.Mode, Size: o.Size, Producers: o.Producers, Consumers: o.Consumers, Batch: o.Batch,
		Duration: o.Duration, Rate: o.Rate, Broadcast: o.Topology == ringway.Broadcast.String(),
		CPUs: []int{cpuA, cpuB},
	}
}

// Rivalling returns the contender that an engine is at a task.
func Rivalling(e rivals.Engine, t rivals.Task) Contender {
	return Contender{
		Engine: e.Title, Class: e.Class, Between: e.Between, Prepare: e.Build,
		Start: func(ctx context.Context) (Running, error) {
			p, err := e.Start(ctx, t)
			if err != nil {
				return nil, err
			}
			if _, err := p.Slice(); err != nil { // rehearses
				_ = p.Close()
				return nil, err
			}
			return rival{p}, nil
		},
	}
}

// rival is a rival's program.
type rival struct{ *rivals.Program }

func (r rival) Slice() (f Figure, err error) {
	got, err := r.Program.Slice()
	if err != nil {
		return f, err
	}
	f = Figure{Messages: got.Messages, Ns: int64(got.Seconds * float64(time.Second)), Times: got.Times}
	if f.Times != nil {
		f.Stats = f.Times.Stats()
	}
	return f, nil
}
