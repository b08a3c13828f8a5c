package sync

import (
	"encoding/binary"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/shm"
)

// osBell sleeps on the bell's own word, or, to wait by polling, on a doorbell:
// a descriptor that becomes readable.
type osBell struct {
	shared   bool                                // several may sleep on it
	find     func(create bool) (*os.File, error) // nil: there is no doorbell
	doorbell atomic.Pointer[doorbell]            // nil until it is needed

	line *lineSleeper // takes the place of the doorbell, where there is one
}

// onLine has polling sleepers of both sides use a line.
func (o *osBell) onLine(l *Line) { o.line = &lineSleeper{line: l, wake: make(chan struct{}, 1)} }

func (o *osBell) open(_ string, shared bool) error {
	o.shared = shared
	return nil
}

func (o *osBell) close() error {
	if d := o.doorbell.Swap(nil); d != nil {
		theCaretaker.leave(d.kept)
		return shm.CloseDoorbell(d.file)
	}
	return nil
}

// sleep sleeps until wake or for d, unless the word is no longer seq.
func (*osBell) sleep(r mem.Region, seq uint32, d time.Duration) {
	futexWait(r.Ptr32(offSeq), seq, d)
}

// wake wakes those who sleep, and those that sleep on the doorbell if the
// state says that some do.
func (o *osBell) wake(r mem.Region, _, state uint32) {
	if state&onDoorbell == 0 || o.shared {
		futexWake(r.Ptr32(offSeq), everyone)
	}
	if o.line != nil {
		if state&onDoorbell != 0 {
			o.line.line.ring()
		} else if state == 0 { // by this side
			o.line.line.interrupt(o.line)
		}
		return
	}
	if state&onDoorbell != 0 || o.doorbell.Load() != nil {
		o.ring()
	}
}

// doorbell is an open doorbell of a bell.
type doorbell struct {
	file *os.File
	conn syscall.RawConn
	fd   int

	mine bool   // this side sleeps on it
	full bool   // this side doesn't empty it
	rung uint32 // how often this side, if it doesn't, rang it

	// Of the one who sleeps on it.
	look  func(uintptr) bool // d.looked, without an allocation each time
	mem   mem.Region
	seq   uint32
	looks int
	until time.Time // the read deadline that is set
	kept  *kept     // by the caretaker; nil: it isn't
}

// knock is what is written into a doorbell: an eventfd takes nothing shorter.
var knock = binary.NativeEndian.AppendUint64(nil, 1)

func openDoorbell(find func(create bool) (*os.File, error), create bool) (*doorbell, error) {
	if find == nil {
		return nil, &errs.Error{Op: "open doorbell", Err: errs.Unsupported, Detail: "what is waited for has no descriptor to poll"}
	}
	f, err := find(create)
	if err != nil {
		return nil, err
	}
	d := &doorbell{file: f, mine: create}
	if d.conn, err = f.SyscallConn(); err == nil {
		err = d.conn.Control(func(fd uintptr) { d.fd = int(fd) })
	}
	if err == nil {
		err = f.SetReadDeadline(time.Time{}) // which the runtime's poller must know
	}
	if err != nil {
		_ = shm.CloseDoorbell(f)
		return nil, &errs.Error{Op: "open doorbell", Err: err}
	}
	d.look = d.looked
	return d, nil
}

// poll has this handle sleep on the doorbell from now on, and returns what the
// state says of such a sleeper.
func (o *osBell) poll() (uint32, error) {
	if o.line == nil && o.doorbell.Load() == nil {
		d, err := openDoorbell(o.find, true)
		if err != nil {
			return 0, err
		}
		o.doorbell.Store(d)
	}
	return onDoorbell, nil
}

// ring writes a knock into the doorbell. If it isn't there nobody sleeps on it.
// If there is one sleeper he empties it, and so it is never full. If there are
// several they mustn't: who reads it before the others have been told that it is
// readable has them told nothing. They wait for the next thing to be written, and
// it's the ringer who makes room for that.
func (o *osBell) ring() {
	const lookEvery = 64 // rings between two looks whether it still has its name
	d := o.doorbell.Load()
	if d == nil {
		var err error
		if d, err = openDoorbell(o.find, false); err != nil {
			return
		}
		o.doorbell.Store(d)
	}
	knockAt(d.fd)
	if d.mine { // then any goroutine may be here
		return
	}
	if d.rung++; d.rung%lookEvery == 0 && shm.DoorbellGone(d.fd) {
		o.doorbell.Store(nil)
		_ = shm.CloseDoorbell(d.file)
	}
}

// sleepPolling is sleep on the doorbell, in the runtime's poller: it takes no
// thread.
func (o *osBell) sleepPolling(r mem.Region, seq uint32, most time.Duration) {
	if o.line != nil {
		o.line.mem, o.line.seq = r, seq
		o.line.line.sleep(o.line, most)
		return
	}
	d := o.doorbell.Load()
	d.mem, d.seq, d.looks, d.full = r, seq, 0, o.shared
	if d.kept != nil && most == LongNet {
		d.kept.asleep.Store(true)
		if d.conn.Read(d.look) != nil {
			d.until = time.Time{} // of a sleep before
		}
		d.kept.asleep.Store(false)
		return
	}
	// The deadline is a safety net, and moving it each time would cost more
	// than it's worth.
	if now := time.Now(); d.until.Sub(now) < most/2 || d.until.Sub(now) > most {
		d.until = now.Add(most)
		_ = d.file.SetReadDeadline(d.until)
	}
	if d.conn.Read(d.look) != nil {
		d.until = time.Time{}
	}
}

// looked reports whether the sleep is over: somebody has rung since it was
// announced, or, from the second time on, it became readable. The first time it
// empties the doorbell, unless there are others: what ends this sleep is left
// for the next one, so that whoever is awake goes on at once.
func (d *doorbell) looked(fd uintptr) bool {
	if d.looks == 0 && !d.full {
		empty(int(fd))
	}
	d.looks++
	return d.looks > 1 || d.mem.Load32(offSeq) != d.seq
}

// descriptor returns the doorbell's, after poll.
func (o *osBell) descriptor() int {
	if o.line != nil {
		return o.line.line.fd
	}
	return o.doorbell.Load().fd
}

// tend has the caretaker look after the doorbell.
func (o *osBell) tend(look func()) bool {
	d := o.doorbell.Load()
	if d == nil || o.shared || d.kept != nil {
		return false
	}
	d.kept = theCaretaker.keep(d.fd, look)
	return true
}

// drain empties the doorbell, if there is one.
func (o *osBell) drain() {
	if o.line != nil {
		o.line.line.drain()
	} else if d := o.doorbell.Load(); d != nil {
		empty(d.fd)
	}
}

// knockAt writes a knock, and makes room for it where that is needed.
func knockAt(fd int) {
	switch writeNow(fd, knock) {
	case unix.EAGAIN:
		empty(fd)
		fallthrough
	case unix.EINTR:
		_ = writeNow(fd, knock)
	}
}

func empty(fd int) {
	var b [64]byte
	for range 1024 { // if a peer floods it, something stays
		if n, err := readNow(fd, b[:]); err != unix.EINTR && n < len(b) {
			break
		}
	}
}
