//go:build race

package sync

// rounds is how many of n rounds to play. The race detector makes real atomics
// of the plain stores that could be reordered and slows each round down.
func rounds(n int) int { return n / 20 }
