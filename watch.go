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
	return c.readyNow("arm")
}

// readyNow looks once more after the announcement, and takes it back if there
// is no need to wait.
func (c *Consumer) readyNow(op string) (ready bool, err error) {
	if c.spsc != nil {
		ready = c.spsc.Ready()
	} else {
		ready = c.mpmc.Ready()
	}
	if !ready {
		w := waiter{e: &c.endpoint, op: op}
		err = w.givesUp()
	}
	if ready || err != nil {
		c.mine.Retract()
	}
	return ready, err
}

// Watch has wake called when there may be a message: see Source. It is what Select calls. The first call starts a
// goroutine, which ends with Close.
func (c *Consumer) Watch(wake func()) (ready bool, err error) {
	if !c.gate.Enter() {
		return false, c.shutOut("watch")
	}
	defer c.gate.Exit()
	if err := c.mine.Watch(wake); err != nil {
		return false, named(err, c.name)
	}
	if ready, err = c.readyNow("watch"); ready || err != nil {
		c.mine.Unwatch()
	}
	return ready, err
}

// Unwatch ends what Watch began, if anything: when it returns wake is not
// called any more.
func (c *Consumer) Unwatch() {
	if c.gate.Enter() {
		c.mine.Unwatch()
		c.gate.Exit()
	}
}
