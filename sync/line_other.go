//go:build !linux

package sync

import (
	"os"

	"github.com/ringway/ringway/internal/errs"
)

// Line is for systems where what sleepers in the runtime's poller wait for has to
// be a descriptor.
type Line struct{}

// NewLine returns an error that matches errs.Unsupported.
func NewLine(f *os.File) (*Line, error) {
	_ = f.Close()
	return nil, &errs.Error{Op: "open line", Err: errs.Unsupported}
}

// Close does nothing.
func (*Line) Close() error { return nil }

func (*osBell) onLine(*Line) {}
