//go:build !linux

package limits

import (
	"errors"
	"fmt"
	"runtime"
)

func openWire(kind, _ string, _ []byte, _ bool) (Wire, error) {
	return nil, fmt.Errorf("limits: a bare %s on %s: %w", kind, runtime.GOOS, errors.ErrUnsupported)
}
