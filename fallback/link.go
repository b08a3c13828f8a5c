package fallback

import (
	"context"

	"github.com/ringway/ringway/ring"
)

// Link is an established connection that is not a ring: frames go both ways. One
// goroutine at a time may send, and one may receive, at the same time; Close may
// be called by any goroutine and ends calls that wait.
type Link interface {
	// Send sends one message, waiting for room until ctx ends. It copies, and
	// keeps nothing of payload. When it returns an error nothing was sent; once
	// the first byte of a message is on its way the whole of it is, Send returns
	// nil even if ctx has ended, and the next one waits for the rest. Errors:
	// that of ctx, ErrTooLarge, ErrPeerDead, ErrClosed, and those of the system.
	Send(ctx context.Context, typ uint16, payload []byte) error

	// SendCorrelated is Send for a message that carries a number, which tells
	// what it belongs to.
	SendCorrelated(ctx context.Context, typ uint16, id uint64, payload []byte) error

	// Recv returns the next message, waiting for it until ctx ends. The payload
	// is the link's own buffer, valid until the next Recv. A correlated
	// message's payload begins with its number, eight bytes. Errors: io.EOF
	// behind the last message of a peer that said that it was, ErrPeerDead,
	// ErrCorrupt, ErrClosed, that of ctx; for datagrams ErrLost.
	Recv(ctx context.Context) (ring.Message, error)

	// CloseSend says that no message will follow. Receiving goes on. It belongs
	// to the goroutine that sends.
	CloseSend() error

	// Close ends the link, and tells the other side. A second Close returns
	// ErrClosed.
	Close() error

	Transport() Transport
	Peer() Identity

	// MaxMessage returns the largest payload in bytes.
	MaxMessage() int
}

// Resumable is a Link that knows what was lost with it, so that another one can
// take its place. Those of streams are; any goroutine may call its methods.
type Resumable interface {
	Link

	// Ended reports whether the other side has said that no message follows,
	// and whether it has left: closed the connection, or died. It learns of that
	// by receiving and sending.
	Ended() (said, gone bool)

	// Cut keeps anything more from being sent: a Send that waits, and all that
	// follow, fail with ErrPeerDead. Receiving goes on.
	Cut()

	// Unacknowledged returns copies of the messages that were sent and that the
	// other side has not said to have released, the oldest first, and how many
	// older ones there were of which no copies are kept any more (8 MiB are). The
	// error matches ErrUnsupported if Options.Acknowledge was not set.
	Unacknowledged() (all []ring.Message, forgotten uint64, err error)
}
