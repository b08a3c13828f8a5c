//go:build !amd64 && !race

package mem

import "sync/atomic"

const raceEnabled = false

// StoreRelease stores v in a word of this process with the order of
// [Region.StoreRelease64]. It is the atomic store, which is a release store on
// arm64 (STLR) and fenced elsewhere.
func StoreRelease(p *uint64, v uint64) { atomic.StoreUint64(p, v) }
