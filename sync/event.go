package sync

import (
	"context"
	"time"
)

// EventOptions say what CreateEvent makes. Dir counts for OpenEvent, too.
type EventOptions struct {
	// ManualReset keeps the event set until Reset, so that every wait, of
	// anybody, returns. Without it a set event lets exactly one wait through,
	// which resets it.
	ManualReset bool

	// Set is the state in which a new event begins.
	Set bool

	// Dir is a directory for the event's section on Linux, instead of
	// /dev/shm. Windows has no use for it: events are objects of the session.
	Dir string
}

// Event is a named flag that processes set and wait for. Its methods may be
// called by any goroutine at any time. An Event that is no longer needed must be
// closed.
type Event struct{ object *object }

// CreateEvent makes an event under a name that CheckName of package shm
// accepts, for the processes of this user alone. Names are shared with rings and
// semaphores. It enters the kernel and allocates. The error matches os.ErrExist
// when the name is taken, and else is one of those of shm.Create.
func CreateEvent(name string, o EventOptions) (*Event, error) {
	t := traits{kind: KindEvent, most: 1, manual: o.ManualReset}
	if o.Set {
		t.first = 1
	}
	obj, err := create(name, o.Dir, t)
	if err != nil {
		return nil, err
	}
	return &Event{obj}, nil
}

// OpenEvent opens the event that has the name; of the options only Dir counts.
// It enters the kernel and allocates. The error matches os.ErrNotExist when
// there is none, ErrNotRingway when the name is that of something else, and else
// is one of those of shm.Open.
func OpenEvent(name string, o EventOptions) (*Event, error) {
	obj, err := open(name, o.Dir, KindEvent)
	if err != nil {
		return nil, err
	}
	return &Event{obj}, nil
}

// Name returns the event's name.
func (e *Event) Name() string { return e.object.name }

// Set sets the event. What was done before is visible to whoever a wait lets
// through for it. Setting what is set changes nothing. On Linux it enters the
// kernel only if somebody may be waiting. It returns ErrClosed or ErrFault, and
// ErrCorrupt when another process keeps it from taking place.
func (e *Event) Set() error { return e.object.add("set", 1) }

// Reset takes the event's state back to not set. Errors are those of Set.
func (e *Event) Reset() error { return e.object.reset() }

// TryWait reports whether a wait would return at once, and does what that
// would do: it resets an event of automatic reset. It does not sleep. It returns
// ErrClosed or ErrFault.
func (e *Event) TryWait() (bool, error) { return e.object.tryWait() }

// Wait waits until the event is set, ctx ends or the event is closed, and
// returns nil, the error of ctx, ErrClosed or ErrFault. With nil, and automatic
// reset, the event has let this wait through and no other. A waiting call takes
// a thread of the system.
func (e *Event) Wait(ctx context.Context) error { return e.object.wait(ctx, 0) }

// WaitTimeout is Wait for a time that does not depend on the wall clock. After
// it the error is context.DeadlineExceeded. A time of zero or less looks once.
func (e *Event) WaitTimeout(d time.Duration) error {
	return e.object.wait(context.Background(), max(d, 1))
}

// Close gives the event's handle back; calls that wait through it return
// ErrClosed. On Linux the event itself stays under its name until [Remove]. On
// Windows it goes with its last handle in any process. A second Close returns
// ErrClosed.
func (e *Event) Close() error { return e.object.close() }

func (e *Event) waitObject() *object { return e.object }
