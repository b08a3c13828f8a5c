package ring

import "github.com/ringway/ringway/internal/mem"

// Counter is one of the numbers that a participant keeps about itself, for
// people and programs that watch. They stand in the second line of its entry in
// the section's table of participants, one u64 each, little endian:
//
//	       +0        +8       +16       +24       +32       +40       +48       +56
//	     ┌─────────┬─────────┬─────────┬─────────┬─────────┬─────────┬─────────┬─────────┐
//	 +0  │ sent    │ sent    │ full    │ received│ received│ empty   │ sleeps  │ wakes   │
//	     │ messages│ bytes   │ waits   │ messages│ bytes   │ waits   │         │         │
//	     ├─────────┼─────────┼─────────┼─────────┼─────────┼─────────┼─────────┼─────────┤
//	+64  │ recove- │ re-     │ aban-   │ missed  │ checksum│ corrup- │ evic-   │ place   │
//	     │ ries    │ livered │ doned   │ messages│ failures│ tions   │ tions   │         │
//	     └─────────┴─────────┴─────────┴─────────┴─────────┴─────────┴─────────┴─────────┘
//
// The holder of the entry alone writes them, with plain stores, and nothing
// that it does depends on them. The next holder counts on from where it finds
// them: a counter belongs to the entry, not to its holder, and never falls
// unless it wraps at 2⁶⁴ or somebody forges it. The sum over all entries is the
// ring's. What was counted before its holder was killed stays counted; a
// message and its count are two stores, so a death can leave one uncounted.
//
// The last word says where a subscriber of a broadcast ring is; it is 0 in the
// entries of others:
//
//	 63                                                                    1   0
//	┌────────────────────────────────────────────────────────────────────────┬───┐
//	│ number of its next message − messages received − messages missed       │ 1 │
//	└────────────────────────────────────────────────────────────────────────┴───┘
//
// So its place moves along with the two counters, and no message costs a store
// more. It is stored anew when the subscriber attaches and after each error, when
// something else than these two may have moved it.
type Counter uint8

// The counters.
const (
	SentMessages     Counter = iota // committed by this producer
	SentBytes                       // their payload
	FullWaits                       // calls that had to wait for room
	ReceivedMessages                // handed out to this consumer
	ReceivedBytes                   // their payload
	EmptyWaits                      // calls that had to wait for a message
	Sleeps                          // times that a waiting call went to sleep
	Wakes                           // sleepers that this participant woke, by system call
	Recoveries                      // dead participants whose work it took over, or gave back
	Redelivered                     // taken frames that it gave back to be received again: a dead consumer's, or its own
	Abandoned                       // claims of dead producers that it turned into padding
	MissedMessages                  // overwritten before this subscriber had read them
	ChecksumFailures                // times that a payload was not what its checksum says
	Corruptions                     // calls that found something else in the ring that can't be true
	Evictions                       // living subscribers that this publisher went on without
	NumCounters
)

var counterNames = [NumCounters]string{
	SentMessages:     "sent_messages",
	SentBytes:        "sent_bytes",
	FullWaits:        "full_waits",
	ReceivedMessages: "received_messages",
	ReceivedBytes:    "received_bytes",
	EmptyWaits:       "empty_waits",
	Sleeps:           "sleeps",
	Wakes:            "wakes",
	Recoveries:       "recoveries",
	Redelivered:      "redelivered_frames",
	Abandoned:        "abandoned_claims",
	MissedMessages:   "missed_messages",
	ChecksumFailures: "checksum_failures",
	Corruptions:      "corruptions",
	Evictions:        "evictions",
}

// String returns the counter's name in small letters and underscores.
func (c Counter) String() string {
	if c < NumCounters {
		return counterNames[c]
	}
	return "unknown"
}

// CountersSize is the size in bytes of a participant's counters.
const CountersSize = mem.Line

// Counters are those of one entry. The holder of the entry uses them from one
// goroutine at a time; others only load. They are valid as long as the memory
// is mapped, and the zero Counters never are.
type Counters struct{ line mem.Region }

// CountersOf makes counters of an entry's second line, which must be
// CountersSize bytes long and start at a multiple of 8.
func CountersOf(line []byte) Counters { return Counters{mem.Of(line).Slice(0, CountersSize)} }

// Add counts n more. It neither allocates nor enters the kernel: one plain
// store to a line that nobody else writes.
func (c Counters) Add(k Counter, n uint64) {
	off := 8 * uint64(k)
	// The load can only miss our own store if somebody forges the word. The
	// store hands nothing over; it is one piece, so that nobody sees half a
	// number.
	c.line.StoreRelease64(off, c.line.Load64(off)+n)
}

// Sent counts messages that were committed.
func (c Counters) Sent(messages, bytes uint64) {
	c.Add(SentMessages, messages)
	c.Add(SentBytes, bytes)
}

// Received counts messages that were handed out.
func (c Counters) Received(messages, bytes uint64) {
	c.Add(ReceivedMessages, messages)
	c.Add(ReceivedBytes, bytes)
}

// SetPlace says that the number of this subscriber's next message is next, and
// one more with each message that it counts as received or missed from now on.
func (c Counters) SetPlace(next uint64) {
	c.line.StoreRelease64(8*uint64(NumCounters), (next-c.Load(ReceivedMessages)-c.Load(MissedMessages))<<1|1) // as in Add
}

// Place returns the number of a subscriber's next message, and whether it has
// said so. Any process may ask.
func (c Counters) Place() (next uint64, ok bool) {
	w := c.line.Load64(8 * uint64(NumCounters))
	return (w>>1 + c.Load(ReceivedMessages) + c.Load(MissedMessages)) & (1<<63 - 1), w&1 != 0
}

// Load returns a counter. Any process may ask.
func (c Counters) Load(k Counter) uint64 { return c.line.Load64(8 * uint64(k)) }

// Totals are the counters of an entry, or of several together, at one moment.
type Totals [NumCounters]uint64

// AddTo adds all counters to t, one by one: each is exact, but they are not of
// the very same moment.
func (c Counters) AddTo(t *Totals) {
	for k := range NumCounters {
		t[k] += c.Load(k)
	}
}
