package ringway

import (
	"time"

	"github.com/ringway/ringway/fallback"
)

// Transport is a road that messages take; see package fallback for what each
// is.
type Transport = fallback.Transport

// The transports.
const (
	SharedMemory = fallback.SHM
	Unix         = fallback.Unix
	Pipe         = fallback.Pipe
	TCP          = fallback.TCP
	Bridge       = fallback.Bridge
	FIFO         = fallback.FIFO
	Child        = fallback.Child
	UDP          = fallback.UDP
	Mailslot     = fallback.Mailslot
)

// PeerIdentity is who is on the other side of a connection, as the system says.
type PeerIdentity = fallback.Identity

// Transports sets which transports may be used, and in Dial the order of
// preference; without it all that the address has, the fastest first, but
// neither UDP nor the bridge to Wine. Nothing else is used then: a connection
// that could only be had over something else isn't made. For Listen and Dial.
func Transports(list ...Transport) Option {
	return func(o *options) { o.link.Transports = append([]Transport{}, list...) }
}

// MaxMessage sets the largest message in bytes that this side takes where there
// is no ring (which has its own limit, by its capacity); 16 MiB without it. For
// Listen and Dial.
func MaxMessage(bytes int) Option { return func(o *options) { o.link.MaxMessage = bytes } }

// HandshakeTimeout limits how long two sides negotiate; 5 s without it. For
// Listen and Dial.
func HandshakeTimeout(d time.Duration) Option { return func(o *options) { o.link.Timeout = d } }

// Users are other users, by their numbers, who may connect, or may be connected
// to. For Listen and Dial, on Linux.
func Users(uids ...int) Option { return func(o *options) { o.link.Users = uids } }

// TakeOver has Listen take the name over from a listener that has it, as the
// new version of a program does from the old one. The old one's Accept returns
// ErrClosed; connections that it has accepted stay with it. For Listen.
func TakeOver() Option { return func(o *options) { o.link.TakeOver = true } }

// Refused has f called, by several goroutines, for each connection that was
// refused, with the reason. For Listen.
func Refused(f func(PeerIdentity, error)) Option {
	return func(o *options) { o.link.Refused = f }
}

// linkOptions are those of a connection.
func linkOptions(opts []Option) (options, fallback.Options, error) {
	o, err := options{capacity: fallback.DefaultCapacity}.applied(opts)
	l := o.link
	l.Capacity, l.Checksums, l.Dir, l.Prefault, l.Poll = int(o.capacity), o.checksums, o.dir, o.prefault, o.wait == Poll || o.wait == Adaptive
	l.SampleEvery = o.sample
	return o, l, err
}

// AllTransports returns all transports, the fastest first.
func AllTransports() []Transport { return fallback.Transports() }
