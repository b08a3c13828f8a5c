package fallback

import (
	"fmt"

	"github.com/ringway/ringway/internal/errs"
)

// Errors. They are matched with errors.Is; package ringway documents them.
var (
	// ErrClosed is returned after Close, of whichever goroutine.
	ErrClosed = errs.Closed
	// ErrPeerDead is returned when the other side is gone: by Recv when the
	// connection broke without a word, by Send when nobody will receive.
	ErrPeerDead = errs.PeerDead
	// ErrTooLarge is returned for a message longer than MaxMessage.
	ErrTooLarge = errs.TooLarge
	// ErrCorrupt is returned when what arrived can't be a frame.
	ErrCorrupt = errs.Corrupt
	// ErrInsecure is returned when somebody else sits at an address.
	ErrInsecure = errs.Insecure
	// ErrTransport is returned when the two sides have no transport in common
	// that works; the text says of each why not.
	ErrTransport = errs.Transport
	// ErrVersion is returned when the two sides have no version in common.
	ErrVersion = errs.Version
	// ErrLost is returned by Recv when datagrams are missing; *LostError says
	// how many. The next call goes on behind them.
	ErrLost = errs.Lost
	// ErrBusy is returned when somebody alive has the address.
	ErrBusy = errs.Busy
	// ErrUnsupported is returned when this system doesn't have the transport.
	ErrUnsupported = errs.Unsupported
	// ErrBadArgument is returned for an address or an option that can't be.
	ErrBadArgument = errs.BadArgument
)

// failf makes an error whose operation and name the exported functions add.
func failf(err error, format string, a ...any) error {
	return &errs.Error{Err: err, Detail: fmt.Sprintf(format, a...)}
}

// named completes an error of failf, or wraps one of the system.
func named(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*errs.Error); ok {
		if e.Op == "" {
			e.Op, e.Name = op, name
		}
		return e
	}
	return &errs.Error{Op: op, Name: name, Err: err}
}
