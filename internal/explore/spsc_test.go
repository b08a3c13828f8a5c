//go:build shmtest

package explore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ringway/ringway/internal/mem"
	"github.com/ringway/ringway/ring"
)

// spsc is a case of a single-producer single-consumer ring.
type spsc struct {
	name     string
	before   uint64 // bytes between the first position and the ring's end
	checksum bool
	sends    []send // of the first producer; one that inherits from it does heirs
	heirs    []send
	heirs2   []send // of the next heir
	hold     int    // messages that the consumer holds before it releases them
	take     bool   // it receives by Take, which releases the one before
	packed   bool   // and by TakePacked in turn, starting with that
	batch    bool   // it receives by NextBatch, as many as it holds
	deaths   int
	buffers  int
	large    bool
}

// send is an operation of a producer: sizes of messages, which are numbered in
// the order in which all producers send them.
type send struct {
	how   string // "send", "again" (all of one type), "batch", "packed", "claim" (and commit less), "abort"
	sizes []int
	first int // number of its first message, from 1
}

const spscSize = ring.MinCapacity

// Where the words of a ring stand; see ring/layout.go.
const (
	spscConsumer = 1 * mem.Line
	spscTaken    = spscConsumer + 8
	spscEnd      = 2 * mem.Line
	spscData     = 4096
)

// spscStart is the first position of a case.
func (t *spsc) start() uint64 { return ring.StartPosition + spscSize - t.before }

// pattern returns n bytes of payload that only message number id has. The words
// look like frames of the next lap or the one behind that.
func pattern(id, n int) []byte {
	b := make([]byte, 0, n+8)
	for i := 0; i < n; i += 8 {
		b = binary.LittleEndian.AppendUint64(b, uint64(ring.MakeHeader(uint32(id), uint16(i), 0)^lapTag(ring.StartPosition+spscSize*uint64(1+i/8%2))))
	}
	return b[:n]
}

// lapTag is what the header of a frame at pos is XORed with; see ring/frame.go.
func lapTag(pos uint64) ring.Header { return ring.Header(pos / spscSize << 57 >> 1) }

func (t *spsc) flags() ring.Flags {
	if t.checksum {
		return ring.FlagChecksum
	}
	return 0
}

func (t *spsc) build() Case {
	g := ring.Geometry{Kind: ring.SPSC, Capacity: spscSize, Checksum: t.checksum}
	if t.hold == 0 {
		t.hold = 1
	}
	id := 1
	for _, list := range [][]send{t.sends, t.heirs, t.heirs2} {
		for i := range list {
			list[i].first = id
			id += len(list[i].sizes)
		}
	}
	return Case{
		Name: t.name,
		Size: g.BodySize(),
		Format: func(body []byte) {
			ring.Format(g, body)
			binary.LittleEndian.PutUint64(body, t.start())
			binary.LittleEndian.PutUint64(body[spscConsumer:], t.start())
			// What an earlier lap left looks like frames, all of it.
			for pos := t.start(); pos < t.start()+spscSize; pos += 8 {
				h := ring.MakeHeader(8, 0xDEAD, 0) ^ lapTag(pos)
				if pos == t.start() {
					h = 0
				}
				binary.LittleEndian.PutUint64(body[spscData+pos%spscSize:], uint64(h))
			}
		},
		Actors:   func(body []byte) []Actor { return t.actors(g, body) },
		Ghost:    func(body []byte) Ghost { return &spscGhost{t: t, body: body, vis: t.start(), pub: t.start()} },
		WordName: spscName,
		WordText: spscText,
		Deaths:   t.deaths,
		Buffers:  t.buffers,
		Large:    t.large,
		Ignore:   []string{"SPSCConsumer.stale"}, // what Poll looks at
	}
}

// Numbers of the actors: three producers, three consumers, each the heir of
// the one before.
const spscConsumers = 3

func (t *spsc) actors(g ring.Geometry, body []byte) (all []Actor) {
	for i, sends := range [][]send{t.sends, t.heirs, t.heirs2} {
		all = append(all, Actor{
			Name:    fmt.Sprintf("producer %d", i),
			Private: func(int) any { return new(spscProducer) },
			Script:  t.produces(g, body, sends),
			Heir:    i > 0, Of: i - 1,
		})
	}
	for i := range 3 {
		all = append(all, Actor{
			Name:    fmt.Sprintf("consumer %d", i),
			Private: func(int) any { return new(spscReceiver) },
			Script:  t.consumes(g, body),
			Heir:    i > 0, Of: spscConsumers + i - 1,
			// When all producers are dead no end is declared.
			Daemon: true,
		})
	}
	return all
}

type spscProducer struct{ p *ring.SPSCProducer }

func (t *spsc) produces(g ring.Geometry, body []byte, sends []send) []Op {
	script := []Op{{Name: "attach", Do: Do(func(x *X, p *spscProducer) (res Result) {
		var err error
		p.p, err = ring.NewSPSCProducer(g, body)
		switch {
		case errors.Is(err, ring.ErrClosed):
			return Done
		case err != nil:
			x.Fail("attaching a producer: %v", err)
		}
		return Next
	})}}
	for _, s := range sends {
		script = append(script, Op{Name: s.how, Writes: true, Do: Do(func(x *X, p *spscProducer) Result { return t.send(x, p.p, s) })})
	}
	return append(script, Op{Name: "end", Do: Do(func(x *X, p *spscProducer) Result {
		p.p.End()
		return Next
	})})
}

func (t *spsc) send(x *X, p *ring.SPSCProducer, s send) Result {
	var err error
	n := s.sizes[0]
	switch s.how {
	case "send":
		err = p.TrySend(uint16(s.first), pattern(s.first, n))
	case "again":
		err = p.TrySend(0, pattern(s.first, n))
	case "batch":
		var all [][]byte
		for i, n := range s.sizes {
			all = append(all, pattern(s.first+i, n))
		}
		var sent int
		sent, err = p.TrySendBatch(0, all)
		if sent != 0 && sent != len(all) {
			x.Fail("the case is wrong: %d of %d messages of a batch are sent", sent, len(all))
		}
	case "packed":
		var all []byte
		for i := range s.sizes {
			all = append(all, pattern(s.first+i, n)...)
		}
		var sent int
		sent, err = p.TrySendPacked(0, all, n)
		if sent != 0 && sent != len(s.sizes) {
			x.Fail("the case is wrong: %d of %d messages of an array are sent", sent, len(s.sizes))
		}
	case "claim", "abort":
		var b []byte
		if b, err = p.Claim(n + surplus); err != nil {
			break
		}
		for i := 0; i+8 <= len(b); i += 8 {
			binary.LittleEndian.PutUint64(b[i:], uint64(ring.MakeHeader(8, 0xDEAD, 0)^lapTag(p.Position())))
		}
		copy(b, pattern(s.first, n))
		if s.how == "abort" {
			p.Abort()
			return Next
		}
		p.Commit(uint16(s.first), n)
	}
	switch {
	case err == ring.ErrFull:
		x.Tell(Event{Kind: tellFull})
		return Wait
	case err != nil:
		x.Fail("sending: %v", err)
	}
	x.Tell(Event{Kind: tellSent, A: uint64(s.first + len(s.sizes) - 1)})
	return Next
}

// surplus is how much more is claimed than used. It is left full of words that
// look like frames.
const surplus = 200

type spscReceiver struct {
	c     *ring.SPSCConsumer
	held  []held
	alone bool // the next one is received by Take
}

// held is a message that was received and not yet released.
type held struct {
	id int
	b  []byte
}

func (h held) check(x *X) {
	if want := pattern(h.id, len(h.b)); !bytes.Equal(h.b, want) {
		x.Fail("the payload of message %d is %x, want %x", h.id, h.b, want)
	}
}

func (t *spsc) consumes(g ring.Geometry, body []byte) []Op {
	const receive, release = 1, 2
	received := func(x *X, p *spscReceiver, pos uint64, m ring.Message) {
		x.Tell(Event{Kind: tellReceived, A: pos, B: uint64(len(m.Payload))})
		h := held{id: t.numberOf(pos, m), b: m.Payload}
		h.check(x)
		p.held = append(p.held, h)
	}
	return []Op{
		{Name: "attach", Do: Do(func(x *X, p *spscReceiver) Result {
			var err error
			if p.c, err = ring.NewSPSCConsumer(g, body); err != nil {
				x.Fail("attaching a consumer: %v", err)
			}
			return receive
		})},
		{Name: "receive", Do: Do(func(x *X, p *spscReceiver) Result {
			if t.take {
				for _, h := range p.held {
					x.Look(h.b)
					h.check(x)
				}
				p.held = nil
				pos := p.c.Position()
				p.alone = !p.alone
				if t.packed && p.alone {
					if b, each, n, typ := p.c.TakePacked(); n > 0 {
						pos += 2 * ring.HeaderSize
						for i := range n {
							if pos += uint64(each); i == n-1 {
								pos = p.c.Position()
							}
							received(x, p, pos, ring.Message{Payload: b[i*each : (i+1)*each], Type: typ})
						}
						return receive
					}
				}
				if m, ok := p.c.Take(); ok {
					received(x, p, p.c.Position(), m)
					return receive
				}
				if p.c.Release() {
					p.c.Publish()
				}
			}
			if t.batch {
				var into [4]ring.Message
				pos := p.c.Position()
				n, _ := p.c.NextBatch(into[:t.hold])
				for _, m := range into[:n] {
					pos += ring.MakeHeader(uint32(len(m.Payload)), 0, 0).FrameSize()
					received(x, p, pos, m)
				}
				if n > 0 {
					return release
				}
			}
			m, err := p.c.Next()
			switch {
			case err == ring.ErrEmpty && t.take:
				x.Tell(Event{Kind: tellEmpty})
				p.c.Publish()
				return Wait
			case err == ring.ErrEmpty:
				x.Tell(Event{Kind: tellEmpty})
				if len(p.held) > 0 {
					return release
				}
				return Wait
			case err == io.EOF:
				x.Tell(Event{Kind: tellEOF})
				return Done
			case err != nil:
				x.Fail("receiving: %v", err)
			}
			received(x, p, p.c.Position(), m)
			if t.take {
				return receive
			}
			if len(p.held) == t.hold {
				return release
			}
			return receive
		})},
		{Name: "release", Do: Do(func(x *X, p *spscReceiver) Result {
			for _, h := range p.held {
				x.Look(h.b)
				h.check(x)
			}
			p.held = nil
			p.c.Release()
			p.c.Publish()
			return receive
		})},
	}
}

// numberOf returns which message it is. Batches have one type for all; their
// first byte tells.
func (t *spsc) numberOf(_ uint64, m ring.Message) int {
	for _, list := range [][]send{t.sends, t.heirs, t.heirs2} {
		for _, s := range list {
			for i, n := range s.sizes {
				if len(m.Payload) == n && pattern(s.first+i, 1)[0] == m.Payload[0] {
					return s.first + i
				}
			}
		}
	}
	return 0
}
