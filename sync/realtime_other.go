//go:build !linux && !windows

package sync

import "github.com/ringway/ringway/internal/errs"

func (rt Realtime) enter() (func() bool, error) {
	return nil, rt.fail(errs.Unsupported, "pinning and priorities are implemented on Linux and Windows")
}
