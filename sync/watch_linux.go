package sync

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
)

// hub is where all watchers of the process sleep: an epoll instance, which one
// goroutine waits for in the runtime's own poller. So a watcher takes no
// goroutine, and all of them no thread.
type hub struct {
	file   *os.File
	conn   syscall.RawConn
	fd     int
	events [128]unix.EpollEvent

	mu   sync.Mutex
	all  map[int32]*watcher
	next int32
}

var theHub = sync.OnceValues(func() (*hub, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err == nil {
		err = unix.SetNonblock(fd, true) // for the runtime's poller to take it
	}
	if err != nil {
		return nil, &errs.Error{Op: "watch", Err: err}
	}
	h := &hub{file: os.NewFile(uintptr(fd), "epoll"), fd: fd, all: make(map[int32]*watcher)}
	if h.conn, err = h.file.SyscallConn(); err == nil {
		err = h.file.SetReadDeadline(time.Time{})
	}
	if err != nil {
		_ = h.file.Close()
		return nil, &errs.Error{Op: "watch", Err: err, Detail: "epoll in the runtime's poller"}
	}
	go h.run()
	return h, nil
})

// run calls back those whose bells were rung, and all of them when the safety
// net is due.
func (h *hub) run() {
	n := 0
	look := func(fd uintptr) bool {
		var err error
		n, err = unix.EpollWait(int(fd), h.events[:], 0)
		return n > 0 || err != nil && err != unix.EINTR
	}
	var due time.Time
	for {
		if now := time.Now(); now.After(due) {
			for _, w := range h.everybody() {
				w.fire()
			}
			due = now.Add(LongNet)
			_ = h.file.SetReadDeadline(due)
		}
		if h.conn.Read(look) != nil {
			continue // the net is due
		}
		for _, e := range h.events[:max(n, 0)] {
			h.mu.Lock()
			w := h.all[e.Fd]
			h.mu.Unlock()
			if w != nil {
				w.fire()
			}
		}
	}
}

func (h *hub) everybody() (all []*watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.all {
		all = append(all, w)
	}
	return all
}

// startPolling gives a watcher its place in the hub.
func (w *watcher) startPolling() error {
	h, err := theHub()
	if err != nil {
		return err
	}
	h.mu.Lock()
	for h.all[h.next] != nil {
		h.next++ // somebody is still there from the last time around
	}
	id := h.next
	h.next++
	h.all[id] = w
	h.mu.Unlock()
	bell := w.bell.os.descriptor()
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: id}
	if err := unix.EpollCtl(h.fd, unix.EPOLL_CTL_ADD, bell, &event); err != nil {
		h.forget(id)
		return &errs.Error{Op: "watch", Err: err}
	}
	var line *Line
	if s := w.bell.os.line; s != nil {
		line = s.line
		line.watch(w.rouse)
	}
	w.stop = func() {
		if line != nil {
			line.watch(nil)
		}
		_ = unix.EpollCtl(h.fd, unix.EPOLL_CTL_DEL, bell, nil)
		h.forget(id)
	}
	return nil
}

func (h *hub) forget(id int32) {
	h.mu.Lock()
	delete(h.all, id)
	h.mu.Unlock()
}

// rouse calls back as fire does, but empties nothing.
func (w *watcher) rouse() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wake != nil && !w.over {
		w.wake()
	}
}
