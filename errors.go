package ringway

import (
	"errors"

	"github.com/ringway/ringway/internal/errs"
)

// Error says what failed (Op), on what (Name), where and how much (Detail),
// around one of the errors below or an error of the system, which errors.Is
// and errors.As find.
type Error = errs.Error

// The errors to test for with errors.Is. Beside them, opening a ring that
// isn't there matches os.ErrNotExist, creating one that is there os.ErrExist,
// and a context that ends gives its own error.
var (
	// ErrClosed is returned when a handle is used after its Close, when Close
	// ended a call that waited, and when a producer attaches to a ring whose
	// end was declared. It matches os.ErrClosed.
	ErrClosed = errs.Closed

	// ErrFull is returned by Try… when a message doesn't fit until the
	// consumer releases more.
	ErrFull = errs.Full

	// ErrEmpty is returned by Try… when no message is there.
	ErrEmpty = errs.Empty

	// ErrLapped is matched by the error of type *Lapped with which a Subscriber
	// learns what it missed.
	ErrLapped = errs.Lapped

	// ErrTooLarge is returned when a message is longer than the ring's
	// MaxMessage.
	ErrTooLarge = errs.TooLarge

	// ErrPeerDead is returned by a call that waits, once for each death, when
	// the system says that the process on the other side has died. Nothing is
	// lost by it: call again to wait for a successor.
	ErrPeerDead = errs.PeerDead

	// ErrBusy is returned when the role of producer or consumer is held by a
	// living process.
	ErrBusy = errs.Busy

	// ErrCorrupt is returned when something in the section can't be true.
	ErrCorrupt = errs.Corrupt

	// ErrFault is returned when the memory behind a ring was taken away:
	// somebody truncated the section's file. What was sent since is lost.
	ErrFault = errs.Fault

	// ErrInsecure is returned when the section at a name could have been
	// planted or be changed by another user: a link, a file of another owner,
	// or one that others may write.
	ErrInsecure = errs.Insecure

	// ErrNotRingway is returned when what is at a name is no section.
	ErrNotRingway = errs.NotRingway

	// ErrVersion is returned when a section has a layout that this version
	// doesn't know.
	ErrVersion = errs.Version

	// ErrNoSpace is returned when the system has no memory for the section.
	ErrNoSpace = errs.NoSpace

	// ErrBadName is returned when a ring can't have that name.
	ErrBadName = errs.BadName

	// ErrBadArgument is returned when an option has a value that can't be.
	ErrBadArgument = errs.BadArgument

	// ErrUnsupported is returned when something isn't to be had on this system.
	ErrUnsupported = errs.Unsupported

	// ErrTransport is returned by Dial when the two sides have no transport in
	// common that works and that both allow; the text says of each why not.
	ErrTransport = errs.Transport

	// ErrLost is returned by a connection's Recv when messages are missing,
	// which happens over UDP only; the text says how many. The next call goes
	// on behind them.
	ErrLost = errs.Lost

	// ErrReconnected is matched by the error of type *Reconnected with which a
	// call on a connection with the option Reconnect learns that the connection
	// was lost, and that there is another one in its place.
	ErrReconnected = errs.Reconnected
)

// named puts the ring's name into an error that doesn't have it yet.
func named(err error, name string) error {
	var e *errs.Error
	if errors.As(err, &e) && e.Name == "" {
		e.Name = name
	}
	return err
}

func isPeerDead(err error) bool { return errors.Is(err, ErrPeerDead) }
