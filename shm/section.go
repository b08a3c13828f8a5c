package shm

import (
	"crypto/rand"
	"encoding/binary"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/internal/sigbus"
)

// Options says what Create makes.
type Options struct {
	// Kind and Params go into the descriptor as they are, for the body's owner.
	Kind   uint32
	Params [8]uint64

	// Body is the size of the body in bytes, 1..MaxBody.
	Body int64

	// Participants is the number of entries in the table, 1..MaxParticipants.
	Participants int

	// Init formats the body, which is zero, before any other process can see
	// it. It must not keep the slice. It runs on Create's goroutine, once at
	// most; nil leaves the body zero.
	Init func(body []byte)

	// Dir is the directory of a file-backed section. Empty means the system's
	// place for memory: /dev/shm on Linux, the session's (Local\) objects
	// backed by the paging file on Windows.
	Dir string

	// Prefault maps every page before Create returns, so that no later access
	// waits for the kernel.
	Prefault bool

	// HugePages asks for huge pages. Create fails with ErrUnsupported where
	// the system would not give any.
	HugePages bool
}

// OpenOptions says how Open opens.
type OpenOptions struct {
	Dir       string // as in Options
	ReadOnly  bool   // map the section without the right to write; Attach is not possible then
	Prefault  bool   // as in Options
	HugePages bool   // as in Options
}

// Section is a section mapped into this process. Its methods may be called by
// any goroutine at any time. A Section that is no longer needed must be
// closed: nothing else gives its memory and descriptors back.
type Section struct {
	name, dir string
	readOnly  bool
	desc      Descriptor // private copy; immutable

	guard *Guard // immutable

	mu sync.RWMutex // held (R) while the mapping is used, (W) while it or attached changes
	b  *backing     // nil once closed

	attached []*Participant // one, nearly always
}

// Create makes a new section under name and opens it. It becomes visible to
// other processes complete and at once, or not at all: a creator that is
// killed half-way leaves nothing behind that the next Create would notice.
// Every page is allocated, so that a full disk or memory is an error here and
// not a fault later. Its mode is 0600.
//
// Create enters the kernel, allocates, and takes time in proportion to the
// section's size. Errors: ErrBadName, ErrBadArgument, ErrExist, ErrNoSpace,
// ErrInsecure (the file system does not keep modes or owners), ErrUnsupported,
// and those of the operating system.
func Create(name string, o Options) (*Section, error) {
	const op = "create"
	if err := CheckName(name); err != nil {
		return nil, named(op, name, err)
	}
	d, err := describe(&o)
	if err != nil {
		return nil, named(op, name, err)
	}
	dir, err := cleanDir(o.Dir)
	if err != nil {
		return nil, named(op, name, err)
	}
	b, err := createBacking(dir, name, &o, d.Total, func(m []byte) { publishInto(m, &d, o.Init) })
	if err != nil {
		return nil, named(op, name, err)
	}
	return &Section{name: name, dir: dir, desc: d, b: b, guard: b.guard()}, nil
}

// describe checks o and makes the descriptor of a new section.
func describe(o *Options) (Descriptor, error) {
	d := Descriptor{Version: LayoutVersion, Kind: o.Kind, Params: o.Params, CreatorPID: os.Getpid()}
	if o.Participants < 1 || o.Participants > MaxParticipants {
		return d, failf(errs.BadArgument, "%d participants, not 1 to %d", o.Participants, MaxParticipants)
	}
	if o.Body < 1 || o.Body > MaxBody {
		return d, failf(errs.BadArgument, "a body of %d bytes, not 1 to %d", o.Body, MaxBody)
	}
	d.layOut(o.Participants, o.Body)
	if d.Total > math.MaxInt {
		return d, failf(errs.BadArgument, "a section of %d bytes does not fit into this program's address space", d.Total)
	}
	rand.Read(d.Region[:])
	d.Created = time.Unix(0, time.Now().UnixNano())
	return d, nil
}

// publishInto fills m, the whole zeroed section. The magic comes last, with a
// release store: who finds it (with acquire, or by a system call) finds
// everything else complete.
func publishInto(m []byte, d *Descriptor, init func([]byte)) {
	step("body")
	if init != nil {
		init(m[d.BodyOffset : d.BodyOffset+d.BodySize : d.BodyOffset+d.BodySize])
	}
	page := d.encode()
	copy(m[offMagic+8:PageSize], page[offMagic+8:])
	step("descriptor")
	mem.Of(m[:8]).StoreRelease64(offMagic, binary.NativeEndian.Uint64(page[offMagic:]))
	step("magic")
}

// Open opens the section that has the name. It touches nothing and does not
// wait (on Windows it may, for a creator, for a second at most), whatever it
// finds there: links are not followed, and only a regular file of the same
// effective user with no rights for others is read at all.
// The descriptor is copied and validated; the body is not looked at.
//
// Open enters the kernel and allocates. Errors: ErrBadName, ErrNotExist,
// ErrInsecure, ErrNotRingway, ErrVersion, ErrCorrupt, ErrNoSpace (prefaulting
// only), ErrUnsupported, and those of the operating system.
func Open(name string, o OpenOptions) (*Section, error) {
	const op = "open"
	if err := CheckName(name); err != nil {
		return nil, named(op, name, err)
	}
	dir, err := cleanDir(o.Dir)
	if err != nil {
		return nil, named(op, name, err)
	}
	b, d, err := openBacking(dir, name, &o)
	if err != nil {
		return nil, named(op, name, err)
	}
	return &Section{name: name, dir: dir, desc: d, b: b, guard: b.guard(), readOnly: o.ReadOnly}, nil
}

// Name returns the name under which the section was created or opened. It
// works after Close, too, and does not allocate.
func (s *Section) Name() string { return s.name }

// Descriptor returns the copy of the descriptor that was validated when the
// section was opened. It works after Close, too, and does not allocate.
func (s *Section) Descriptor() Descriptor { return s.desc }

// ReadOnly reports whether the section was opened read-only: writing to Body
// or Table then ends the program. It does not allocate.
func (s *Section) ReadOnly() bool { return s.readOnly }

// Body returns the body itself, Descriptor().BodySize bytes of shared memory
// that start at a page. The slice belongs to the section and is valid until
// Close; an access after that ends the program. After Close, Body returns nil.
// It neither allocates nor enters the kernel.
func (s *Section) Body() []byte {
	return s.part(s.desc.BodyOffset, s.desc.BodySize)
}

// Table returns the participants table itself, EntrySize bytes for each
// participant, for the counters in the entries' second lines. The first lines
// are for Attach, Detach and Peer only. The slice is valid as Body's is.
func (s *Section) Table() []byte {
	return s.part(s.desc.TableOffset, int64(s.desc.Participants)*EntrySize)
}

func (s *Section) part(off, n int64) []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.b == nil {
		return nil
	}
	return s.b.mem[off : off+n : off+n]
}

// SameName reports whether the section's name still leads to this section. It
// does not when the section was removed, by a program or by the system (systemd
// removes a user's shared memory at logout, see RemoveIPC in logind.conf), and
// perhaps created anew: whoever is attached goes on undisturbed, but whoever
// opens the name now gets another generation, with another Descriptor().Region,
// and the two never meet. A process that waits for a peer that does not come
// should ask, and open the name again.
//
// SameName enters the kernel. It returns ErrClosed after Close.
func (s *Section) SameName() (bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.b == nil {
		return false, named("check", s.name, errs.Closed)
	}
	same, err := s.b.sameName(s.dir, s.name)
	return same, named("check", s.name, err)
}

// Guard tells whether the memory of a section was taken away.
type Guard = sigbus.Guard

// Guard returns what tells, at the price of two loads, whether an access of
// this process found the section's memory gone, because somebody truncated its
// file: then what was read from the section since means nothing, what was
// written is lost, and it is to be closed. The guard's answer stays after Close.
// It is nil, which never says so, where no guard is to be had: on Windows a
// mapped file can't be truncated, and package sigbus names the systems where a
// truncated section ends the process, as it does any Go program.
func (s *Section) Guard() *Guard { return s.guard }

// Close detaches the participants that this Section attached, unmaps the
// section and closes its descriptors. Slices of it must not be used any more.
// The section itself stays, for others and under its name, until Remove. Close
// enters the kernel; a second Close returns ErrClosed.
func (s *Section) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.b == nil {
		return named("close", s.name, errs.Closed)
	}
	var first error
	for _, p := range slices.Clone(s.attached) {
		if err := p.detach(); err != nil && first == nil {
			first = err
		}
	}
	if err := s.b.close(); err != nil && first == nil {
		first = err
	}
	s.b = nil
	return named("close", s.name, first)
}

// touch runs f, which accesses the mapping, and returns ErrFault if its memory
// turns out to be gone. The caller holds s.mu and has seen that s.b is there.
func (s *Section) touch(f func()) (err error) {
	m := s.b.mem
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch r := recover().(type) {
		case nil:
			if s.guard.Faulted() {
				err = errs.Fault
			}
		case interface{ Addr() uintptr }:
			if a := r.Addr() - address(m); a >= uintptr(len(m)) {
				panic(r)
			}
			err = errs.Fault
		default:
			panic(r)
		}
	}()
	f()
	return nil
}
