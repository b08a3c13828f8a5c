package sync

import "sync/atomic"

// watcher is a goroutine that sleeps on a bell for somebody who waits for
// several things at a time, and calls back. It stays from the first watch until
// the bell is closed, asleep, so that a watch costs no goroutine.
type watcher struct {
	bell *Bell
	quit atomic.Bool
	done chan struct{}

	mu   Mutex
	wake func() // nil while nobody watches
	own  chan struct{}
}

// Watch announces that this side is going to wait, and has wake called when
// the bell is rung, and each [PollNet] in case a ring was lost. After it the
// caller must look once more for what it waits for. wake is called on another
// goroutine, must not block, and may be called for nothing. Watch polls, as Poll
// has it, and starts a goroutine the first time.
func (b *Bell) Watch(wake func()) error {
	if err := b.Poll(); err != nil {
		return err
	}
	if b.watcher == nil {
		w := &watcher{bell: b, done: make(chan struct{}), own: make(chan struct{}, 1)}
		seq := b.mem.Load32(offSeq)
		b.watcher = w
		go w.run(seq)
	}
	b.watcher.set(wake)
	b.Announce()
	return nil
}

// Unwatch ends a watch: when it returns wake is not called any more. It takes
// the announcement back.
func (b *Bell) Unwatch() {
	if b.watcher != nil {
		b.watcher.set(nil)
		b.Retract()
	}
}

func (w *watcher) set(wake func()) {
	w.mu.Lock()
	w.wake = wake
	w.mu.Unlock()
}

func (w *watcher) run(seq uint32) {
	defer close(w.done)
	for !w.quit.Load() {
		w.bell.os.sleepPolling(w.bell.mem, seq, PollNet)
		// What is rung from here on ends the next sleep.
		seq = w.bell.mem.Load32(offSeq)
		w.mu.Lock()
		if w.wake != nil {
			w.wake()
		}
		w.mu.Unlock()
	}
}

// sleep is the bell's own sleep while there is a watcher.
func (w *watcher) sleep() {
	select {
	case <-w.own: // of a sleep before
	default:
	}
	w.set(func() {
		select {
		case w.own <- struct{}{}:
		default:
		}
	})
	if w.bell.mem.Load32(offSeq) == w.bell.seq {
		<-w.own
	}
	w.set(nil)
}

// endWatcher ends the goroutine, if there is one.
func (b *Bell) endWatcher() {
	w := b.watcher
	if w == nil {
		return
	}
	w.quit.Store(true)
	b.Interrupt()
	<-w.done
	b.watcher = nil
}
