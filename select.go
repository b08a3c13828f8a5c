package ringway

import (
	"context"
	"fmt"

	"github.com/ringway/ringway/internal/errs"
)

// Source is what Select waits for: a *Consumer, or anything else that can tell
// when there is something to receive. A source belongs to the goroutine that
// selects, as a Consumer does.
type Source interface {
	// Watch has wake called as soon as a receive may no longer find nothing,
	// and reports whether it may not already; then, and with an error, nothing
	// is being watched. wake may be called on any goroutine, more than once and
	// for nothing, which only makes Select return for nothing; it does not
	// block. A watch lasts until Unwatch.
	Watch(wake func()) (ready bool, err error)

	// Unwatch ends a watch, if there is one. When it has returned wake is not
	// called any more.
	Unwatch()
}

var _ Source = (*Consumer)(nil)

// Selector waits for several sources again and again without allocating. It
// belongs to one goroutine at a time.
type Selector struct {
	sources []Source
	wakes   []func()
	first   int // where the next look begins, so that all get their turn
	woken   chan int
}

// NewSelector returns a Selector of the sources, whose indices are what Wait
// returns. It needs no Close: what a source holds for it goes with the source.
// It panics without a source.
func NewSelector(sources ...Source) *Selector {
	if len(sources) == 0 {
		panic("ringway: a selector of no sources")
	}
	s := &Selector{sources: sources, woken: make(chan int, len(sources))}
	for i := range sources {
		s.wakes = append(s.wakes, func() {
			select {
			case s.woken <- i:
			default: // somebody else has woken Wait
			}
		})
	}
	return s
}

// Wait waits until one of the sources may have something to receive, or an
// error to tell, or ctx ends, and returns its index. With a nil error call what
// receives without waiting (TryRecv), and don't be surprised by ErrEmpty: now and
// then Wait returns for nothing, once a second for a ring that is idle, say. With
// an error of a source it returns that source's index, and with that of ctx -1.
// Sources that always have something don't keep Wait from the others: it begins
// to look behind the one that it returned last.
//
// A wait takes no thread. For each ring it takes a sleeping goroutine, and on
// Linux a descriptor.
func (s *Selector) Wait(ctx context.Context) (int, error) {
	for len(s.woken) > 0 {
		<-s.woken // in a wait before
	}
	n := len(s.sources)
	for watched := range n {
		i := (s.first + watched) % n
		ready, err := s.sources[i].Watch(s.wakes[i])
		if ready || err != nil {
			return s.returned(i, watched, err)
		}
	}
	select {
	case i := <-s.woken:
		return s.returned(i, n, nil)
	case <-ctx.Done():
		s.unwatch(n)
		return -1, ctx.Err()
	}
}

// returned ends a turn of so many watches.
func (s *Selector) returned(i, watched int, err error) (int, error) {
	s.unwatch(watched)
	s.first = (i + 1) % len(s.sources)
	return i, err
}

// unwatch ends the first so many watches of this turn.
func (s *Selector) unwatch(watched int) {
	for k := range watched {
		s.sources[(s.first+k)%len(s.sources)].Unwatch()
	}
}

// Select waits until one of the sources has something to receive, as
// Selector.Wait does once. Who waits again and again should keep a Selector. It
// returns -1 and an error matching ErrBadArgument without a source.
func Select(ctx context.Context, sources ...Source) (int, error) {
	if len(sources) == 0 {
		return -1, &errs.Error{Op: "select", Err: ErrBadArgument, Detail: fmt.Sprintf("%d sources", len(sources))}
	}
	return NewSelector(sources...).Wait(ctx)
}
