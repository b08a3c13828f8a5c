//go:build !linux

package sync

// osWatcher is a goroutine that sleeps on the bell.
type osWatcher struct{ done chan struct{} }

func (o *osWatcher) start(w *watcher) error {
	o.done = make(chan struct{})
	seq := w.bell.mem.Load32(offSeq)
	go func() {
		defer close(o.done)
		for {
			w.bell.os.sleepPolling(w.bell.mem, seq, PollNet)
			w.mu.Lock()
			over := w.over
			w.mu.Unlock()
			if over {
				return
			}
			// What is rung from here on ends the next sleep.
			seq = w.bell.mem.Load32(offSeq)
			w.fire()
		}
	}()
	return nil
}

func (o *osWatcher) stop(w *watcher) {
	w.bell.Interrupt()
	<-o.done
}

func (*osWatcher) drain(*watcher) {}
