package shm

import (
	"github.com/ringway/ringway/internal/errs"
)

// Anonymous makes a section without a name, for a process to hand over to
// another one: see TakeFD and FromFD. Its size is sealed: nobody can truncate
// it, so there is nothing to guard against. It is gone when the last process
// has closed it. Options.Dir is ignored. Participants can't attach.
//
// It returns ErrUnsupported where the system can't hand memory over (it can on
// Linux only; on Windows a section with a random name does as well); otherwise
// errors are those of Create.
func Anonymous(o Options) (*Section, error) {
	const op = "create"
	d, err := describe(&o)
	if err != nil {
		return nil, named(op, "", err)
	}
	b, err := createAnonymous(&o, d.Total, func(m []byte) { publishInto(m, &d, o.Init) })
	if err != nil {
		return nil, named(op, "", err)
	}
	return &Section{desc: d, b: b, guard: b.guard()}, nil
}

// FromFD opens the section that another process made with Anonymous and handed
// over as a file descriptor, which belongs to FromFD from now on, whatever it
// returns. It refuses what is not memory, or is not sealed against shrinking and
// growing and further seals (ErrInsecure), and what is smaller than it says
// (ErrCorrupt); otherwise errors are those of Open.
func FromFD(fd int, o OpenOptions) (*Section, error) {
	b, d, err := openAnonymous(fd, &o)
	if err != nil {
		return nil, named("open", "", err)
	}
	return &Section{desc: d, b: b, guard: b.guard(), readOnly: o.ReadOnly}, nil
}

// TakeFD returns the descriptor of an anonymous section, for handing it over,
// and makes it the caller's: to be closed when that is done. The section stays
// mapped without it. A second call returns ErrClosed.
func (s *Section) TakeFD() (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.b == nil {
		return -1, named("hand over", s.name, errs.Closed)
	}
	fd, err := s.b.takeFD()
	return fd, named("hand over", s.name, err)
}
