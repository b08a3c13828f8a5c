//go:build !amd64

package mem

import "sync/atomic"

// poll64 looks at *p up to looks times, and lets some time pass after each
// look, until it is no longer old, and reports whether it is.
//
//go:noinline
func poll64(p *uint64, old uint64, looks, pauses uint32) bool {
	for ; looks > 0; looks-- {
		if atomic.LoadUint64(p) != old {
			return true
		}
		for i := pauses * 8; i > 0; i-- {
		}
	}
	return false
}

// pause lets about as much time pass as n PAUSE instructions take.
//
//go:noinline
func pause(n uint32) {
	for i := n * 8; i > 0; i-- {
	}
}
