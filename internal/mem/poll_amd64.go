package mem

// poll64 looks at *p up to looks times, with so many PAUSE instructions after
// each look, until it is no longer old, and reports whether it is. It can't be
// preempted.
//
//go:noescape
func poll64(p *uint64, old uint64, looks, pauses uint32) bool

// pause executes n PAUSE instructions.
//
//go:noescape
func pause(n uint32)
