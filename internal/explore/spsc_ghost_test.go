//go:build shmtest

package explore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/ring"
)

// What operations tell a ghost.
const (
	tellSent = iota // A: number of the last message
	tellFull
	tellReceived // A: position behind it, B: its length
	tellEmpty
	tellEOF
	tellReaped // somebody who swept after a death is done
)

// spscGhost knows what the ring should hold: it follows each store.
type spscGhost struct {
	Base
	t    *spsc
	body []byte

	frames [16]spscFrame
	n      int    // frames that were ever visible
	vis    uint64 // position behind them
	pub    uint64 // what the consumer has published
	taken  uint64 // and up to where in the batch that begins there
	cur    int    // the frame that is to be received next
	ended  bool

	fits      bool // the send under way must not say Full
	available bool // the receive under way must not say Empty
}

type spscFrame struct {
	pos uint64 // behind it
	id  int    // 0: a pad
}

func (g *spscGhost) Clone() Ghost { n := *g; return &n }

func (g *spscGhost) Hash() uint64 {
	h := Mix(uint64(g.n), g.vis, g.pub, g.taken, uint64(g.cur))
	for _, f := range g.frames[:g.n] {
		h = Mix(h, f.pos, uint64(f.id))
	}
	for i, b := range []bool{g.ended, g.fits, g.available} {
		if b {
			h = Mix(h, uint64(i))
		}
	}
	return h
}

func (g *spscGhost) word(off uint64) uint64 { return binary.LittleEndian.Uint64(g.body[off:]) }

// waiting returns the next message that was not received yet.
func (g *spscGhost) waiting() int {
	for i := g.cur; i < g.n; i++ {
		if g.frames[i].id != 0 {
			return i
		}
	}
	return -1
}

func (g *spscGhost) Begin(actor, op int) {
	if actor >= spscConsumers {
		g.available = g.waiting() >= 0
		return
	}
	sends := [][]send{g.t.sends, g.t.heirs, g.t.heirs2}[actor]
	g.fits = false
	if op == 0 || op > len(sends) {
		return
	}
	// Whether what is asked for fits, by the doc of the package.
	s, pos := sends[op-1], g.vis
	for _, n := range s.sizes {
		if s.how == "claim" || s.how == "abort" {
			n += surplus
		}
		size := ring.MakeHeader(uint32(n), 0, g.t.flags()).FrameSize()
		if left := spscSize - pos%spscSize; size > left {
			pos += left
		}
		pos += size
	}
	// With store buffers the producer knows of frames that we don't.
	g.fits = pos <= g.pub+spscSize && g.t.buffers == 0
}

func (g *spscGhost) Access(actor int, a Access) error {
	store := a.Op == mem.OpStoreRelease && a.After
	if actor >= spscConsumers {
		if store && a.Off == spscConsumer {
			if a.Value < g.pub || a.Value > g.vis {
				return fmt.Errorf("the consumer publishes position %#x after %#x, %#x is sent", a.Value, g.pub, g.vis)
			}
			g.pub = a.Value
		}
		if store && a.Off == spscTaken {
			if a.Value <= g.pub || a.Value >= g.vis {
				return fmt.Errorf("the consumer says that it stands at %#x, within a batch at %#x, %#x is sent", a.Value, g.pub, g.vis)
			}
			g.taken = a.Value
		}
		return nil
	}
	if a.Off < spscData {
		g.ended = g.ended || store && a.Off == spscEnd
		return nil
	}
	if a.Op == mem.OpLoad || a.Op == mem.OpBytes && a.Width == 0 {
		return nil
	}
	// It writes: only where the consumer is done, and nothing is visible.
	at := (a.Off - spscData - g.vis) % spscSize
	// The store that makes frames visible is the one at vis.
	if at+a.Width > g.pub+spscSize-g.vis {
		return fmt.Errorf("a write to data+%d, which is not free: frames up to %#x, released up to %#x", a.Off-spscData, g.vis, g.pub)
	}
	if !store {
		return nil
	}
	return g.walk()
}

// walk notes which frames have become visible.
func (g *spscGhost) walk() error {
	var more []int
	for {
		off := g.vis % spscSize
		h := ring.Header(g.word(spscData+off)) ^ lapTag(g.vis)
		if !h.Committed() || g.vis == g.pub+spscSize {
			break
		}
		size := h.FrameSize()
		if !h.Valid() || size > g.pub+spscSize-g.vis || off+size > spscSize {
			return fmt.Errorf("behind the committed frames, at data+%d, stands %#x", off, uint64(h))
		}
		f := spscFrame{pos: g.vis + size}
		if h.Flags()&ring.FlagPad == 0 {
			payload := g.body[spscData+off+h.PayloadOffset():][:h.Len()]
			for at := h.PayloadOffset(); h.Flags() == ring.FlagBatch; {
				n := g.word(spscData + off + ring.HeaderSize)
				if at += n; n == 0 || n > uint64(len(payload)) || g.n == len(g.frames) {
					return fmt.Errorf("a batch at data+%d of messages of %d bytes", off, n)
				}
				if n == uint64(len(payload)) {
					break
				}
				one := spscFrame{pos: g.vis + at, id: g.t.numberOf(0, ring.Message{Payload: payload[:n]})}
				if one.id == 0 || !bytes.Equal(payload[:n], pattern(one.id, int(n))) || one.id <= g.lastID() {
					return fmt.Errorf("a batch at data+%d becomes visible that holds %x", off, payload)
				}
				more, payload = append(more, one.id), payload[n:]
				g.frames[g.n] = one
				g.n++
			}
			if f.id = g.t.numberOf(0, ring.Message{Payload: payload}); f.id == 0 || !bytes.Equal(payload, pattern(f.id, len(payload))) {
				return fmt.Errorf("a frame at data+%d becomes visible that holds %x", off, payload)
			}
			if last := g.lastID(); f.id <= last {
				return fmt.Errorf("message %d becomes visible after message %d", f.id, last)
			}
			more = append(more, f.id)
		}
		if g.n == len(g.frames) {
			return fmt.Errorf("more than %d frames", g.n)
		}
		g.frames[g.n] = f
		g.n++
		g.vis = f.pos
	}
	if len(more) == 0 {
		return nil
	}
	for _, s := range slices.Concat(g.t.sends, g.t.heirs, g.t.heirs2) {
		if s.first == more[0] && len(s.sizes) == len(more) {
			return nil
		}
	}
	return fmt.Errorf("messages %d become visible at once, and no others of their batch", more)
}

func (g *spscGhost) lastID() int {
	for i := g.n - 1; i >= 0; i-- {
		if g.frames[i].id != 0 {
			return g.frames[i].id
		}
	}
	return 0
}

func (g *spscGhost) Event(_ int, e Event) error {
	switch e.Kind {
	case tellSent:
		if g.lastID() != int(e.A) && g.t.buffers == 0 {
			return fmt.Errorf("message %d is said to be sent, the last visible one is %d", e.A, g.lastID())
		}
	case tellFull:
		if g.fits {
			return fmt.Errorf("Full, though it fits: frames up to %#x, released up to %#x", g.vis, g.pub)
		}
	case tellEmpty, tellEOF:
		if g.available {
			return fmt.Errorf("Empty, though message %d was committed before", g.frames[g.waiting()].id)
		}
		if e.Kind == tellEOF && (!g.ended || g.waiting() >= 0) {
			return fmt.Errorf("the end, though there is more")
		}
	case tellReceived:
		i := g.waiting()
		if i < 0 || g.frames[i].pos != e.A {
			return fmt.Errorf("a message up to position %#x is received, which is not the next", e.A)
		}
		g.cur = i + 1
	}
	return nil
}

// Death makes what was not released available again.
func (g *spscGhost) Death(actor int) {
	if actor < spscConsumers {
		return
	}
	g.cur = 0
	for g.cur < g.n && g.frames[g.cur].pos <= max(g.pub, g.taken) {
		g.cur++
	}
}

func (g *spscGhost) End(stuck error) error {
	// There are as many heirs as deaths: there is a consumer.
	if i := g.waiting(); i >= 0 {
		return fmt.Errorf("wedge: message %d is never received", g.frames[i].id)
	}
	return stuck
}

func spscName(off uint64) string {
	switch {
	case off == 0:
		return "producer position"
	case off == spscConsumer:
		return "consumer position"
	case off == spscEnd:
		return "end"
	}
	return fmt.Sprintf("data+%d", off-spscData)
}

func spscText(off, v uint64) string {
	for lap := range uint64(2) {
		pos := ring.StartPosition + lap*spscSize
		if h := ring.Header(v) ^ lapTag(pos); off >= spscData && h.Valid() {
			return fmt.Sprintf("header{%d bytes, type %d, flags %#x, lap %d}", h.Len(), h.Type(), h.Flags(), lap)
		}
	}
	return fmt.Sprintf("%#x", v)
}
