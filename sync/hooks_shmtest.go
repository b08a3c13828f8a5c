//go:build shmtest

package sync

// For the model checker, which can't sleep.

// Fenced makes this handle one of a process that is beyond barriers: as a
// ringer it fences, and as a sleeper it asks for that.
func (b *Bell) Fenced() { b.fenced, b.own = true, needFence }

// AsksForFences makes this handle a sleeper that can't issue barriers, and has
// slept before, so that its ringers know.
func (b *Bell) AsksForFences() {
	b.own, b.fresh = needFence, false
	b.mem.Store32(offState, needFence)
}

// Rung reports whether the bell was rung since it was announced, so that a
// sleep would end.
func (b *Bell) Rung() bool { return b.mem.Load32(offSeq) != b.seq }

// Impatient has ringers take it back at once that a sleeper spares itself
// barriers.
func Impatient() { inVain = 1 }
