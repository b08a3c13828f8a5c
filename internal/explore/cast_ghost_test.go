//go:build shmtest

package explore

import (
	"encoding/binary"
	"fmt"

	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/ring"
)

// castGhost knows what a broadcast ring holds: it follows each store.
type castGhost struct {
	Base
	t    *cast
	body []byte

	from  [12]uint8 // who has sent each message
	n     int       // messages that are visible
	pos   uint64    // position behind them and the pads; 0 is the start
	ended bool

	next   [castPubs + 4]int // by actor: the message that it receives next
	joined [castPubs + 4]bool
	at     [castPubs + 4]int // by actor: messages that were visible when its operation began
	fits   bool              // the send under way must not say Full
}

func newCastGhost(t *cast, body []byte) *castGhost {
	g := &castGhost{t: t, body: body, n: t.there}
	if t.there > 0 {
		g.pos = t.pos[t.there-1] + ring.MakeHeader(uint32(t.sizes[t.there-1]), 0, 0).FrameSize()
	}
	for i, first := range t.begins {
		g.joined[castPubs+i], g.next[castPubs+i] = true, first
	}
	return g
}

func (g *castGhost) Clone() Ghost { n := *g; return &n }

func (g *castGhost) Hash() uint64 {
	h := Mix(uint64(g.n), g.pos)
	for i := range g.n {
		h = Mix(h, uint64(g.from[i]))
	}
	for i, n := range g.next {
		h = Mix(h, uint64(n), uint64(g.at[i]))
		if g.joined[i] {
			h = Mix(h, 1)
		}
	}
	for i, b := range []bool{g.ended, g.fits} {
		if b {
			h = Mix(h, uint64(i))
		}
	}
	return h
}

func (g *castGhost) word(off uint64) uint64 { return binary.LittleEndian.Uint64(g.body[off:]) }

// vis is the position behind all that is visible.
func (g *castGhost) vis() uint64 {
	if g.pos == 0 {
		return g.t.start()
	}
	return g.pos
}

func (g *castGhost) Begin(actor, _ int) {
	g.at[actor] = g.n
	if actor >= castPubs || g.n == len(g.t.sizes) {
		return
	}
	// Whether the next message fits, by the doc of the package.
	g.fits = g.t.buffers == 0 // the publisher knows of messages that we don't
	end := g.t.pos[g.n] + ring.MakeHeader(uint32(g.t.sizes[g.n]), 0, 0).FrameSize() + ring.HeaderSize
	for i := range g.t.geometry().Gates {
		if w := g.word(4096 + i*mem.Line); w != 0 && end > w&(1<<40-1)*8+castSize {
			g.fits = false
		}
	}
}

// Commutes says yes to what a publisher loads that only publishers write, one
// after the other; to reading words of payloads that are never written; and to
// whatever a subscriber does to words that nobody will write, or look at, any
// more.
func (g *castGhost) Commutes(actor int, a Access) bool {
	gate := a.Off >= 4096 && a.Off < g.t.marks()
	switch {
	case actor < castPubs:
		return a.Op == mem.OpLoad && !gate
	case g.ended:
		return true
	}
	return a.Op == mem.OpLoad && g.final(a.Off)
}

// final reports whether nobody will write a word any more.
func (g *castGhost) final(off uint64) bool {
	last := g.t.pos[len(g.t.sizes)] // where nothing follows
	vis := g.vis()
	switch {
	case off >= g.t.data():
		off -= g.t.data()
		return !g.t.hot[off] || vis+(off-vis)%castSize >= last+8
	case off >= g.t.marks():
		// Checkpoints are made of positions from here on.
		chunk := vis &^ 63
		return chunk+((off-g.t.marks())/32*64-chunk)%castSize > last
	case off == 0 || off == castIntent:
		return g.n == len(g.t.sizes)
	}
	return false
}

func (g *castGhost) Access(actor int, a Access) error {
	if a.Op == mem.OpLoad || actor >= castPubs || a.Op == mem.OpBytes && a.Width == 0 {
		if actor >= castPubs && a.Op != mem.OpLoad && a.Op != mem.OpBytes && (a.Off < 4096 || a.Off >= g.t.marks()) {
			return fmt.Errorf("a subscriber writes to %s", g.t.wordName(a.Off))
		}
		if actor >= castPubs && a.Op == mem.OpStore {
			g.fits = false // somebody joins
		}
		return nil
	}
	switch {
	case a.Off >= g.t.data():
		vis := g.vis()
		pos := vis + (a.Off-g.t.data()-vis)%castSize
		if intent := g.word(castIntent); pos+a.Width > intent {
			return fmt.Errorf("a write to position %#x+%d, the intent is %#x", pos, a.Width, intent)
		}
		return g.walk()
	case a.Off == 0:
		return g.checkpoint(a.Value)
	case a.Off == spscEnd:
		g.ended = true
	}
	return nil
}

// checkpoint finds out whether the latest checkpoint is true.
func (g *castGhost) checkpoint(pos uint64) error {
	i := 0
	for i < g.n && g.t.pos[i] < pos {
		i++
	}
	at := g.t.marks() + pos%castSize/64*32
	seq, bytes := g.word(at+8), g.word(at+16)
	if g.word(at) != pos || pos != g.t.pos[i] && pos != g.vis() || seq != ring.StartSequence+uint64(i) || bytes != g.t.bytes[i] {
		return fmt.Errorf("the latest checkpoint, at %#x, says position %#x, number %d, %d bytes; %d messages are before it",
			pos, g.word(at), seq, bytes, i)
	}
	return nil
}

// walk notes which frames have become visible.
func (g *castGhost) walk() error {
	for {
		pos := g.vis()
		off := pos % castSize
		h := ring.Header(g.word(g.t.data()+off)) ^ castTag(pos)
		if !h.Committed() {
			return nil
		}
		size := h.FrameSize()
		if !h.Valid() || off+size > castSize {
			return fmt.Errorf("behind the committed frames, at data+%d, stands %#x", off, uint64(h))
		}
		payload := g.body[g.t.data()+off+h.PayloadOffset():][:h.Len()]
		if h.Flags()&ring.FlagPad != 0 {
			payload = nil
		}
		if h.Flags() == ring.FlagBatch && g.word(g.t.data()+off+8) != castMessage {
			return fmt.Errorf("a batch becomes visible of messages of %d bytes", g.word(g.t.data()+off+8))
		}
		for len(payload) > 0 {
			if g.n == len(g.t.sizes) || pos != g.t.pos[g.n] {
				return fmt.Errorf("a frame that nobody sent becomes visible at data+%d", off)
			}
			n := min(g.t.sizes[g.n], len(payload))
			from := g.t.sender(g.n, payload[:n])
			if from < 0 {
				return fmt.Errorf("message %d becomes visible, which is not whole", g.n)
			}
			g.from[g.n] = uint8(from)
			g.n++
			payload = payload[n:]
		}
		g.pos = pos + size
	}
}

func (g *castGhost) Event(actor int, e Event) error {
	sub := func() castSub { return g.t.subs[actor-castPubs] }
	next, at := &g.next[actor], g.at[actor]
	// gone reports whether a message may be overwritten.
	gone := func(i int) bool { return i < g.n && g.word(castIntent)-g.t.pos[i] > castSize }
	switch e.Kind {
	case castFull:
		if g.fits {
			return fmt.Errorf("Full, though message %d fits", g.n)
		}
	case castJoined:
		g.joined[actor], *next = true, int(e.A)
		first := int(e.A)
		switch s := sub(); {
		case first > g.n:
			return fmt.Errorf("it joins at message %d of %d", first, g.n)
		case s.start == ring.Newest && first < at-1:
			return fmt.Errorf("the newest is said to be message %d, when %d were there before", first, at)
		case s.start == ring.Newest && first == g.n && at > 0:
			return fmt.Errorf("there is said to be no newest message, when %d were there before", at)
		case s.start == ring.Oldest && !s.gated && first > 0 && !gone(0):
			return fmt.Errorf("the oldest is said to be message %d, though nothing was overwritten", first)
		case s.start == ring.AtSequence && first != s.number && !gone(s.number):
			return fmt.Errorf("it joins at message %d, and asked for %d", first, s.number)
		}
		if s := sub(); s.start == ring.AtSequence {
			*next = s.number // what is gone it is told
		}
	case castReceived, castLast:
		i := int(e.A)
		switch {
		case i >= g.n || int(g.from[i]) != int(e.B):
			return fmt.Errorf("message %d of publisher %d is received, which was not committed", i, e.B)
		case e.Kind == castReceived && i != *next:
			return fmt.Errorf("message %d is received, %d was due", i, *next)
		case e.Kind == castLast && i < at-1:
			return fmt.Errorf("the last is said to be message %d, when %d were there before", i, at)
		}
		if e.Kind == castReceived {
			*next++
		}
	case castNone:
		if at > 0 {
			return fmt.Errorf("no message is said to be there, when %d were there before", at)
		}
	case castLapped:
		if to := *next + int(e.A); to > g.n || e.B != g.t.bytes[to]-g.t.bytes[*next] && sub().start != ring.AtSequence {
			return fmt.Errorf("%d messages of %d bytes are said to be missed from number %d on", e.A, e.B, *next)
		}
		if !gone(*next) {
			return fmt.Errorf("message %d is said to be missed, and can't have been overwritten", *next)
		}
		if sub().gated && !g.t.evict {
			return fmt.Errorf("a subscriber that the publisher should wait for misses message %d", *next)
		}
		*next += int(e.A)
	case castEmpty, castEOF:
		if at > *next {
			return fmt.Errorf("Empty, though message %d was committed before", *next)
		}
		if e.Kind == castEOF && (!g.ended || *next != len(g.t.sizes)) {
			return fmt.Errorf("the end, after %d messages", *next)
		}
	}
	return nil
}

func (g *castGhost) End(stuck error) error { return stuck }
