package ringway

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/ringway/ringway/fallback"
	"github.com/ringway/ringway/internal/errs"
	"github.com/ringway/ringway/sync"
)

// WaitStrategy is how a call waits for the other side.
type WaitStrategy = sync.Strategy

// The wait strategies.
const (
	// Adaptive spins for about as long as a wake-up costs, which it learns,
	// then sleeps until it is woken; where messages are too seldom for spinning
	// to pay, it sleeps at once, and as Poll does. It is the default.
	Adaptive = sync.Adaptive
	// BusySpin never sleeps and never gives its processor away: the lowest
	// latency, for those who own a core.
	BusySpin = sync.BusySpin
	// Yield never sleeps but lets other goroutines run between two looks.
	Yield = sync.Yield
	// Park sleeps at once, and spends no processor time on waiting. Each
	// sleeper takes a thread of the system.
	Park = sync.Park
	// Poll sleeps at once, as network connections do: thousands of sleepers
	// take a handful of threads, a descriptor each on Linux, and somewhat
	// longer to wake. Each goroutine that sleeps has a stack of 4 KiB; with a
	// Selector thousands of receivers need one.
	Poll = sync.PollFD
)

// DefaultCapacity is the capacity in bytes of a ring created without the
// option Capacity.
const DefaultCapacity = 1 << 20

// DefaultCellSize and DefaultParticipants are those of an MPMC ring created
// without the options.
const (
	DefaultCellSize     = 64
	DefaultParticipants = 128
)

// Option changes how a ring is created or opened. Each says for which of the
// two it counts.
type Option func(*options)

type options struct {
	capacity   int64
	dir        string
	prefault   bool
	hugePages  bool
	lockMemory bool
	checksums  bool
	wait       WaitStrategy
	link       fallback.Options // of a connection
	reconnect  bool
	within     time.Duration

	cellSize     int // 0: not said
	participants int // 0: not said
	skipStalled  bool

	lossless   bool
	readOnly   bool
	evictAfter time.Duration

	events *slog.Logger
	sample int
	timed  *timings // of a connection; nil: it makes its own

	bad error // what an option was given that can't be
}

// applied returns what the options come to, beginning with o. The error
// matches ErrBadArgument.
func (o options) applied(opts []Option) (options, error) {
	for i, f := range opts {
		if f == nil {
			return o, &errs.Error{Op: "options", Err: ErrBadArgument, Detail: fmt.Sprintf("number %d is nil", i)}
		}
		f(&o)
	}
	if o.bad == nil && !o.wait.Known() {
		o.bad = &errs.Error{Op: "options", Err: ErrBadArgument, Detail: "there is no wait strategy " + o.wait.String()}
	}
	return o, o.bad
}

// ringOptions are those of a ring.
func ringOptions(opts []Option) (options, error) {
	return options{capacity: DefaultCapacity}.applied(opts)
}

// fit says which of the options of a new ring don't go with its kind, and fills
// in what was not said.
func (o *options) fit(kind Kind) error {
	what := ""
	switch {
	case kind != MPMC && o.cellSize != 0:
		what = "CellSize"
	case kind == SPSC && o.participants != 0:
		what = "Participants"
	}
	if what != "" {
		return &errs.Error{Op: "create", Err: ErrBadArgument, Detail: fmt.Sprintf("%s is not for a ring of kind %v", what, kind)}
	}
	if o.cellSize == 0 {
		o.cellSize = DefaultCellSize
	}
	if o.participants == 0 {
		o.participants = DefaultParticipants
	}
	return nil
}

// Capacity sets how many bytes of frames a new ring holds: a power of two of
// at least 4096. A message takes 8 bytes beside its own, rounded up to a
// multiple of 8, and at most half the ring. For CreateRing.
func Capacity(bytes int) Option { return func(o *options) { o.capacity = int64(bytes) } }

// Dir places the section in a directory, as a file, instead of the system's
// place for shared memory (/dev/shm on Linux, the page file on Windows). All
// who use the ring must give the same directory.
func Dir(path string) Option { return func(o *options) { o.dir = path } }

// Prefault has all pages of the section mapped at once, so that none is mapped
// on first use, in the middle of the traffic.
func Prefault() Option { return func(o *options) { o.prefault = true } }

// LockMemory keeps the section in RAM, so that no access to it ever waits for
// a disk. Systems limit how much a process may lock: the error of CreateRing and
// OpenRing says how much that is, and matches no error of this package but that
// of the system. Other memory of the process isn't locked.
func LockMemory() Option { return func(o *options) { o.lockMemory = true } }

// Realtime pins the goroutine that receives or sends to a processor, and gives
// it a place before others: see its method Enter.
type Realtime = sync.Realtime

// HugePages asks for huge pages; it is an error matching ErrUnsupported where
// the system doesn't give them for shared memory.
func HugePages() Option { return func(o *options) { o.hugePages = true } }

// Checksums has every message carry an xxhash64 of its payload, which the
// receiver verifies. For CreateRing; who opens the ring follows.
func Checksums() Option { return func(o *options) { o.checksums = true } }

// Wait sets how the producers and consumers made from the ring in this process
// wait.
func Wait(s WaitStrategy) Option { return func(o *options) { o.wait = s } }

// CellSize sets the unit in bytes in which messages take room in a new MPMC
// ring, a power of two from 16 to 4096. A message and its 8-byte header take as
// many cells as they need. For CreateRing; with another kind of ring it is
// refused, as an error matching ErrBadArgument.
func CellSize(bytes int) Option {
	return func(o *options) { o.cellSize = o.positive("CellSize", bytes) }
}

// Participants sets how many producers and consumers together a new MPMC ring
// can have at a time, from 1 to 4095. In a new broadcast ring it is the publisher
// and the subscribers that a lossless one waits for; of others, and of a lossy
// one's subscribers, there can be more. For CreateRing. With an SPSC ring it is
// refused.
func Participants(n int) Option {
	return func(o *options) { o.participants = o.positive("Participants", n) }
}

// positive returns n, and takes note if it isn't.
func (o *options) positive(what string, n int) int {
	if n <= 0 && o.bad == nil {
		o.bad = &errs.Error{Op: "options", Err: ErrBadArgument, Detail: fmt.Sprintf("%s of %d", what, n)}
	}
	return n
}

// SkipStalled has the consumers of an MPMC ring go past messages that were
// begun and not yet committed, by a process that is stopped for example, to
// those behind. Each producer's messages stay in order, but not those of
// different producers.
func SkipStalled() Option { return func(o *options) { o.skipStalled = true } }

// SampleLatency has one of so many messages of a new ring timed on its way, for
// people and programs that watch: from being sent to being handed out, and how
// long it takes to be awake from being woken. Which ones is told by a hash of
// where they stand, of a batch sent to an MPMC ring only the first can be one of
// them, and 1 means all. Each consumer or subscriber counts for itself, in the
// section, and its successor counts on: see package inspect, and the histograms of
// package metrics. A timed message costs each side a look at the clock; the others
// go the way that those with checksums go, which takes some nanoseconds more than
// without the option. It takes 2 KiB for each place for participants, and 4 KiB.
//
// Given to Listen, it does the same for the messages of connections over shared
// memory, on both sides; each side counts what it receives: see Conn.Latencies. It
// takes 16 KiB for a connection.
//
// For CreateRing and Listen; who opens the ring, or dials, follows.
func SampleLatency(oneOf int) Option { return func(o *options) { o.sample = oneOf } }

// Lossless has the publisher of a new broadcast ring wait for its slowest
// subscriber, as long as that lives. Without it the publisher waits for nobody, and
// who is too slow misses messages. For CreateRing.
func Lossless() Option { return func(o *options) { o.lossless = true } }

// EvictAfter has the publisher of a lossless broadcast ring go on without a
// living subscriber that it has waited for that long. The subscriber learns what
// it missed, if it missed anything, and from then on is waited for again. Without
// it, or with 0, the publisher waits as long as the subscriber lives.
func EvictAfter(d time.Duration) Option { return func(o *options) { o.evictAfter = d } }

// ReadOnly maps a broadcast ring without the right to write: what subscribes
// through it can't change anything for anybody. Nobody waits for it, also in a
// lossless ring, and nobody can wake it: instead of sleeping until it is rung for
// it naps, for up to a millisecond at a time. Reading may take longer than
// through a mapping that can be written; in virtual machines twice as long was
// seen. For OpenRing.
func ReadOnly() Option { return func(o *options) { o.readOnly = true } }
