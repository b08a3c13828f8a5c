//go:build !linux

package shm

import (
	"os"

	"github.com/ringway/ringway/internal/errs"
)

// Doorbell returns ErrUnsupported: this system needs none, or has no sections.
func (s *Section) Doorbell(what string, create bool) (*os.File, error) {
	return nil, named("open doorbell", s.name, errs.Unsupported)
}
