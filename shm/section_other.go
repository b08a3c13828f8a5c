//go:build !linux && !windows

package shm

import (
	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/sigbus"
)

const filePrefix = "ringway."

// backing is what the operating system has of a section. Here it has none, and
// everything returns ErrUnsupported.
type backing struct{ mem []byte }

// entryLock is one holder's hold of an entry.
type entryLock struct{}

func cleanDir(dir string) (string, error) { return dir, nil }

func createBacking(dir, name string, o *Options, total int64, fill func([]byte)) (*backing, error) {
	return nil, errs.Unsupported
}

func openBacking(dir, name string, o *OpenOptions) (*backing, Descriptor, error) {
	return nil, Descriptor{}, errs.Unsupported
}

func removeName(dir, name string) error { return errs.Unsupported }

func peek(dir, name string) ([]byte, int64, error) { return nil, 0, errs.Unsupported }

func listNames(dir string) ([]string, error) { return nil, errs.Unsupported }

func listSections(dir string) ([]Info, error) { return nil, errs.Unsupported }

func (b *backing) close() error                            { return errs.Unsupported }
func (b *backing) guard() *sigbus.Guard                    { return nil }
func (b *backing) unchanged(dir, name string) bool         { return false }
func (b *backing) sameName(dir, name string) (bool, error) { return false, errs.Unsupported }

func (b *backing) lockEntry(dir, name string, slot int, succeed bool) (*entryLock, error) {
	return nil, errs.Unsupported
}

func (b *backing) entryHeld(slot int) (bool, error) { return false, errs.Unsupported }

func (l *entryLock) release() error { return errs.Unsupported }

func processStart() uint64 { return 0 }
