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

func corrupt(op, format string, a ...any) error {
	return &errs.Error{Op: op, Detail: fmt.Sprintf(format, a...), Err: ErrCorrupt}
}
