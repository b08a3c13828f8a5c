package feed

import (
	"errors"
	"fmt"
	"strings"
)

// ErrFormat is what an [Error] unwraps to when a file's format cannot be told
// or is not one this package reads, when its header or a record contradicts the
// format, and when [Options] do not fit the format. [ParseFormat] returns it for
// a name that is no format's.
var ErrFormat = errors.New("unknown or malformed format")

// ErrTorn is what an [Error] unwraps to when the file, or the samples in a WAV
// file, end in the middle of the last record. Only [Feed.Records] and [Feed.Count] return it, after every whole
// record; a file that ends inside its header is [ErrFormat].
var ErrTorn = errors.New("torn record")

// Error says what is wrong with a file, and where.
type Error struct {
	Name   string // the file, as given to Open, NewFeed or Detect
	Format Format // how it was read; empty when that could not be told
	// Offset, in bytes from the start of the file, is where the record or field
	// at fault starts: for a record, the first byte of it or of the length before
	// it. It is -1 when no place in the file is at fault.
	Offset int64
	// Need and Have count the bytes from Offset on that should be there and that
	// are there. Need is 0 when the fault is not one of size.
	Need, Have int64
	Msg        string // what was found there
	Err        error  // ErrFormat or ErrTorn
}

// Error names the file, the place, the fault and the sizes.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("feed: " + e.Name)
	if e.Format != "" {
		fmt.Fprintf(&b, " (%s)", e.Format)
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&b, " at offset %d", e.Offset)
	}
	fmt.Fprintf(&b, ": %v: %s", e.Err, e.Msg)
	if e.Need > 0 {
		fmt.Fprintf(&b, ": needs %d bytes, has %d", e.Need, e.Have)
	}
	return b.String()
}

// Unwrap returns e.Err, so that errors.Is finds ErrFormat or ErrTorn.
func (e *Error) Unwrap() error { return e.Err }

// unfit reports options, or a whole file, that cannot be read as f.format.
func (f *Feed) unfit(msg string, args ...any) error {
	return f.malformed(-1, msg, args...)
}

// malformed reports bytes at off that contradict the format.
func (f *Feed) malformed(off int64, msg string, args ...any) error {
	return &Error{Name: f.name, Format: f.format, Offset: off, Msg: fmt.Sprintf(msg, args...), Err: ErrFormat}
}

// short reports a header field at off that the file is too short for.
func (f *Feed) short(off, need int64, what string) error {
	return &Error{
		Name: f.name, Format: f.format, Offset: off, Need: need, Have: int64(len(f.data)) - off,
		Msg: "the file ends inside " + what, Err: ErrFormat,
	}
}

// torn reports a record at off that has fewer bytes than it needs.
func (f *Feed) torn(off, need, have int64, what string) error {
	return &Error{
		Name: f.name, Format: f.format, Offset: off, Need: need, Have: have,
		Msg: "the data ends inside " + what, Err: ErrTorn,
	}
}
