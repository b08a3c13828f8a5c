//go:build !linux

package limits

import (
	"errors"
	"fmt"
	"runtime"
)

// GiveWay is not implemented on this system: it returns an error that matches
// errors.ErrUnsupported.
func GiveWay() error {
	return fmt.Errorf("limits: give way on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
