package shm

import (
	"os"

	"github.com/ringway/ringway/internal/errs"
)

// Error is the type of every error that this package returns: what was tried,
// on which section, what went wrong and where. Match its cause with errors.Is
// and one of the values below, or an error of the operating system.
type Error = errs.Error

// The causes.
var (
	// ErrClosed is returned when a Section or Participant is used after
	// Close or Detach, and by the second Close or Detach. It matches
	// os.ErrClosed.
	ErrClosed = errs.Closed

	// ErrExist, which is os.ErrExist, is returned when Create finds the name
	// taken, by whatever it may be.
	ErrExist = os.ErrExist

	// ErrNotExist, which is os.ErrNotExist, is returned when Open or Remove
	// finds nothing under the name, or the directory does not exist.
	ErrNotExist = os.ErrNotExist

	// ErrPermission, which is os.ErrPermission, is returned when Attach is
	// called on a section that was opened read-only.
	ErrPermission = os.ErrPermission

	// ErrBadName is returned when a name is not one that CheckName accepts.
	ErrBadName = errs.BadName

	// ErrBadArgument is returned when an option or a slot number is outside
	// its range.
	ErrBadArgument = errs.BadArgument

	// ErrNoSpace is returned when memory or disk cannot hold the whole
	// section; its text says how much was asked for and how much is free.
	ErrNoSpace = errs.NoSpace

	// ErrInsecure is returned when another user owns a section or has rights
	// to it, when it has more than one name, or when its name is a symbolic
	// link.
	ErrInsecure = errs.Insecure

	// ErrNotRingway is returned when what has the name is not a section at
	// all: a directory, a FIFO, a device, a file of something else.
	ErrNotRingway = errs.NotRingway

	// ErrVersion is returned when a section has a layout that this package
	// does not read.
	ErrVersion = errs.Version

	// ErrCorrupt is returned when a section's descriptor is damaged, or its
	// sizes contradict each other or the file.
	ErrCorrupt = errs.Corrupt

	// ErrBusy is returned when Attach finds the slot held by a living process.
	ErrBusy = errs.Busy

	// ErrFault is returned when the section's memory is gone because somebody
	// truncated its file.
	ErrFault = errs.Fault

	// ErrUnsupported is returned when the system lacks what was asked for.
	ErrUnsupported = errs.Unsupported
)
