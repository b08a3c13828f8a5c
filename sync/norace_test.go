//go:build !race

package sync

import "runtime"

// rounds is how many of n rounds to play. On Windows every sleep and wake is a
// call of the kernel, which emulators take their time for.
func rounds(n int) int {
	if runtime.GOOS == "windows" {
		return n / 10
	}
	return n
}
