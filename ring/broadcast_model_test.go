package ring

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// castModel is a broadcast ring beside a list of all that was ever sent into it.
type castModel struct {
	*testCast
	sent []Message
	subs []*castReader
	ops  []byte // what is still to be done
	into []Message
}

// castReader is a subscriber, and the number of what it receives next.
type castReader struct {
	*BroadcastSubscriber
	next  int
	gated bool
}

// take returns the next byte of what is to be done.
func (m *castModel) take() int {
	if len(m.ops) == 0 {
		return 0
	}
	b := m.ops[0]
	m.ops = m.ops[1:]
	return int(b)
}

func (m *castModel) run() {
	for len(m.ops) > 0 {
		switch op := m.take(); op % 12 {
		case 0:
			m.publish(m.take()%3, 1)
		case 1, 2, 3:
			m.publish(3, 1+m.take()%40)
		case 4:
			m.restart()
		case 5:
			m.join(op / 12 % len(m.subs))
		case 6:
			m.last()
		default:
			m.receive(m.subs[op/12%len(m.subs)], op%12)
		}
		if m.p.Sequence() != StartSequence+uint64(len(m.sent)) {
			m.Fatalf("the next is number %d, %d were sent", m.p.Sequence(), len(m.sent))
		}
	}
}

// publish sends n messages in one of several ways.
func (m *castModel) publish(how, n int) {
	m.Helper()
	// Runs of equal size, mostly. While more than a quarter of the ring is being
	// written there may be no way to what is still there of the message before.
	var msgs [][]byte
	size := m.take()
	for all := 0; n > 0; n-- {
		if k := m.take(); k%5 == 0 {
			size = k * 3 % 700
		}
		if all += size + 16; all > castCapacity/4 {
			break
		}
		msgs = append(msgs, payload(len(m.sent)+len(msgs), size))
	}
	n = len(msgs)
	typ, err := uint16(len(m.sent)), error(nil)
	switch how {
	case 0:
		err = m.p.TrySend(typ, msgs[0])
	case 1:
		var b []byte
		if b, err = m.p.Claim(size + 3); err == nil {
			m.p.Commit(typ, copy(b, msgs[0]))
		}
	case 2:
		if _, err = m.p.Claim(size); err == nil {
			m.p.Abort()
			return
		}
	default:
		n, err = m.p.TrySendBatch(typ, msgs)
	}
	if err == ErrFull {
		m.p.Bury(m.p.Slowest()) // evicts it
	} else if err != nil {
		m.Fatal(err)
	}
	if err != nil && how < 3 {
		n = 0
	}
	for _, b := range msgs[:n] {
		m.sent = append(m.sent, Message{Payload: b, Type: typ})
	}
}

// join has a subscriber begin anew somewhere.
func (m *castModel) join(i int) {
	m.Helper()
	r := m.subs[i]
	o := BroadcastOptions{Start: Start(m.take() % 3), Resume: Start(m.take() % 2), Gated: r.gated, Gate: i, Incarnation: 1}
	if o.Start == AtSequence {
		o.Sequence = StartSequence + uint64(max(len(m.sent)-m.take(), 0))
	}
	s, err := NewBroadcastSubscriber(m.g, m.body, o)
	if err != nil {
		m.Fatal(err)
	}
	first := int(s.Sequence() - StartSequence)
	switch {
	case o.Start == AtSequence && o.Sequence != s.Sequence():
		var lap *Lapped
		if _, err := s.Next(); !errors.As(err, &lap) || lap.Messages != s.Sequence()-o.Sequence {
			m.Fatalf("number %d was asked for, it begins with %d: %v", o.Sequence, s.Sequence(), err)
		}
	case o.Start == Newest && first != max(len(m.sent)-1, 0) || first > len(m.sent):
		m.Fatalf("begun with message %d of %d, %v", first, len(m.sent), o.Start)
	}
	r.BroadcastSubscriber, r.next = s, first
}

func (m *castModel) last() {
	m.Helper()
	b, seq, typ, err := m.subs[0].Last(nil)
	if err == ErrEmpty && len(m.sent) == 0 {
		return
	}
	if err != nil || seq != StartSequence+uint64(len(m.sent)-1) {
		m.Fatalf("the last of %d is number %d, %v", len(m.sent), seq, err)
	}
	m.is(len(m.sent)-1, Message{Payload: b, Type: typ})
}

func (m *castModel) is(i int, got Message) {
	m.Helper()
	if want := m.sent[i]; string(got.Payload) != string(want.Payload) || got.Type != want.Type {
		m.Fatalf("message %d is %d bytes %.20x of type %d, want %d bytes %.20x of type %d",
			i, len(got.Payload), got.Payload, got.Type, len(want.Payload), want.Payload, want.Type)
	}
}

func (m *castModel) receive(r *castReader, how int) {
	m.Helper()
	var got Message
	var err error
	switch how {
	case 7, 8:
		n, size := r.NextBatch(m.into[:1+m.take()%len(m.into)])
		for _, one := range m.into[:n] {
			m.is(r.next, one)
			size -= uint64(len(one.Payload))
			r.next++
		}
		if size != 0 || r.Sequence() != StartSequence+uint64(r.next) {
			m.Fatalf("after a batch of %d the next is number %d, its size is wrong by %d", n, r.Sequence(), int64(size))
		}
		return
	case 9:
		if got, err = r.Lease(); err == nil && !r.Valid() {
			m.Fatal("a lease is not valid at once")
		}
	case 10:
		r.Publish()
		return
	default:
		got, err = r.Next()
	}
	var lap *Lapped
	switch {
	case errors.As(err, &lap):
		bytes := uint64(0)
		for _, one := range m.sent[r.next:][:lap.Messages] {
			bytes += uint64(len(one.Payload))
		}
		if r.next += int(lap.Messages); lap.Bytes != bytes || lap.Next != StartSequence+uint64(r.next) || lap.Next != r.Sequence() {
			m.Fatalf("%v; they are %d bytes", lap, bytes)
		}
	case err == ErrEmpty:
		if r.next != len(m.sent) {
			m.Fatalf("empty before message %d of %d", r.next, len(m.sent))
		}
	case err != nil:
		m.Fatal(err)
	default:
		m.is(r.next, got)
		r.next++
	}
}

// castOperations does what the bytes say with a ring whose kind the first of them
// says.
func castOperations(t *testing.T, ops []byte) {
	m := &castModel{ops: ops, into: make([]Message, 20)}
	g := lossy()
	kind := m.take()
	if kind%2 == 1 {
		g = lossless()
	}
	g.Checksum = kind%8 == 7
	m.testCast = newCast(t, g, StartPosition, StartSequence)
	for i := range 3 {
		m.subs = append(m.subs, &castReader{gated: g.Gates > 0 && i < 2})
		m.join(i)
	}
	m.run()
}

func TestABroadcastRingDoesWhatAListWouldDo(t *testing.T) {
	for seed := range uint64(some(300)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			ops := make([]byte, 2000)
			for i := range ops {
				ops[i] = byte(rnd.Uint32())
			}
			castOperations(t, ops)
		})
	}
}

// FuzzOperationsOnABroadcastRing is the same for operations that a fuzzer thinks
// of.
func FuzzOperationsOnABroadcastRing(f *testing.F) {
	f.Add([]byte{0, 1, 5, 8, 1, 1, 1, 1, 1, 11, 7, 3, 5, 2, 3})
	f.Add([]byte{1, 2, 39, 16, 1, 2, 3, 4, 4, 5, 2, 1, 9, 11, 6})
	f.Add([]byte{7, 3, 20, 30, 1, 0, 1, 9, 6, 11})
	f.Fuzz(func(t *testing.T, ops []byte) {
		castOperations(t, ops[:min(len(ops), 4000)])
	})
}
