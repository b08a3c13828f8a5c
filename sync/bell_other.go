//go:build !linux && !windows

package sync

import (
	"os"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
)

// osBell has nothing to sleep on between processes here.
type osBell struct {
	find func(create bool) (*os.File, error)
}

func (osBell) open(string, bool) error                        { return unsupportedBell() }
func (osBell) close() error                                   { return nil }
func (osBell) poll() (uint32, error)                          { return 0, unsupportedBell() }
func (osBell) sleep(mem.Region, uint32, time.Duration)        {}
func (osBell) sleepPolling(mem.Region, uint32, time.Duration) {}
func (osBell) wake(mem.Region, uint32, uint32)                {}
func (osBell) descriptor() int                                { return -1 }
func (osBell) drain()                                         {}

func unsupportedBell() error {
	return &errs.Error{Op: "open bell", Err: errs.Unsupported, Detail: "sleeping on shared memory is implemented on Linux and Windows"}
}

func (*osBell) tend(func()) bool { return false }
