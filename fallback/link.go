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
