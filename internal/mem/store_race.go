//go:build race

package mem

import "sync/atomic"

const raceEnabled = true

// StoreRelease stores v in a word of this process with the order of
// [Region.StoreRelease64]. It is the atomic store, which the race detector
// understands as the hand-over that the plain one is.
func StoreRelease(p *uint64, v uint64) { atomic.StoreUint64(p, v) }
