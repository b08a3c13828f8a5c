package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
)

// testCast is a broadcast ring over heap memory between two guards.
type testCast struct {
	testing.TB
	g     Geometry
	room  []byte
	body  []byte
	p     *BroadcastPublisher
	sent  int    // messages
	first uint64 // number of the first one
	packs bool   // send sends in batches
}

const castCapacity = MinCapacity

func lossy() Geometry    { return Geometry{Kind: Broadcast, Capacity: castCapacity} }
func lossless() Geometry { return Geometry{Kind: Broadcast, Capacity: castCapacity, Gates: 3} }

// eachCast runs test for all sorts of broadcast rings, and of senders.
func eachCast(t *testing.T, test func(t *testing.T, r *testCast)) {
	for _, g := range []Geometry{lossy(), lossless()} {
		for _, sum := range []bool{false, true} {
			for _, packs := range []bool{false, true} {
				g.Checksum = sum
				t.Run(fmt.Sprintf("gates%d,checksum=%t,batches=%t", g.Gates, sum, packs), func(t *testing.T) {
					r := newCast(t, g, StartPosition, StartSequence)
					r.packs = packs
					test(t, r)
				})
			}
		}
	}
}

// newCast formats a ring that begins at a position and with a sequence number.
func newCast(t testing.TB, g Geometry, start, seq uint64) *testCast {
	t.Helper()
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	r := &testCast{TB: t, g: g, first: seq}
	n := int(g.BodySize())
	r.room = make([]byte, 2*guardSize+n)
	for i := range guardSize {
		r.room[i], r.room[guardSize+n+i] = guardByte, guardByte
	}
	r.body = r.room[guardSize : guardSize+n : guardSize+n]
	Format(g, r.body)
	r.setWord(offIntent, start)
	r.setWord(offWish, start)
	newStream(g, r.body).mark(cursor{pos: start, seq: seq})
	r.restart()
	t.Cleanup(func() {
		for i := range guardSize {
			if r.room[i] != guardByte || r.room[guardSize+n+i] != guardByte {
				t.Fatalf("something wrote beside the ring, %d bytes away", i)
			}
		}
	})
	return r
}

func (r *testCast) setWord(off uint64, v uint64) { binary.LittleEndian.PutUint64(r.body[off:], v) }
func (r *testCast) dataOff(pos uint64) uint64    { return r.g.dataOffset() + pos%r.g.Capacity }

// restart attaches a publisher.
func (r *testCast) restart() {
	r.Helper()
	var err error
	if r.p, err = NewBroadcastPublisher(r.g, r.body); err != nil {
		r.Fatal(err)
	}
}

// castSize is the size in bytes of message number i. Four after each other are
// equal, so that they share a frame if they are sent together.
func castSize(i int) int { return i / 4 * 37 % 200 }

// castType is the type of message number i: that of all that send sends together.
func castType(i int) uint16 { return msgType(i / 7) }

// send sends the next n messages.
func (r *testCast) send(n int) {
	r.Helper()
	for r.packs && n > 0 {
		typ := castType(r.sent)
		var msgs [][]byte
		for i := r.sent; len(msgs) < n && castType(i) == typ; i++ {
			msgs = append(msgs, payload(i, castSize(i)))
		}
		k, err := r.p.TrySendBatch(typ, msgs)
		if k == 0 || err != nil {
			r.Fatalf("sending %d messages from number %d on: %d, %v", len(msgs), r.sent, k, err)
		}
		r.sent += k
		n -= k
	}
	for range n {
		if err := r.p.TrySend(castType(r.sent), payload(r.sent, castSize(r.sent))); err != nil {
			r.Fatalf("sending message %d: %v", r.sent, err)
		}
		r.sent++
	}
}

// subscribe attaches a subscriber; with gate ≥ 0 the publisher waits for it.
func (r *testCast) subscribe(o BroadcastOptions) *testSub {
	r.Helper()
	s, err := NewBroadcastSubscriber(r.g, r.body, o)
	if err != nil {
		r.Fatal(err)
	}
	return &testSub{BroadcastSubscriber: s, r: r, next: int(s.Sequence() - r.first)}
}

func (r *testCast) gated(gate int) *testSub {
	return r.subscribe(BroadcastOptions{Start: Oldest, Resume: Oldest, Gated: true, Gate: gate, Incarnation: 1})
}

// testSub checks what a subscriber gets.
type testSub struct {
	*BroadcastSubscriber
	r      *testCast
	next   int // number of the next message, from 0
	got    int
	missed uint64
	bytes  uint64 // missed
}

// castBytes is the size of all messages from number a to before b.
func castBytes(a, b int) (n uint64) {
	for i := a; i < b; i++ {
		n += uint64(castSize(i))
	}
	return n
}

// recv receives one message, or learns what it missed, and returns the error
// that is none of that.
func (s *testSub) recv() error {
	s.r.Helper()
	m, err := s.Next()
	return s.take(m, err)
}

func (s *testSub) take(m Message, err error) error {
	s.r.Helper()
	var lap *Lapped
	switch {
	case errors.As(err, &lap):
		if !errors.Is(err, ErrLapped) || lap.Messages == 0 {
			s.r.Fatalf("lapped: %v", err)
		}
		if want := castBytes(s.next, s.next+int(lap.Messages)); lap.Bytes != want {
			s.r.Fatalf("%d bytes of %d messages from %d on are said to be missed, want %d", lap.Bytes, lap.Messages, s.next, want)
		}
		s.next += int(lap.Messages)
		s.missed += lap.Messages
		s.bytes += lap.Bytes
		if lap.Next != s.Sequence() || s.Sequence() != s.r.first+uint64(s.next) {
			s.r.Fatalf("it goes on with number %d, %d is said, %d is due", s.Sequence(), lap.Next, s.r.first+uint64(s.next))
		}
		return nil
	case err != nil:
		return err
	}
	if want := payload(s.next, castSize(s.next)); string(m.Payload) != string(want) || m.Type != castType(s.next) {
		s.r.Fatalf("message %d: %d bytes %.20x of type %#x, want %d bytes %.20x", s.next, len(m.Payload), m.Payload, m.Type, len(want), want)
	}
	s.next++
	s.got++
	return nil
}

// drain receives until there is nothing.
func (s *testSub) drain() {
	s.r.Helper()
	for {
		err := s.recv()
		if err == ErrEmpty {
			break
		}
		if err != nil {
			s.r.Fatal(err)
		}
	}
	if s.next != s.r.sent {
		s.r.Fatalf("empty at message %d, %d are sent", s.next, s.r.sent)
	}
}

func (s *testSub) ends() {
	s.r.Helper()
	if _, err := s.Next(); err != io.EOF {
		s.r.Fatalf("after the end: %v", err)
	}
}
