package fallback

import (
	"math/bits"
	"slices"
	"time"

	"github.com/ringway/ringway/ring"
)

// Defaults of Options.
const (
	// DefaultCapacity is the size in bytes of each of a connection's two rings.
	DefaultCapacity = 256 << 10
	// DefaultMaxMessage is the largest message in bytes on a stream.
	DefaultMaxMessage = 16 << 20
	// DefaultTimeout is how long a handshake may take.
	DefaultTimeout = 5 * time.Second
)

// Options say what a side wants of its connections. The zero value means the
// defaults.
type Options struct {
	// Transports are those that may be used, who dials has them in order of
	// preference. Nil means all that the address has, the fastest first, but
	// neither UDP, mailslots nor Bridge: these are used only if named.
	Transports []Transport

	// Capacity is the size in bytes of each of the two rings, a power of two.
	// The listener decides; what who dials asks for is granted up to it.
	Capacity int

	// MaxMessage is the largest message in bytes that this side takes from a
	// stream. The smaller one of the two sides counts.
	MaxMessage int

	// Checksums has messages carry an xxhash64. It is enough that one side asks.
	Checksums bool

	// SampleEvery has one of so many messages over rings timed; see package
	// ring. The listener decides. 0 is none.
	SampleEvery int

	// Timeout limits a handshake.
	Timeout time.Duration

	// Dir is where names are found instead of the user's own directory. Both
	// sides must give the same. Windows has no use for it, except with Bridge:
	// there, and on Linux, it is the directory of the file that is shared
	// (/dev/shm, which Wine knows as Z:\dev\shm).
	Dir string

	// Users are the ids of other users who may connect, and may be connected
	// to. The directory of the name must let them in.
	Users []int

	// TakeOver has Listen take the name over from a listener that has it, which
	// is told, finishes what it has begun, and ends.
	TakeOver bool

	// Acknowledge has the side that listens say now and then, on a stream, which
	// of the messages of who dials it has released: see Resumable. For Dial.
	Acknowledge bool

	// Poll has the rings get descriptors that can be polled, for waiting without
	// a thread. It is enough that one side asks.
	Poll bool

	// Prefault maps all pages of the rings before the first message.
	Prefault bool

	// Refused, if not nil, is called for each connection that a listener
	// refused, with the reason, by several goroutines.
	Refused func(Identity, error)
}

// filled returns o with the defaults in place, or what can't be.
func (o Options) filled() (Options, error) {
	if o.Capacity == 0 {
		o.Capacity = DefaultCapacity
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = DefaultMaxMessage
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxMessage < 0 || int64(o.MaxMessage) > 1<<31-1-64 {
		return o, failf(ErrBadArgument, "messages of up to %d bytes", o.MaxMessage)
	}
	if o.Timeout < 0 {
		return o, failf(ErrBadArgument, "a handshake of %v", o.Timeout)
	}
	for _, t := range o.Transports {
		if t == 0 || int(t) >= len(transportNames) {
			return o, failf(ErrBadArgument, "%v", t)
		}
	}
	return o, o.geometry(uint64(o.Capacity)).Check()
}

// geometry is that of each ring of a connection.
func (o Options) geometry(capacity uint64) ring.Geometry {
	g := ring.Geometry{Kind: ring.SPSC, Capacity: capacity, Checksum: o.Checksums}
	if o.SampleEvery != 0 {
		g.SampleEvery, g.Histograms = uint64(o.SampleEvery), 1 // there can't be none; each side counts for itself
	}
	return g
}

// grant returns the capacity that a listener with these options gives to who
// asks for so much.
func (o Options) grant(asked uint64) uint64 {
	if asked == 0 || asked >= uint64(o.Capacity) {
		return uint64(o.Capacity)
	}
	return max(ring.MinCapacity, uint64(1)<<bits.Len64(asked-1))
}

// allows reports whether a transport may be used.
func (o Options) allows(t Transport) bool {
	if o.Transports == nil {
		return t != UDP && t != Mailslot && t != Bridge
	}
	return slices.Contains(o.Transports, t)
}

// preference returns which of the transports that an address has to offer, in
// which order.
func (o Options) preference(has []Transport) (list []Transport) {
	if o.Transports == nil {
		for _, t := range has {
			if o.allows(t) {
				list = append(list, t)
			}
		}
		return list
	}
	for _, t := range o.Transports {
		if slices.Contains(has, t) && !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}
