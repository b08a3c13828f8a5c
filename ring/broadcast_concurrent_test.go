package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"
)

// stamped returns a message that tells whether it is torn: every word of it is
// made of its number.
func stamped(b []byte, n uint64) []byte {
	size := n * 7 % 150 &^ 7
	b = b[:0]
	for i := uint64(0); i <= size; i += 8 {
		b = binary.LittleEndian.AppendUint64(b, n*0x9E3779B97F4A7C15+i)
	}
	return b
}

func TestConcurrentSubscribersGetEachMessageWholeOrLearnThatTheyMissedIt(t *testing.T) {
	for _, gates := range []uint64{0, 2} {
		t.Run(fmt.Sprintf("gates=%d", gates), func(t *testing.T) {
			messages := uint64(some(60_000))
			g := Geometry{Kind: Broadcast, Capacity: castCapacity, Gates: gates}
			r := newCast(t, g, StartPosition, StartSequence)
			var all sync.WaitGroup
			for i := range 3 {
				gated := i < int(gates)
				s, err := NewBroadcastSubscriber(g, r.body, BroadcastOptions{Start: Oldest, Resume: Start(i % 2), Gated: gated, Gate: i})
				if err != nil {
					t.Fatal(err)
				}
				all.Go(func() {
					var buf []byte
					got, missed := uint64(0), uint64(0)
					into := make([]Message, 9)
					for {
						if i != 1 {
							n, _ := s.NextBatch(into)
							for j, m := range into[:n] {
								got++
								number := s.Sequence() - uint64(n-j)
								if buf = stamped(buf, number); string(m.Payload) != string(buf) {
									t.Errorf("message %d of a batch: %x", number, m.Payload)
									return
								}
							}
							if s.Due() {
								s.Publish()
							}
						}
						m, err := s.Next()
						var lap *Lapped
						switch {
						case err == nil:
							got++
							if buf = stamped(buf, s.Sequence()-1); string(m.Payload) != string(buf) {
								t.Errorf("message %d: %x", s.Sequence()-1, m.Payload)
								return
							}
							if s.Due() {
								s.Publish()
							}
						case err == ErrEmpty:
							s.Publish()
							runtime.Gosched()
						case errors.As(err, &lap):
							missed += lap.Messages
						case err == io.EOF:
							if got+missed != messages || gated && missed > 0 {
								t.Errorf("%d received, %d missed, %d sent", got, missed, messages)
							}
							return
						default:
							t.Error(err)
							return
						}
					}
				})
			}
			all.Go(func() {
				var buf []byte
				for n := uint64(1); n <= messages; n++ {
					buf = stamped(buf, n)
					for {
						err := r.p.TrySend(0, buf)
						if err == nil {
							break
						}
						if err != ErrFull {
							t.Error(err)
							return
						}
						runtime.Gosched()
					}
					if n%64 == 0 {
						runtime.Gosched()
					}
				}
				r.p.End()
			})
			all.Wait()
		})
	}
}

// Subscribers come and go while the publisher sends, some of them with a gate.
func TestWhoJoinsALosslessRingMissesNothingFromThereOn(t *testing.T) {
	messages := uint64(some(30_000))
	g := lossless()
	r := newCast(t, g, StartPosition, StartSequence)
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			var buf []byte
			for round := uint32(1); ; round++ {
				s, err := NewBroadcastSubscriber(g, r.body, BroadcastOptions{Start: Start(round % 2), Gated: true, Gate: i, Incarnation: round})
				if err == ErrEmpty {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				for n := 0; n < 50; {
					m, err := s.Next()
					switch err {
					case nil:
						n++
						if buf = stamped(buf, s.Sequence()-1); string(m.Payload) != string(buf) {
							t.Errorf("message %d: %x", s.Sequence()-1, m.Payload)
							return
						}
						if s.Due() {
							s.Publish()
						}
					case ErrEmpty:
						s.Publish()
						runtime.Gosched()
					case io.EOF:
						s.Leave()
						return
					default:
						t.Errorf("round %d: %v", round, err)
						s.Leave()
						return
					}
				}
				s.Leave()
			}
		})
	}
	all.Go(func() {
		var buf []byte
		for n := uint64(1); n <= messages; {
			buf = stamped(buf, n)
			switch err := r.p.TrySend(0, buf); err {
			case nil:
				n++
			case ErrFull:
				runtime.Gosched()
			default:
				t.Error(err)
				return
			}
		}
		r.p.End()
	})
	all.Wait()
}
