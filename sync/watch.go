package sync

import (
	"errors"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
)

// watcher sleeps on a bell for somebody who waits for several things at a time,
// and calls back. It stays from the first watch until the bell is closed, so that
// a watch costs next to nothing.
type watcher struct {
	bell *Bell
	own  chan struct{} // ends the bell's own sleep
	stop func()        // ends what calls fire

	mu   Mutex
	over bool   // the bell is being closed
	wake func() // nil while nobody watches
}

// Watch announces that this side is going to wait, and has wake called when
// the bell is rung, and each [LongNet] in case a ring was lost. After it the
// caller must look once more for what it waits for. wake is called on another
// goroutine, must not block, and may be called for nothing. Watch polls, as Poll
// has it, or, where there is nothing to poll, sleeps in a goroutine and a thread
// of its own. It allocates and enters the kernel the first time.
func (b *Bell) Watch(wake func()) error {
	if b.watcher == nil {
		w := &watcher{bell: b, own: make(chan struct{}, 1)}
		err := b.Poll()
		if err == nil {
			err = w.startPolling()
		} else if errors.Is(err, errs.Unsupported) {
			w.start(b.os.sleep, SafetyNet)
			err = nil
		}
		if err != nil {
			return err
		}
		b.watcher = w
	}
	b.watcher.set(wake)
	b.Announce()
	return nil
}

// Unwatch ends a watch, if there is one: when it returns wake is not called any
// more. It takes the announcement back.
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

// fire calls back, if anybody wants it.
func (w *watcher) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	if !w.bell.shared {
		w.bell.os.drain()
	}
	if w.wake != nil {
		w.wake()
	}
}

// start has a goroutine sleep on the bell and fire, until stop.
func (w *watcher) start(sleep func(r mem.Region, seq uint32, most time.Duration), net time.Duration) {
	done := make(chan struct{})
	r := w.bell.mem
	seq := r.Load32(offSeq)
	go func() {
		defer close(done)
		for {
			sleep(r, seq, net)
			w.mu.Lock()
			over := w.over
			w.mu.Unlock()
			if over {
				return
			}
			// What is rung from here on ends the next sleep.
			seq = r.Load32(offSeq)
			w.fire()
		}
	}()
	w.stop = func() {
		w.bell.Interrupt()
		<-done
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

// endWatcher ends the watcher, if there is one, before the bell is closed, and
// tells who watches.
func (b *Bell) endWatcher() {
	w := b.watcher
	if w == nil {
		return
	}
	w.mu.Lock()
	w.over = true
	if w.wake != nil {
		w.wake()
	}
	w.mu.Unlock()
	w.stop()
	b.watcher = nil
}
