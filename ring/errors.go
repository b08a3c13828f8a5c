package ring

import (
	"fmt"

	"github.com/ringway/ringway/internal/errs"
)

// Errors of the rings. They are matched with errors.Is; those that carry
// detail are of type *errs.Error, which package ringway exports as Error.
var (
	// ErrFull is returned when a message doesn't fit until the consumer
	// releases more. It carries no detail and costs no allocation.
	ErrFull = errs.Full

	// ErrEmpty is returned when no committed message is there. It carries no
	// detail and costs no allocation.
	ErrEmpty = errs.Empty

	// ErrClosed is returned to a producer that attaches after the ring's end
	// was declared. A consumer that has received everything gets io.EOF.
	ErrClosed = errs.Closed

	// ErrLapped is matched by the error of type *Lapped that a broadcast
	// ring's subscriber gets when messages were overwritten before it read
	// them.
	ErrLapped = errs.Lapped

	// ErrTooLarge is returned when a message is longer than the ring's
	// largest; the text names both.
	ErrTooLarge = errs.TooLarge

	// ErrCorrupt is returned when a word that the other side wrote can't be
	// true; the text names the word and its offset.
	ErrCorrupt = errs.Corrupt

	// ErrBadArgument is returned when a geometry is not one that a ring can
	// have.
	ErrBadArgument = errs.BadArgument
)

// badChecksum is the error for a payload that is not what its frame says. It
// matches ErrCorrupt.
func badChecksum(payload []byte, at, have, want uint64) error {
	return &errs.Error{Op: "receive", Err: errs.Checksum,
		Detail: fmt.Sprintf("message of %d bytes at data offset %d has xxhash64 %016x, its frame says %016x", len(payload), at, have, want)}
}

func corrupt(op, format string, a ...any) error {
	return &errs.Error{Op: op, Detail: fmt.Sprintf(format, a...), Err: ErrCorrupt}
}
