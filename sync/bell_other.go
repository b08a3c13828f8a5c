//go:build !linux && !windows

package sync

import (
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
)

// osBell has nothing to sleep on between processes here.
type osBell struct{}

func (osBell) open(string) error {
	return &errs.Error{Op: "open bell", Err: errs.Unsupported, Detail: "sleeping on shared memory is implemented on Linux and Windows"}
}
func (osBell) close() error                            { return nil }
func (osBell) sleep(mem.Region, uint32, time.Duration) {}
func (osBell) wake(mem.Region, uint32)                 {}
