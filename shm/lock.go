package shm

import "github.com/ringway/ringway/internal/errs"

// Lock keeps the section's memory in RAM until Close: all its pages are mapped
// now, and none is ever written out to swap. It enters the kernel, and takes time
// in proportion to the section's size. It returns ErrClosed, ErrUnsupported, and
// those of the operating system, which limits how much a process may lock: the
// error says how much that is and what raises it.
func (s *Section) Lock() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	const op = "lock memory"
	if s.b == nil {
		return named(op, s.name, errs.Closed)
	}
	return named(op, s.name, s.b.lock())
}
