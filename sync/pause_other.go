//go:build !amd64 && !arm64

package sync

// pause lets about as much time pass as the instruction of other architectures.
//
//go:noinline
func pause(n uint32) {
	for i := n * 8; i > 0; i-- {
	}
}
