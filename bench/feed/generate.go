package feed

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// GenerateOptions say what [GenerateITCH] writes. The same options give the
// same bytes, always and on every platform.
type GenerateOptions struct {
	// Seed selects one of the feeds that the other options allow; any value will do.
	Seed uint64
	// Messages is the number of messages in all, the zero length at the end not
	// counted; 0 means 1000. There are at least six and two for each symbol.
	Messages int
	// Symbols are traded, the first ones most: at most 65535, each of one to eight
	// printable ASCII characters without spaces, none twice. Empty means four of
	// the symbols that Nasdaq keeps for tests. They are only read.
	Symbols []string
}

// The moments of the day, in nanoseconds since midnight.
const (
	second = uint64(1e9)
	minute = 60 * second
	hour   = 60 * minute

	startOfMessages = 3 * hour
	directory       = 3*hour + 5*minute
	startOfSystem   = 4 * hour
	startOfMarket   = 9*hour + 30*minute
	endOfMarket     = 16 * hour
	endOfSystem     = 20 * hour
	endOfMessages   = 20*hour + 5*minute
)

// A generator writes one day. It holds the books and one message, so that its
// memory does not grow with the feed.
type generator struct {
	out   *bufio.Writer
	err   error // the first write error; nothing is written after it
	rng   *rand.Rand
	now   uint64 // nanoseconds since midnight; never goes back
	ref   uint64 // the last order reference number
	match uint64 // the last match number
	books []book
	buf   [itchPrefix + itchLongest]byte
}

// GenerateITCH writes a day of ITCH 5.0 messages in BinaryFILE framing to w, as
// the package documentation describes it, in large buffered writes.
//
// It returns w's error when a write fails, and an error before anything is
// written when the options do not hold what they say.
func GenerateITCH(w io.Writer, o GenerateOptions) error {
	if o.Messages == 0 {
		o.Messages = 1000
	}
	if len(o.Symbols) == 0 {
		o.Symbols = []string{"ZVZZT", "ZWZZT", "ZXZZT", "ZJZZT"}
	}
	if err := o.check(); err != nil {
		return fmt.Errorf("feed: generate: %w", err)
	}
	g := &generator{
		out: bufio.NewWriterSize(w, 64<<10),
		rng: rand.New(rand.NewPCG(o.Seed, 0x17c450)),
	}
	for i, symbol := range o.Symbols {
		g.books = append(g.books, newBook(i+1, symbol, g.rng))
	}
	g.day(o.Messages - o.least())
	if g.err == nil {
		g.err = g.out.Flush()
	}
	return g.err
}

// least is the number of messages about no order: the day's six events, and two
// for each symbol.
func (o *GenerateOptions) least() int { return 6 + 2*len(o.Symbols) }

func (o *GenerateOptions) check() error {
	if len(o.Symbols) > math.MaxUint16 {
		return fmt.Errorf("%d symbols: a stock locate has 16 bits", len(o.Symbols))
	}
	if o.Messages < o.least() {
		return fmt.Errorf("%d messages: the day's events and %d symbols take %d", o.Messages, len(o.Symbols), o.least())
	}
	outside := func(r rune) bool { return r <= ' ' || r > '~' }
	for _, s := range o.Symbols {
		if len(s) < 1 || len(s) > stockWidth || strings.ContainsFunc(s, outside) {
			return fmt.Errorf("symbol %q: want one to eight printable ASCII characters", s)
		}
	}
	sorted := slices.Sorted(slices.Values(o.Symbols))
	if len(slices.Compact(sorted)) != len(o.Symbols) {
		return errors.New("a symbol stands twice")
	}
	return nil
}

// day writes everything, with n messages about orders: one in twenty before the
// market opens, one in twenty after it closes.
func (g *generator) day(n int) {
	g.event(startOfMessages, 'O')
	g.at(directory)
	for i := range g.books {
		g.now += g.rng.Uint64N(5_000)
		g.directory(&g.books[i])
	}
	for i := range g.books {
		g.now += g.rng.Uint64N(5_000)
		g.tradingAction(&g.books[i])
	}
	g.event(startOfSystem, 'S')
	g.session(n/20, startOfMarket)
	g.event(startOfMarket, 'Q')
	g.session(n-2*(n/20), endOfMarket)
	g.event(endOfMarket, 'M')
	g.session(n/20, endOfSystem)
	g.event(endOfSystem, 'E')
	g.event(endOfMessages, 'C')
	g.write([]byte{0, 0})
}

// session writes n messages before the moment end. Three in four follow the one
// before within microseconds, as a feed's do; the others spread over the time
// that is left.
func (g *generator) session(n int, end uint64) {
	for left := n; left > 0 && g.err == nil; left-- {
		mean := (end - g.now) / uint64(left+1)
		gap := g.rng.Uint64N(8*mean + 1)
		if g.rng.IntN(4) > 0 {
			gap = g.rng.Uint64N(min(20_000, mean) + 1)
		}
		if g.now+gap >= end {
			gap = mean
		}
		g.now += gap
		// The lesser of two draws: the first symbols trade most.
		i := min(g.rng.IntN(len(g.books)), g.rng.IntN(len(g.books)))
		g.step(&g.books[i])
	}
}

// at moves the clock to a moment of the day, or some microseconds past it.
func (g *generator) at(moment uint64) { g.now = moment + g.rng.Uint64N(50_000) }

// write keeps the first error, so that callers need not look at each message's.
func (g *generator) write(b []byte) {
	if g.err == nil {
		_, g.err = g.out.Write(b)
	}
}
