package inspect

import "time"

// KeepFor is how long a watch keeps what nobody looks at.
const KeepFor = keepFor

// Expire does what the watch does when nobody has looked for so long.
func (w *Watch) Expire(idle time.Duration) {
	w.mu.Lock()
	w.looked = time.Now().Add(-idle)
	w.mu.Unlock()
	w.expire()
}

// KeepMost has it keep so many sections at most.
func (w *Watch) KeepMost(n int) { w.most = n }
