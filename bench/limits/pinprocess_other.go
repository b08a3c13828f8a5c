//go:build !linux && !windows

package limits

import (
	"errors"
	"fmt"
	"runtime"
)

// PinProcess is not implemented on this system: it returns an error that
// matches errors.ErrUnsupported.
func PinProcess(cpu int) error {
	return fmt.Errorf("limits: pin to processor %d on %s: %w", cpu, runtime.GOOS, errors.ErrUnsupported)
}
