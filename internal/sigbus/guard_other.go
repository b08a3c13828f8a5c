//go:build !(linux && (amd64 || arm64))

package sigbus

import (
	"runtime"

	"github.com/ringway/ringway/internal/errs"
)

// Supported tells whether Protect can work on this system.
const Supported = false

// A Guard is never returned on this system. A nil Guard never faults.
type Guard struct{}

// Protect returns an error that is errs.Unsupported on this system.
func Protect(base, size uintptr) (*Guard, error) {
	return nil, &errs.Error{
		Op:     "protect memory",
		Detail: "a truncated section crashes the program on " + runtime.GOOS + "/" + runtime.GOARCH,
		Err:    errs.Unsupported,
	}
}

// Faulted returns false.
func (g *Guard) Faulted() bool { return false }

// Addr returns zero.
func (g *Guard) Addr() uintptr { return 0 }

// Release does nothing.
func (g *Guard) Release() {}
