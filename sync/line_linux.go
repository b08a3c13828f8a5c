package sync

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
)

// Line is one end of a pair of connected stream sockets, of which another process
// has the other end. Bells on both sides are rung through it, and slept on in the
// runtime's poller, however many there are: so they take one descriptor together.
// What is written is a byte that means nothing but: look. Any goroutine may use a
// Line.
//
// One of those who sleep polls, and whenever it has emptied the socket or wakes, so do
// all others on this side, and look for themselves.
type Line struct {
	file *os.File
	conn syscall.RawConn
	fd   int
	look func(uintptr) bool // l.looked, without an allocation each time

	mu     Mutex
	closed bool
	leads  *lineSleeper // polls
	others []*lineSleeper
	fire   func()    // tells the watcher of a bell that polls elsewhere; nil: there is none
	until  time.Time // the read deadline that is set

	looks int // of the one that polls
}

// lineSleeper is a bell of which this side sleeps on a line.
type lineSleeper struct {
	line *Line // immutable
	mem  mem.Region
	seq  uint32
	wake chan struct{} // has room for one
}

// over reports whether somebody has rung since the sleep was announced.
func (s *lineSleeper) over() bool { return s.mem.Load32(offSeq) != s.seq }

// NewLine makes a line of a socket, which belongs to it from then on, also when it
// fails. It enters the kernel, which no method but Close does for longer than an
// instant.
func NewLine(f *os.File) (*Line, error) {
	l := &Line{file: f}
	var err error
	if l.conn, err = f.SyscallConn(); err == nil {
		err = l.conn.Control(func(fd uintptr) { l.fd = int(fd) })
	}
	if err == nil {
		err = f.SetReadDeadline(time.Time{}) // which the runtime's poller must know
	}
	if err != nil {
		_ = f.Close()
		return nil, &errs.Error{Op: "open line", Err: err}
	}
	l.look = l.looked
	return l, nil
}

// Close closes the socket. l may be nil.
func (l *Line) Close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return l.file.Close()
}

// ring wakes the other side. A socket that is full is readable, too, and at one
// that the other side has closed nobody sleeps.
func (l *Line) ring() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		sendNow(l.fd, knock[:1])
	}
}

// sleep sleeps until somebody has rung the bell of s, or for most, or less.
func (l *Line) sleep(s *lineSleeper, most time.Duration) {
	l.mu.Lock()
	if l.closed || s.over() {
		l.mu.Unlock()
		return
	}
	if l.leads != nil {
		l.follow(s, most) // unlocks
		return
	}
	l.leads, l.looks = s, 0
	// As in sleepPolling.
	if now := time.Now(); l.until.Sub(now) < most/2 || l.until.Sub(now) > most {
		l.until = now.Add(most)
		_ = l.file.SetReadDeadline(l.until)
	}
	l.mu.Unlock()
	err := l.conn.Read(l.look)
	l.mu.Lock()
	if l.leads = nil; err != nil {
		l.until = time.Time{}
	}
	l.wakeOthers()
	l.mu.Unlock()
}

// follow sleeps until the one that polls wakes. It unlocks l.mu.
func (l *Line) follow(s *lineSleeper, most time.Duration) {
	select {
	case <-s.wake: // of a sleep before
	default:
	}
	l.others = append(l.others, s)
	l.mu.Unlock()
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-s.wake:
		return
	case <-t.C:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, other := range l.others {
		if other == s {
			l.others = append(l.others[:i], l.others[i+1:]...)
			return
		}
	}
}

// wakeOthers wakes those that don't poll. The caller has l.mu.
func (l *Line) wakeOthers() {
	for _, s := range l.others {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	l.others = l.others[:0]
}

// looked is for who polls: it reports whether its sleep is over. As in
// doorbell.looked it empties the socket the first time.
func (l *Line) looked(fd uintptr) bool {
	if l.looks++; l.looks > 1 {
		return true
	}
	l.mu.Lock()
	var fire func()
	if emptied(int(fd)) {
		// What was there may have been for any of them.
		l.wakeOthers()
		fire = l.fire
	}
	over := l.leads.over()
	l.mu.Unlock()
	if fire != nil {
		fire()
	}
	return over
}

// drain empties the socket, for a watcher.
func (l *Line) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && emptied(l.fd) {
		l.wakeOthers()
		l.wakeLeader()
	}
}

// interrupt ends the sleep of s, whose bell was rung by this side.
func (l *Line) interrupt(s *lineSleeper) {
	l.mu.Lock()
	l.wakeOthers()
	if l.leads == s {
		l.wakeLeader()
	}
	fire := l.fire
	l.mu.Unlock()
	if fire != nil {
		fire()
	}
}

// wakeLeader ends the sleep of the one that polls. The caller has l.mu.
func (l *Line) wakeLeader() {
	if l.leads != nil && !l.closed {
		l.until = time.Now()
		_ = l.file.SetReadDeadline(l.until)
	}
}

// watch has fire called, which must not block, when the socket was emptied by
// others than the watcher; nil ends that.
func (l *Line) watch(fire func()) {
	l.mu.Lock()
	l.fire = fire
	l.mu.Unlock()
}

// emptied empties a socket, and reports whether anything was there.
func emptied(fd int) (something bool) {
	var b [256]byte
	for range 1024 { // if the other side floods it, something stays
		n, err := recvNow(fd, b[:])
		if something = something || n > 0; err != unix.EINTR && n < len(b) {
			break
		}
	}
	return something
}
