//go:build !linux

package sync

// startPolling has a goroutine sleep on the bell.
func (w *watcher) startPolling() error {
	w.start(w.bell.os.sleepPolling, LongNet)
	return nil
}
