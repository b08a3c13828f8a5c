//go:build !linux && !windows

package limits

import (
	"errors"
	"fmt"
	"runtime"
)

// Pin is not implemented on this system: it returns an error that matches
// errors.ErrUnsupported.
func Pin(cpu int) error {
	return fmt.Errorf("limits: pin to processor %d on %s: %w", cpu, runtime.GOOS, errors.ErrUnsupported)
}

func allowedCPUs() (list []int) {
	for c := range runtime.NumCPU() {
		list = append(list, c)
	}
	return list
}

func readTopology(int) topology { return topology{-1, -1, -1} }
