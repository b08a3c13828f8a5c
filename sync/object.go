package sync

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ringway/ringway/internal/errs"
)

// Kinds of the sections of events and semaphores on Linux, as their
// descriptors name them.
const (
	KindEvent     = 0x45
	KindSemaphore = 0x53
)

// MaxWaitAny is how many objects WaitAny can wait for at a time, on every
// system.
const MaxWaitAny = 63

// traits are what doesn't change about an event or a semaphore. An event is
// a semaphore of at most one, that may stay where it is when a wait goes
// through.
type traits struct {
	kind   uint32
	most   uint32 // the largest count
	first  uint32 // what it begins with
	manual bool   // waits don't lower the count
}

func (t traits) noun() string {
	if t.kind == KindEvent {
		return "event"
	}
	return "semaphore"
}

// object is a handle of an event or a semaphore in this process.
type object struct {
	name   string
	traits traits
	os     osObject

	// users counts the calls inside; with closing nobody comes in any more.
	users atomic.Int64

	mu    Mutex
	waits map[*wait]struct{} // of calls that may sleep
}

const closing = 1 << 62

func create(name, dir string, t traits) (*object, error) {
	o := &object{name: name, traits: t}
	if err := o.os.create(name, dir, t); err != nil {
		return nil, err
	}
	return o, nil
}

func open(name, dir string, kind uint32) (*object, error) {
	o := &object{name: name, traits: traits{kind: kind}}
	if err := o.os.open(name, dir, &o.traits); err != nil {
		return nil, err
	}
	return o, nil
}

// Remove takes the name away from an event or a semaphore. Who has it open goes
// on with it. On Windows there is no name to take away: it goes with the last
// handle. Dir is that of EventOptions. The error matches os.ErrNotExist when
// there is none, and ErrNotRingway when the name is that of something else.
func Remove(name, dir string) error { return removeObject(name, dir) }

// failf makes an error.
func failf(op, name string, err error, format string, a ...any) error {
	return &errs.Error{Op: op, Name: name, Err: err, Detail: fmt.Sprintf(format, a...)}
}

func (o *object) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	op += " " + o.traits.noun()
	if e, ok := err.(*errs.Error); ok {
		e.Op, e.Name = op, o.name
		return e
	}
	return &errs.Error{Op: op, Name: o.name, Err: err}
}

// enter keeps the object from going away until leave.
func (o *object) enter() bool {
	if o.users.Add(1)&closing == 0 {
		return true
	}
	o.users.Add(-1)
	return false
}

func (o *object) leave() { o.users.Add(-1) }

func (o *object) closed() bool { return o.users.Load()&closing != 0 }

// add raises the count by n and wakes whom that lets through.
func (o *object) add(op string, n uint32) error {
	if !o.enter() {
		return o.fail(op, errs.Closed)
	}
	defer o.leave()
	if err := o.os.add(o.traits, n); err != nil {
		return o.fail(op, err)
	}
	return nil
}

func (o *object) reset() error {
	if !o.enter() {
		return o.fail("reset", errs.Closed)
	}
	defer o.leave()
	return o.fail("reset", o.os.reset())
}

func (o *object) tryWait() (bool, error) {
	if !o.enter() {
		return false, o.fail("wait for", errs.Closed)
	}
	defer o.leave()
	ok, err := o.os.try(o.traits)
	return ok, o.fail("wait for", err)
}

// close lets nobody in any more, has everybody inside leave, and gives back
// what the handle holds.
func (o *object) close() error {
	for {
		n := o.users.Load()
		if n&closing != 0 {
			return o.fail("close", errs.Closed)
		}
		if o.users.CompareAndSwap(n, n|closing) {
			break
		}
	}
	for i := 0; o.users.Load() != closing; i++ {
		o.mu.Lock()
		for w := range o.waits {
			w.interrupt()
		}
		o.mu.Unlock()
		if i < 100 {
			runtime.Gosched()
		} else {
			time.Sleep(time.Millisecond)
		}
	}
	return o.fail("close", o.os.close())
}

func (o *object) wait(ctx context.Context, d time.Duration) error {
	_, err := waitFor(ctx, d, []*object{o})
	return err
}

// Waiter is what WaitAny waits for: an *Event or a *Semaphore.
type Waiter interface{ waitObject() *object }

// WaitAny waits until one of the objects lets a wait through, and returns its
// index: that event was reset, unless it is of manual reset, or that semaphore
// lowered, and nothing else was touched. If several can, it is the first of
// them. It returns -1 and the error of ctx when that ends before, ErrClosed when
// one of them is closed, ErrBadArgument for no objects, more than MaxWaitAny, or
// one twice, or ErrFault. The call takes a thread of the system while it waits.
//
// On Linux it sleeps by futex_waitv, which kernels have since 5.16; on older
// ones it looks once a millisecond.
func WaitAny(ctx context.Context, objects ...Waiter) (int, error) {
	if len(objects) == 0 || len(objects) > MaxWaitAny {
		return -1, failf("wait for any", "", errs.BadArgument, "%d objects, not 1 to %d", len(objects), MaxWaitAny)
	}
	all := make([]*object, len(objects))
	for i, w := range objects {
		all[i] = w.waitObject()
		if slices.Contains(all[:i], all[i]) {
			return -1, failf("wait for any", all[i].name, errs.BadArgument, "objects %d and %d are the same", slices.Index(all, all[i]), i)
		}
	}
	return waitFor(ctx, 0, all)
}

// wait is one call that may sleep.
type wait struct {
	objects []*object
	os      osWait
}

// waits are those that nobody uses, with what they hold of the system.
var waits = Pool{New: func() any { return new(wait) }}

// waitFor waits for one of the objects, for d if that isn't zero.
func waitFor(ctx context.Context, d time.Duration, all []*object) (int, error) {
	const op = "wait for"
	for i, o := range all {
		if !o.enter() {
			for _, o := range all[:i] {
				o.leave()
			}
			return -1, o.fail(op, errs.Closed)
		}
	}
	defer func() {
		for _, o := range all {
			o.leave()
		}
	}()
	if i, err := try(all); i >= 0 || err != nil {
		return i, err
	}
	if err := ctx.Err(); err != nil {
		return -1, err
	}
	if d == 1 { // no time to sleep in
		return -1, context.DeadlineExceeded
	}

	w := waits.Get().(*wait)
	if err := w.os.open(); err != nil {
		return -1, all[0].fail(op, err)
	}
	w.objects = all
	w.enlist(true)
	stop := func() bool { return true }
	over := make(chan struct{})
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, func() {
			w.interrupt()
			close(over)
		})
	}
	i, err := w.sleep(ctx, d)
	if !stop() {
		<-over // it must not wake who uses w next
	}
	w.enlist(false)
	w.objects = nil
	waits.Put(w)
	return i, err
}

// enlist has Close of the objects interrupt w, or no longer.
func (w *wait) enlist(in bool) {
	for _, o := range w.objects {
		o.mu.Lock()
		if o.waits == nil {
			o.waits = make(map[*wait]struct{})
		}
		if in {
			o.waits[w] = struct{}{}
		} else {
			delete(o.waits, w)
		}
		o.mu.Unlock()
	}
}

// try takes from the first of the objects that has something.
func try(all []*object) (int, error) {
	for i, o := range all {
		if ok, err := o.os.try(o.traits); ok || err != nil {
			if err != nil {
				i = -1
			}
			return i, o.fail("wait for", err)
		}
	}
	return -1, nil
}

// sleep is the loop of a wait. Nothing that it sleeps on is more than a hint,
// but on Windows, where a sleep that ends well has taken what it waited for.
func (w *wait) sleep(ctx context.Context, d time.Duration) (int, error) {
	start := time.Now() // with the monotonic clock
	for {
		w.os.announce(w.objects)
		most := safety
		i, err := try(w.objects)
		if i < 0 && err == nil {
			err = ctx.Err()
			if at := slices.IndexFunc(w.objects, (*object).closed); at >= 0 {
				err = w.objects[at].fail("wait for", errs.Closed)
			}
			if left := d - time.Since(start); d > 0 {
				if most = min(most, left); left <= 0 && err == nil {
					err = context.DeadlineExceeded
				}
			}
		}
		if i < 0 && err == nil {
			if i, err = w.os.sleep(w.objects, most); err != nil {
				err = w.objects[0].fail("wait for", err)
			}
		}
		w.os.retract(w.objects, i >= 0 || err != nil)
		if i >= 0 || err != nil {
			return i, err
		}
	}
}

func (w *wait) interrupt() { w.os.wake() }
