package ringway

import (
	"time"

	"github.com/ringway/ringway/internal/errs"
)

// FD returns a descriptor for the caller's own poll, select or epoll loop. It
// becomes readable after Arm when a message may be there, may also be so for
// nothing, and is only to be waited for: it belongs to c, which empties and
// closes it. It exists on Linux only; elsewhere the error matches ErrUnsupported,
// and Select is what to use. It allocates and enters the kernel the first time.
//
//	for {
//		ready, err := c.Arm()
//		if !ready && err == nil {
//			… wait until the descriptor is readable, or something else happens
//		}
//		for { m, err := c.TryRecv(); … } // until ErrEmpty
//	}
//
// Wait with a timeout if the producer's death matters to you: it doesn't make
// the descriptor readable, and Arm says it.
func (c *Consumer) FD() (fd int, err error) {
	if !c.gate.Enter() {
		return -1, c.shutOut("get the descriptor of")
	}
	defer c.gate.Exit()
	if err := c.mine.Poll(); err != nil {
		return -1, named(err, c.name)
	}
	if fd = c.mine.FD(); fd < 0 {
		err = &errs.Error{Op: "get the descriptor of", Name: c.name, Err: ErrUnsupported,
			Detail: "what this system waits for is no descriptor; use Select"}
	}
	return fd, err
}

// Arm says that this consumer is about to wait for its FD, and reports whether
// a receive would not find the ring empty already: then don't wait. Call it
// each time before waiting, after TryRecv has returned ErrEmpty. It returns
// ErrPeerDead, once for each death of an SPSC ring's producer, ErrFault,
// ErrClosed, or the error of FD.
func (c *Consumer) Arm() (ready bool, err error) {
	if _, err := c.FD(); err != nil {
		return false, err
	}
	if !c.gate.Enter() {
		return false, c.shutOut("arm")
	}
	defer c.gate.Exit()
	c.mine.Drain()
	c.mine.Announce()
	c.looked = time.Time{} // who arms wants to know
	if ready, err = c.look("arm", c.ready); ready || err != nil {
		c.mine.Retract()
	}
	return ready, err
}

// ready reports whether a receive may find something.
func (c *Consumer) ready() bool {
	if c.spsc != nil {
		return c.spsc.Ready()
	}
	return c.mpmc.Ready()
}

// Watch has wake called when there may be a message: see Source. It allocates
// and enters the kernel the first time.
func (c *Consumer) Watch(wake func()) (ready bool, err error) { return c.watchFor(wake, c.ready) }

// Unwatch ends what Watch began, if anything: when it returns wake is not
// called any more.
func (c *Consumer) Unwatch() { c.unwatch() }

// Watch has wake called when there may be a message: see Source. One that was
// opened read-only can't ask to be woken; then the error matches ErrUnsupported.
// It allocates and enters the kernel the first time.
func (s *Subscriber) Watch(wake func()) (ready bool, err error) {
	return s.watchFor(wake, func() bool { return s.poll(1, 1) })
}

// Unwatch ends what Watch began, if anything: when it returns wake is not
// called any more.
func (s *Subscriber) Unwatch() { s.unwatch() }

func (e *endpoint) watchFor(wake func(), ready func() bool) (bool, error) {
	if !e.gate.Enter() {
		return false, e.shutOut("watch")
	}
	defer e.gate.Exit()
	if e.mine == nil {
		return false, &errs.Error{Op: "watch", Name: e.name, Err: ErrUnsupported, Detail: "who reads only can't ask to be woken"}
	}
	if err := e.mine.Watch(wake); err != nil {
		return false, named(err, e.name)
	}
	there, err := e.look("watch", ready)
	if there || err != nil {
		e.mine.Unwatch()
	}
	return there, err
}

func (e *endpoint) unwatch() {
	if e.mine != nil && e.gate.Enter() {
		e.mine.Unwatch()
		e.gate.Exit()
	}
}

// look looks once more after the announcement, at the ring and at the others.
func (e *endpoint) look(op string, ready func() bool) (bool, error) {
	if ready() {
		return true, nil
	}
	e.suspect.Store(true) // nobody looks after who waits elsewhere
	w := waiter{e: e, op: op}
	return false, w.givesUp()
}
