package ringway

import (
	"context"
	"sync/atomic"

	"github.com/ringway/ringway/internal/errs"
)

// Source is what Select waits for: a *Consumer, a *Subscriber, a *Conn, or
// anything else that can tell when there is something to receive. A source belongs to the goroutine that
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

var (
	_ Source = (*Consumer)(nil)
	_ Source = (*Subscriber)(nil)
)

// Selector waits for several sources again and again, and is told which of them
// have something: what it costs doesn't grow with how many there are. It belongs
// to one goroutine at a time, and its sources to that one too; don't wait for
// them by other means meanwhile.
type Selector struct {
	sources []Source
	wakes   []func()
	queued  []atomic.Bool // by source: in woken, or was since it is watched
	woken   chan int
	idle    []int // those that aren't watched, who waits longest first
	turn    bool  // whether the idle are looked at first
}

// NewSelector returns a Selector of the sources, whose indices are what Wait
// returns. It panics without a source.
func NewSelector(sources ...Source) *Selector {
	n := len(sources)
	if n == 0 {
		panic("ringway: a selector of no sources")
	}
	s := &Selector{sources: sources, queued: make([]atomic.Bool, n), woken: make(chan int, n)}
	for i := range sources {
		s.idle = append(s.idle, i)
		s.wakes = append(s.wakes, func() {
			if !s.queued[i].Swap(true) {
				s.woken <- i // there is room
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
// Sources that always have something don't keep Wait from the others.
//
// A wait takes no thread and, on Linux, a descriptor for each ring, elsewhere a
// sleeping goroutine, as everywhere for a connection that goes over no ring. A
// source that is closed meanwhile ends it, too.
func (s *Selector) Wait(ctx context.Context) (int, error) {
	if s.turn = !s.turn; !s.turn {
		select {
		case i := <-s.woken:
			return s.unwatched(i), nil
		default:
		}
	}
	for len(s.idle) > 0 {
		i := s.idle[0]
		s.idle = s.idle[:copy(s.idle, s.idle[1:])]
		s.queued[i].Store(false)
		ready, err := s.sources[i].Watch(s.wakes[i])
		if ready || err != nil {
			s.idle = append(s.idle, i)
			return i, err
		}
	}
	select {
	case i := <-s.woken:
		return s.unwatched(i), nil
	case <-ctx.Done():
		return -1, ctx.Err()
	}
}

// unwatched ends the watch of a source that was woken, until the next Wait.
func (s *Selector) unwatched(i int) int {
	s.sources[i].Unwatch()
	s.idle = append(s.idle, i)
	return i
}

// Close ends all watches. The sources stay open. The Selector must not be used
// any more.
func (s *Selector) Close() {
	for _, source := range s.sources {
		source.Unwatch()
	}
}

// Select waits until one of the sources has something to receive, as
// Selector.Wait does, once. Who waits again and again should keep a Selector. It
// returns -1 and an error matching ErrBadArgument without a source.
func Select(ctx context.Context, sources ...Source) (int, error) {
	if len(sources) == 0 {
		return -1, &errs.Error{Op: "select", Err: ErrBadArgument, Detail: "there is no source"}
	}
	s := NewSelector(sources...)
	defer s.Close()
	return s.Wait(ctx)
}
