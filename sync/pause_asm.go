//go:build amd64 || arm64

package sync

// pause tells the processor n times that this is a spin loop. n must not be
// zero and should be small: the loop can't be preempted.
//
//go:noescape
func pause(n uint32)
