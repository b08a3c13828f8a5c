//go:build shmtest

package explore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/ring"
)

// cast is a case of a broadcast ring: a publisher with two heirs, and subscribers.
// The ring is smaller than any that can be made, so that few messages go around it.
type cast struct {
	name    string
	before  uint64 // bytes between the first position and the ring's end
	sizes   []int  // of all messages
	there   int    // messages that are there already when it begins
	ready   bool   // so are the first publisher and the subscribers
	how     string // publishers send: "" is claim and commit, "send", or "batch" of two
	alike   bool   // the two are equal, and share a frame
	subs    []castSub
	evict   bool // the publisher goes on without whoever keeps it waiting
	deaths  int
	buffers int
	large   bool
	samples int

	// By message: where its frame stands, and the bytes of all before it. One
	// more for what comes behind the last.
	pos   []uint64
	bytes []uint64
	hot   map[uint64]bool // words of the data that matter

	begins []int // by subscriber: the first message that it gets, if it's ready
}

// castSub is a subscriber.
type castSub struct {
	start  ring.Start
	resume ring.Start
	number int // AtSequence: of the message, from 0
	gated  bool
	last   bool // looks at the last message before it receives one
	batch  bool // receives two at once, if it can
}

const (
	castSize    = 256
	castPubs    = 3 // actors before the subscribers
	castIntent  = 1 * mem.Line
	castMarks   = 4096 // + 4096 with gates
	castMessage = 16   // bytes of a payload that differ
)

func (t *cast) start() uint64 { return ring.StartPosition + castSize - t.before }

func (t *cast) geometry() ring.Geometry {
	g := ring.Geometry{Kind: ring.Broadcast, Capacity: castSize}
	for _, s := range t.subs {
		if s.gated {
			g.Gates = uint64(len(t.subs))
		}
	}
	return g
}

// data is where in the body the data begins.
func (t *cast) data() uint64 { return t.geometry().BodySize() - castSize }

// marks is where the checkpoints begin.
func (t *cast) marks() uint64 { return t.data() - 4096 }

// lay computes where everything stands.
func (t *cast) lay() {
	pos, bytes := t.start(), uint64(0)
	t.hot = make(map[uint64]bool)
	mark := func(pos uint64, words int) {
		for i := range uint64(words) {
			t.hot[(pos+8*i)%castSize] = true
		}
	}
	for i, n := range t.sizes {
		size := ring.MakeHeader(uint32(n), 0, 0).FrameSize()
		if t.alike && i >= t.there {
			if (i-t.there)%2 == 1 {
				t.pos, t.bytes = append(t.pos, t.pos[i-1]), append(t.bytes, bytes)
				bytes += uint64(n)
				continue
			}
			size = ring.MakeHeader(uint32(2*n), 0, ring.FlagBatch).FrameSize()
			mark(pos, 2+2*castMessage/8)
		}
		if left := castSize - pos%castSize; size > left {
			mark(pos, 1)
			pos += left
		}
		mark(pos, 1+castMessage/8)
		t.pos, t.bytes = append(t.pos, pos), append(t.bytes, bytes)
		pos, bytes = pos+size, bytes+uint64(n)
	}
	mark(pos, 1)
	t.pos, t.bytes = append(t.pos, pos), append(t.bytes, bytes)
}

// castTag is what the header of a frame at pos is XORed with.
func castTag(pos uint64) ring.Header { return ring.Header(pos / castSize << 57 >> 1) }

// castWord is a word of the payload of message number i, as a publisher sends
// it. It looks like a frame of the next lap.
func (t *cast) castWord(i, actor, word int) uint64 {
	return uint64(ring.MakeHeader(8, uint16(i<<8|actor<<4|word), 0) ^ castTag(t.pos[i]+castSize))
}

// sender returns who has sent the payload, and -1 if nobody has sent all of it.
func (t *cast) sender(i int, b []byte) int {
	if i < 0 || i >= len(t.sizes) || len(b) != t.sizes[i] {
		return -1
	}
	for actor := range castPubs {
		if binary.LittleEndian.Uint64(b) == t.castWord(i, actor, 0) && binary.LittleEndian.Uint64(b[8:]) == t.castWord(i, actor, 1) {
			return actor
		}
	}
	return -1
}

func (t *cast) build() Case {
	g := t.geometry()
	t.lay()
	ends := uint64(castMessage)
	if t.alike {
		ends *= 2
	}
	return Case{
		Name: t.name,
		Size: g.BodySize(),
		Format: func(body []byte) {
			ring.Format(g, body)
			// It begins elsewhere. Only the checkpoint has to move with it.
			le := binary.LittleEndian
			clear(body[t.marks():t.data()])
			for _, off := range []uint64{0, castIntent, castIntent + 8} {
				le.PutUint64(body[off:], t.start())
			}
			at := body[t.marks()+t.start()%castSize/64*32:]
			le.PutUint64(at, t.start())
			le.PutUint64(at[8:], ring.StartSequence)
			// What an earlier lap left looks like frames, all of it.
			for pos := t.start(); pos < t.start()+castSize; pos += 8 {
				h := ring.MakeHeader(8, 0xDEAD, 0) ^ castTag(pos)
				if pos == t.start() {
					h = 0
				}
				le.PutUint64(body[t.data()+pos%castSize:], uint64(h))
			}
			t.prepare(g, body)
		},
		Actors: func(body []byte) []Actor { return t.actors(g, body) },
		Ghost: func(body []byte) Ghost {
			return newCastGhost(t, body)
		},
		WordName:   t.wordName,
		Deaths:     t.deaths,
		Buffers:    t.buffers,
		Large:      t.large,
		Samples:    t.samples,
		PayloadEnd: ends,
		Ignore:     []string{"BroadcastSubscriber.stale", "BroadcastSubscriber.buf", "BroadcastSubscriber.batch"},
	}
}

// prepare sends the messages that are there when it begins, and looks where
// subscribers begin.
func (t *cast) prepare(g ring.Geometry, body []byte) {
	p, err := ring.NewBroadcastPublisher(g, body)
	for i := 0; i < t.there && err == nil; i++ {
		b := make([]byte, t.sizes[i])
		for w := range castMessage / 8 {
			binary.LittleEndian.PutUint64(b[8*w:], t.castWord(i, 0, w))
		}
		err = p.TrySend(0, b)
	}
	if err != nil {
		panic(err)
	}
	t.begins = nil
	for _, s := range t.subs {
		s.gated = false // this one only looks
		sub, err := ring.NewBroadcastSubscriber(g, body, s.options(0))
		if t.ready && err != nil {
			panic(err)
		} else if t.ready {
			t.begins = append(t.begins, int(sub.Sequence()-ring.StartSequence))
		}
	}
}

func (t *cast) actors(g ring.Geometry, body []byte) (all []Actor) {
	for i := range castPubs {
		all = append(all, Actor{
			Name: fmt.Sprintf("publisher %d", i),
			Private: func(int) any {
				p := new(castPublisher)
				if t.ready && i == 0 {
					p.p, _ = ring.NewBroadcastPublisher(g, body)
				}
				return p
			},
			Script: t.publishes(g, body, i),
			Heir:   i > 0, Of: i - 1,
		})
	}
	for i, s := range t.subs {
		all = append(all, Actor{
			Name: fmt.Sprintf("subscriber %d", i),
			Private: func(int) any {
				p := new(castSubscriber)
				if t.ready {
					p.s, _ = ring.NewBroadcastSubscriber(g, body, s.options(i))
					p.next = int(p.s.Sequence() - ring.StartSequence)
				}
				return p
			},
			Script: t.subscribes(g, body, i, s),
		})
	}
	return all
}

type castPublisher struct{ p *ring.BroadcastPublisher }

// What the operations of broadcast worlds tell.
const (
	castFull     = iota
	castJoined   // A: the message that it begins with
	castReceived // A: which message, B: who sent it
	castLapped   // A: messages, B: bytes
	castEmpty
	castEOF
	castLast // as castReceived
	castNone // there is no last one
)

func (t *cast) publishes(g ring.Geometry, body []byte, self int) []Op {
	const send, end = 1, 2
	after := func(p *ring.BroadcastPublisher) Result {
		if p.Sequence() == ring.StartSequence+uint64(len(t.sizes)) {
			return end
		}
		return send
	}
	return []Op{
		{Name: "attach", Do: Do(func(x *X, p *castPublisher) (res Result) {
			var err error
			if p.p != nil {
				return after(p.p)
			}
			if p.p, err = ring.NewBroadcastPublisher(g, body); errors.Is(err, ring.ErrClosed) {
				return Done
			} else if err != nil {
				x.Fail("attaching a publisher: %v", err)
			}
			return after(p.p)
		})},
		{Name: "send", Writes: true, Do: Do(func(x *X, p *castPublisher) Result {
			i := int(p.p.Sequence() - ring.StartSequence)
			if p.p.Position() != t.pos[i] && p.p.Position()%castSize+ring.HeaderSize+uint64(t.sizes[i]) <= castSize {
				x.Fail("message %d goes to %#x, want %#x", i, p.p.Position(), t.pos[i])
			}
			err := t.send(p.p, i, self)
			if err == ring.ErrFull {
				slow := p.p.Slowest()
				if t.evict || x.Dead(castPubs+slow.Number) {
					p.p.Bury(slow)
					return send
				}
				x.Tell(Event{Kind: castFull})
				return Wait
			}
			if err != nil {
				x.Fail("sending: %v", err)
			}
			return after(p.p)
		})},
		{Name: "end", Do: Do(func(x *X, p *castPublisher) Result {
			p.p.End()
			return Done
		})},
	}
}

// send sends message number i, or in batches that and the next one.
func (t *cast) send(p *ring.BroadcastPublisher, i, self int) error {
	fill := func(i int, b []byte) []byte {
		for w := range castMessage / 8 {
			binary.LittleEndian.PutUint64(b[8*w:], t.castWord(i, self, w))
		}
		return b
	}
	switch t.how {
	case "send":
		return p.TrySend(0, fill(i, make([]byte, t.sizes[i])))
	case "batch":
		var msgs [][]byte
		for ; i < len(t.sizes) && len(msgs) < 2; i++ {
			msgs = append(msgs, fill(i, make([]byte, t.sizes[i])))
		}
		_, err := p.TrySendBatch(0, msgs)
		return err
	}
	b, err := p.Claim(t.sizes[i])
	if err == nil {
		fill(i, b)
		p.Commit(0, len(b))
	}
	return err
}

type castSubscriber struct {
	s    *ring.BroadcastSubscriber
	next int
}

func (c castSub) options(self int) ring.BroadcastOptions {
	return ring.BroadcastOptions{Start: c.start, Resume: c.resume, Sequence: ring.StartSequence + uint64(c.number),
		Gated: c.gated, Gate: self, Incarnation: 1}
}

func (t *cast) subscribes(g ring.Geometry, body []byte, self int, c castSub) []Op {
	const look, receive = 1, 2
	again := Result(receive)
	if c.last {
		again = look
	}
	return []Op{
		{Name: "attach", Do: Do(func(x *X, p *castSubscriber) Result {
			var err error
			if p.s != nil {
				return again
			}
			if p.s, err = ring.NewBroadcastSubscriber(g, body, c.options(self)); errors.Is(err, ring.ErrBadArgument) {
				return Wait // it asks for what is not there yet
			} else if err != nil {
				x.Fail("attaching a subscriber: %v", err)
			}
			if p.next = int(p.s.Sequence() - ring.StartSequence); c.start == ring.AtSequence {
				p.next = c.number // what is gone it will be told
			}
			x.Tell(Event{Kind: castJoined, A: p.s.Sequence() - ring.StartSequence})
			return again
		})},
		{Name: "last", Do: Do(func(x *X, p *castSubscriber) Result {
			b, seq, _, err := p.s.Last(nil)
			if err == ring.ErrEmpty {
				x.Tell(Event{Kind: castNone})
				return receive
			}
			if err != nil {
				x.Fail("the last message: %v", err)
			}
			i := int(seq - ring.StartSequence)
			from := t.sender(i, b)
			if from < 0 {
				x.Fail("the last message, number %d, is torn: %x", i, b[:castMessage])
			}
			x.Tell(Event{Kind: castLast, A: uint64(i), B: uint64(from)})
			return receive
		})},
		{Name: "receive", Do: Do(func(x *X, p *castSubscriber) Result {
			if c.batch {
				var into [2]ring.Message
				n, _ := p.s.NextBatch(into[:])
				for _, m := range into[:n] {
					t.received(x, p, m)
				}
				if n > 0 {
					if c.gated {
						p.s.Publish()
					}
					return again
				}
			}
			m, err := p.s.Next()
			if lap, ok := err.(*ring.Lapped); ok {
				if p.next += int(lap.Messages); p.s.Sequence() != lap.Next || lap.Next != ring.StartSequence+uint64(p.next) {
					x.Fail("after %d that were missed it goes on with number %d, not %d", lap.Messages, p.s.Sequence(), p.next)
				}
				x.Tell(Event{Kind: castLapped, A: lap.Messages, B: lap.Bytes})
				return again
			}
			switch err {
			case nil:
			case ring.ErrEmpty:
				x.Tell(Event{Kind: castEmpty})
				p.s.Publish()
				return Wait
			case io.EOF:
				x.Tell(Event{Kind: castEOF})
				p.s.Leave()
				return Done
			default:
				x.Fail("receiving: %v", err)
			}
			t.received(x, p, m)
			if c.gated {
				p.s.Publish()
			}
			return again
		})},
	}
}

// received tells the ghost of a message, which must be the next one.
func (t *cast) received(x *X, p *castSubscriber, m ring.Message) {
	from := t.sender(p.next, m.Payload)
	if from < 0 {
		x.Fail("message %d is torn: %x", p.next, m.Payload)
	}
	x.Tell(Event{Kind: castReceived, A: uint64(p.next), B: uint64(from)})
	p.next++
}

func (t *cast) wordName(off uint64) string {
	switch {
	case off == 0:
		return "latest checkpoint"
	case off == castIntent:
		return "intent"
	case off == castIntent+8:
		return "wish"
	case off == spscEnd:
		return "end"
	case off >= t.data():
		return fmt.Sprintf("data+%d", off-t.data())
	case off >= t.marks():
		return fmt.Sprintf("checkpoint %d+%d", (off-t.marks())/32, (off-t.marks())%32)
	case off >= 4096:
		return fmt.Sprintf("gate %d", (off-4096)/mem.Line)
	}
	return fmt.Sprintf("%#x", off)
}
