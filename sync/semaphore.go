package sync

import (
	"context"
	"math"
	"time"

	"github.com/ringway/ringway/internal/errs"
)

// SemaphoreOptions say what CreateSemaphore makes. Dir counts for
// OpenSemaphore, too.
type SemaphoreOptions struct {
	Initial int    // the count of a new semaphore, 0..Max
	Max     int    // the largest count, 1..math.MaxInt32; 0 means that
	Dir     string // as in EventOptions
}

// Semaphore is a named count that processes raise and lower, and that never
// falls below zero: who lowers it at zero waits. Its methods may be called by any
// goroutine at any time. A Semaphore that is no longer needed must be closed.
//
// It has no owners. What a process has acquired and not released when it dies
// stays acquired: so the count says how many releases there were more than
// acquires, and is no more than a hint at how much of something is free. Who
// learns of a death, from a section's table of participants for example, and
// knows what the dead one had, gives it back with Release. What never happens is
// that the death of anybody keeps others from acquiring what is there.
type Semaphore struct{ object *object }

// CreateSemaphore makes a semaphore under a name that CheckName of package shm
// accepts, for the processes of this user alone. Names are shared with rings and
// events. It enters the kernel and allocates. The error matches ErrBadArgument
// when the options make no sense, os.ErrExist when the name is taken, and else
// is one of those of shm.Create.
func CreateSemaphore(name string, o SemaphoreOptions) (*Semaphore, error) {
	if o.Max == 0 {
		o.Max = math.MaxInt32
	}
	if o.Max < 0 || int64(o.Max) > math.MaxInt32 || o.Initial < 0 || o.Initial > o.Max {
		return nil, failf("create", name, errs.BadArgument, "an initial count of %d and a largest one of %d; it takes 0 ≤ initial ≤ max ≤ 2³¹-1", o.Initial, o.Max)
	}
	obj, err := create(name, o.Dir, traits{kind: KindSemaphore, most: uint32(o.Max), first: uint32(o.Initial)})
	if err != nil {
		return nil, err
	}
	return &Semaphore{obj}, nil
}

// OpenSemaphore opens the semaphore that has the name; of the options only Dir
// counts. It enters the kernel and allocates. The error matches os.ErrNotExist
// when there is none, ErrNotRingway when the name is that of something else, and
// else is one of those of shm.Open.
func OpenSemaphore(name string, o SemaphoreOptions) (*Semaphore, error) {
	obj, err := open(name, o.Dir, KindSemaphore)
	if err != nil {
		return nil, err
	}
	return &Semaphore{obj}, nil
}

// Name returns the semaphore's name.
func (s *Semaphore) Name() string { return s.object.name }

// Release raises the count by n, which lets so many acquires through, and
// panics if n is not positive. What was done before is visible to them. On Linux
// it enters the kernel only if somebody may be waiting. It returns ErrClosed,
// ErrFault, and ErrBadArgument when the count would be more than the largest;
// then it is as it was. ErrCorrupt says that another process has written what
// can't be.
func (s *Semaphore) Release(n int) error {
	if n <= 0 {
		panic("sync: Release of less than one")
	}
	return s.object.add("release", uint32(min(n, math.MaxInt32)))
}

// TryAcquire lowers the count by one if it is not zero, and reports whether it
// did. It does not sleep. It returns ErrClosed or ErrFault.
func (s *Semaphore) TryAcquire() (bool, error) { return s.object.tryWait() }

// Acquire lowers the count by one, waiting while it is zero until ctx ends or
// the semaphore is closed, and returns nil, the error of ctx, ErrClosed or
// ErrFault. Who comes first is not always served first. A waiting call takes a
// thread of the system.
func (s *Semaphore) Acquire(ctx context.Context) error { return s.object.wait(ctx, 0) }

// AcquireTimeout is Acquire for a time that does not depend on the wall clock.
// After it the error is context.DeadlineExceeded. A time of zero or less looks
// once.
func (s *Semaphore) AcquireTimeout(d time.Duration) error {
	return s.object.wait(context.Background(), max(d, 1))
}

// Close gives the semaphore's handle back, as Event.Close does.
func (s *Semaphore) Close() error { return s.object.close() }

func (s *Semaphore) waitObject() *object { return s.object }
