package ring

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
)

// survives has a subscriber read whatever there is, for a while: it may get
// anything, but only errors that are documented, and an end.
func survives(t *testing.T, s *BroadcastSubscriber, calls int) {
	t.Helper()
	for i := range calls {
		var m Message
		var err error
		switch i % 4 {
		case 0:
			_, _, _, err = s.Last(nil)
		case 1:
			if m, err = s.Lease(); err == nil {
				s.Valid()
			}
		default:
			m, err = s.Next()
		}
		if len(m.Payload) > castCapacity/2 {
			t.Fatalf("a message of %d bytes", len(m.Payload))
		}
		if err != nil && err != ErrEmpty && err != io.EOF && !errors.Is(err, ErrLapped) && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		s.Publish()
	}
}

func TestNonsenseInAnyWordDoesNotHarmASubscriber(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	eachCast(t, func(t *testing.T, r *testCast) {
		r.send(200)
		whole := bytes.Clone(r.body)
		s := r.subscribe(BroadcastOptions{Start: Oldest, Resume: Oldest})
		gate := BroadcastOptions{Gated: r.g.Gates > 0, Gate: 1, Start: Oldest}
		g := r.subscribe(gate)
		for off := uint64(0); off < r.g.BodySize(); off += 8 {
			if off > r.g.dataOffset() && off%136 != 0 || some(10) < 10 && off%24 != 0 {
				continue
			}
			copy(r.body, whole)
			for _, v := range []uint64{0, ^uint64(0), 1, 8, uint64(MakeHeader(1<<31, 0, 0)), 1 << 63, rnd.Uint64(), rnd.Uint64() &^ 7,
				binary.LittleEndian.Uint64(r.body[off:]) + 8, binary.LittleEndian.Uint64(r.body[off:]) - 1<<40,
				uint64(MakeHeader(64, 0, FlagPad)), uint64(MakeHeader(4088, 0, FlagPad) ^ lapTag(StartPosition+4096, 12))} {
				r.setWord(off, v)
				for _, from := range []*testSub{s, g} {
					one := *from.BroadcastSubscriber
					survives(t, &one, 12)
				}
				for _, o := range []BroadcastOptions{{Start: Oldest}, {Start: Newest}, {Start: AtSequence, Sequence: 190}, gate} {
					if late, err := NewBroadcastSubscriber(r.g, r.body, o); err == nil {
						survives(t, late, 8)
					} else if err != ErrEmpty && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrBadArgument) {
						t.Fatal(err)
					}
				}
			}
		}
	})
}

func TestRandomNonsenseDoesNotHarmASubscriber(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		rnd := rand.New(rand.NewPCG(3, 4))
		for range 200 {
			r.send(20)
			s := r.subscribe(BroadcastOptions{Start: Oldest, Resume: Oldest})
			copyOf := slices.Clone(r.body)
			for range 1 << rnd.IntN(10) {
				r.setWord(rnd.Uint64N(r.g.BodySize()/8)*8, rnd.Uint64())
			}
			survives(t, s.BroadcastSubscriber, 100)
			copy(r.body, copyOf)
		}
	})
}

// Of what others can write, the publisher of a lossy ring reads nothing; that of a
// lossless one, gates.
func TestAScribblerIsNothingToThePublisher(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		rnd := rand.New(rand.NewPCG(5, 6))
		honest := newCast(t, r.g, StartPosition, StartSequence)
		for range 100 {
			for off := uint64(0); off < r.g.BodySize(); off += 8 {
				r.setWord(off, rnd.Uint64())
			}
			r.sendAllBurying(20)
			honest.sendAllBurying(20)
			if r.p.Position() != honest.p.Position() || r.p.Sequence() != honest.p.Sequence() {
				t.Fatalf("position %#x, number %d; want %#x and %d", r.p.Position(), r.p.Sequence(), honest.p.Position(), honest.p.Sequence())
			}
		}
	})
}

// sendAllBurying sends n messages and buries whoever is in the way.
func (r *testCast) sendAllBurying(n int) {
	r.Helper()
	for end := r.sent + n; r.sent < end; {
		err := r.p.TrySend(castType(r.sent), payload(r.sent, castSize(r.sent)))
		if err == nil {
			r.sent++
		} else if err != ErrFull || !r.p.Bury(r.p.Slowest()) {
			r.Fatal(err)
		}
	}
}

func TestAPublisherDoesNotAttachToNonsense(t *testing.T) {
	eachCast(t, func(t *testing.T, r *testCast) {
		r.send(100)
		whole := bytes.Clone(r.body)
		for name, break1 := range map[string]func(){
			"no such checkpoint": func() { r.setWord(offLatest, r.p.Position()+1<<20) },
			"odd position":       func() { r.setWord(offLatest, r.p.latest|1) },
			"intent far ahead":   func() { r.setWord(offIntent, r.p.limit+castCapacity) },
			"intent behind":      func() { r.setWord(offIntent, r.p.Position()-8) },
			"torn checkpoint":    func() { r.setWord(controlSize+r.g.gatesSize()+r.p.markOf(r.p.latest), r.p.latest|1) },
			"nonsense header":    func() { r.setWord(r.dataOff(r.p.latest), uint64(MakeHeader(8, 0, 0xff)^lapTag(r.p.latest, r.p.shift))) },
			"frame beyond the end": func() {
				r.setWord(r.dataOff(r.p.latest), uint64(MakeHeader(4000, 0, r.p.flags)^lapTag(r.p.latest, r.p.shift)))
			},
		} {
			copy(r.body, whole)
			break1()
			if _, err := NewBroadcastPublisher(r.g, r.body); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestChangedPayloadIsFoundByItsChecksum(t *testing.T) {
	g := lossy()
	g.Checksum = true
	r := newCast(t, g, StartPosition, StartSequence)
	s := r.subscribe(BroadcastOptions{Start: Oldest})
	if err := r.p.TrySend(3, payload(1, 100)); err != nil {
		t.Fatal(err)
	}
	r.body[r.dataOff(StartPosition)+50] ^= 1
	for what, err := range map[string]error{
		"Next":  func() error { _, err := s.Next(); return err }(),
		"Lease": func() error { _, err := s.Lease(); return err }(),
		"Last":  func() error { _, _, _, err := s.Last(nil); return err }(),
	} {
		if !errors.Is(err, ErrCorrupt) || !contains(err, "xxhash64") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
