package fallback

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"slices"
	"sync"

	"github.com/ringway/ringway/ring"
)

// Limits of mailslots and broadcasts.
const (
	// MaxMail is the largest message in bytes that a mailslot takes.
	MaxMail = 60 << 10
	// MaxBroadcast is the largest message in bytes that can be broadcast.
	MaxBroadcast = 400
)

// mailWire are the rules of frames in mailslots and broadcasts: they stand alone.
var mailWire = wire{max: MaxMail}

// MailSlot receives messages that any number of clients of this machine and user
// put in; nothing goes back. A message is never empty on the way, since it has a
// header. Recv and Waiting belong to one goroutine at a time.
type MailSlot struct {
	name  string
	os    osMailSlot
	queue [][]byte // taken in to be counted
	buf   []byte
}

// MailClient puts messages into a mailslot. Send belongs to one goroutine at a
// time.
type MailClient struct {
	name string
	os   osMailClient
	out  []byte
}

// ListenMail makes a mailslot. The error matches ErrBusy when somebody alive has
// the name, ErrInsecure when somebody else has it. Of the options Dir counts.
func ListenMail(name string, o Options) (*MailSlot, error) {
	m := &MailSlot{name: name, buf: make([]byte, maxDatagram)}
	if err := m.os.listen(name, o); err != nil {
		return nil, named("listen", name, err)
	}
	return m, nil
}

// Recv returns the next message, waiting for it until ctx ends. The payload is
// valid until the next call. What is no frame is an ErrCorrupt, and over.
func (m *MailSlot) Recv(ctx context.Context) (ring.Message, error) {
	var b []byte
	if len(m.queue) > 0 {
		b, m.queue = m.queue[0], m.queue[1:]
	} else {
		n, err := m.os.read(ctx, m.buf)
		if err != nil {
			return ring.Message{}, m.failed(ctx, err)
		}
		b = m.buf[:n]
	}
	return mail(b, "receive", m.name)
}

func (m *MailSlot) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, net.ErrClosed) {
		err = ErrClosed
	}
	return named("receive", m.name, err)
}

// mail takes the message out of what came in one piece.
func mail(b []byte, op, name string) (ring.Message, error) {
	f, err := datagram(b, mailWire)
	if err == nil && f.control() {
		err = failf(ErrCorrupt, "a control frame")
	}
	if err != nil {
		return ring.Message{}, named(op, name, err)
	}
	return f.message()
}

// Waiting returns how many messages can be received at once: up to some hundred,
// and then that many. (Wine counts one where there are more.)
func (m *MailSlot) Waiting() (int, error) {
	n, err := m.os.waiting(m)
	return n, named("count", m.name, err)
}

// Close gives the name back. What was not received is lost. A second Close
// returns ErrClosed.
func (m *MailSlot) Close() error { return named("close", m.name, m.os.close()) }

// DialMail opens a mailslot to put messages in. The error matches
// os.ErrNotExist when there is none, ErrInsecure when it is somebody else's.
func DialMail(name string, o Options) (*MailClient, error) {
	c := &MailClient{name: name}
	if err := c.os.dial(name, o); err != nil {
		return nil, named("dial", name, err)
	}
	return c, nil
}

// Send puts a message in, waiting for room until ctx ends (on Windows it can't be
// ended). Errors: ErrTooLarge, ErrPeerDead when nobody has the mailslot any more,
// ErrClosed, and those of the system.
func (c *MailClient) Send(ctx context.Context, typ uint16, payload []byte) error {
	if len(payload) > MaxMail {
		return named("send", c.name, failf(ErrTooLarge, "message of %d bytes, a mailslot takes at most %d", len(payload), MaxMail))
	}
	c.out = appendMail(c.out[:0], typ, payload)
	err := c.os.write(ctx, c.out)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, net.ErrClosed) {
		err = ErrClosed
	}
	return named("send", c.name, err)
}

// Close ends the use of the mailslot.
func (c *MailClient) Close() error { return named("close", c.name, c.os.close()) }

func appendMail(b []byte, typ uint16, payload []byte) []byte {
	h := ring.MakeHeader(uint32(len(payload)), typ, 0)
	return append(append(appendHeader(b, h, nil, 0, 0), payload...), padding(h)...)
}

// A broadcast goes to several addresses at once, which a broadcast address of the
// network may be among; whoever listens there gets it, or doesn't. Each carries
// a random number, so that one that arrives over several roads is received once.

// Broadcast sends a message of at most MaxBroadcast bytes to all addresses
// (host:port), each of them once. It returns the first error, and sends to the
// others even so.
func Broadcast(typ uint16, payload []byte, addrs ...string) error {
	if len(payload) > MaxBroadcast {
		return named("broadcast", "", failf(ErrTooLarge, "message of %d bytes, at most %d can be broadcast", len(payload), MaxBroadcast))
	}
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return named("broadcast", "", err)
	}
	defer c.Close()
	if err := allowBroadcast(c); err != nil {
		return named("broadcast", "", err)
	}
	var id [8]byte
	rand.Read(id[:])
	h := ring.MakeHeader(uint32(len(payload)), typ, ring.FlagCorrelation)
	b := append(append(appendHeader(nil, h, nil, 0, le.Uint64(id[:])), payload...), padding(h)...)
	var first error
	for _, a := range addrs {
		to, err := net.ResolveUDPAddr("udp4", a)
		if err == nil {
			_, err = c.WriteToUDP(b, to)
		}
		if err != nil && first == nil {
			first = named("broadcast", a, err)
		}
	}
	return first
}

// BroadcastListener receives what is broadcast to an address.
type BroadcastListener struct {
	c    *net.UDPConn
	stop canceller
	buf  [1024]byte
	seen [64]uint64
	at   int
	once sync.Once
}

// ListenBroadcast listens at host:port; without a host at all addresses of this
// machine.
func ListenBroadcast(hostport string) (*BroadcastListener, error) {
	at, err := net.ResolveUDPAddr("udp4", hostport)
	if err != nil {
		return nil, named("listen", hostport, err)
	}
	c, err := net.ListenUDP("udp4", at)
	if err != nil {
		return nil, named("listen", hostport, err)
	}
	l := &BroadcastListener{c: c}
	l.stop.set = c.SetReadDeadline
	return l, nil
}

// Addr returns the address, with the port that the system has chosen if it was 0.
func (l *BroadcastListener) Addr() string { return l.c.LocalAddr().String() }

// Recv returns the next message and who sent it, waiting until ctx ends. What is
// no frame, or too large, is passed over. The payload is valid until the next
// call. One goroutine at a time may receive.
func (l *BroadcastListener) Recv(ctx context.Context) (ring.Message, Identity, error) {
	for {
		if err := l.stop.watch(ctx); err != nil {
			return ring.Message{}, nobody, err
		}
		n, from, err := l.c.ReadFromUDPAddrPort(l.buf[:])
		switch {
		case errors.Is(err, net.ErrClosed):
			return ring.Message{}, nobody, named("receive", l.Addr(), ErrClosed)
		case ctx.Err() != nil:
			l.stop.unwatch()
			return ring.Message{}, nobody, ctx.Err()
		case err != nil:
			continue
		}
		f, err := datagram(l.buf[:n], wire{max: MaxBroadcast})
		if err != nil || f.control() || f.h.Flags() != ring.FlagCorrelation {
			continue
		}
		id := f.ext(ring.FlagCorrelation)
		if slices.Contains(l.seen[:], id) {
			continue
		}
		l.seen[l.at%len(l.seen)] = id
		l.at++
		return ring.Message{Payload: f.payload(), Type: f.h.Type()}, Identity{UID: -1, Address: from.String()}, nil
	}
}

// Close ends the listening, and a Recv that waits.
func (l *BroadcastListener) Close() error {
	err := error(ErrClosed)
	l.once.Do(func() { err = l.c.Close() })
	return err
}

var _ io.Closer = (*MailSlot)(nil)
