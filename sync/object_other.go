//go:build !linux && !windows

package sync

import (
	"time"

	"github.com/ringway/ringway/internal/errs"
)

// osObject is an event or a semaphore; here there are none.
type osObject struct{}

func (osObject) create(string, string, traits) error { return unsupported() }
func (osObject) open(string, string, *traits) error  { return unsupported() }
func (osObject) close() error                        { return nil }
func (osObject) add(traits, uint32) error            { return unsupported() }
func (osObject) reset() error                        { return unsupported() }
func (osObject) try(traits) (bool, error)            { return false, unsupported() }
func removeObject(string, string) error              { return unsupported() }

func unsupported() error {
	return &errs.Error{Op: "open event", Err: errs.Unsupported, Detail: "events and semaphores are implemented on Linux and Windows"}
}

type osWait struct{}

func (osWait) open() error                                 { return nil }
func (osWait) wake()                                       {}
func (osWait) announce([]*object)                          {}
func (osWait) sleep([]*object, time.Duration) (int, error) { return -1, nil }
func (osWait) retract([]*object, bool)                     {}
