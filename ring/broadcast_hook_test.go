//go:build shmtest

package ring

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// Whatever a subscriber does, the publisher may do anything between any two of
// its accesses, a load of each word of a payload among them.
func TestOverwrittenUnderTheReadersEyesAtEveryWord(t *testing.T) {
	for _, resume := range []Start{Oldest, Newest} {
		for name, read := range map[string]func(s *testSub) error{
			"Next": (*testSub).recv,
			"NextBatch": func(s *testSub) error {
				return s.recvBatch(5)
			},
			"Lease": func(s *testSub) error {
				m, err := s.Lease()
				if err != nil {
					return s.take(m, err)
				}
				if !s.Leased() { // one of several in a frame: a copy
					return s.take(m, nil)
				}
				got := make([]byte, len(m.Payload))
				mem.Of(s.r.body).Slice(s.r.dataOff(s.lease.pos)+s.lease.pos%8, 0) // panics if it isn't aligned
				for i := range got {
					got[i] = m.Payload[i]
					if i%16 == 0 {
						s.intact(s.lease.pos) // an access
					}
				}
				if !s.Valid() {
					return nil
				}
				m.Payload = got
				return s.take(m, nil)
			},
			"Last": func(s *testSub) error {
				b, seq, typ, err := s.Last(nil)
				if err != nil {
					return err
				}
				i := int(seq - s.r.first)
				if string(b) != string(payload(i, castSize(i))) || typ != castType(i) {
					return fmt.Errorf("message %d is %d bytes of type %#x", i, len(b), typ)
				}
				return s.recv()
			},
			"subscribe": func(s *testSub) error {
				for _, o := range []BroadcastOptions{{Start: Oldest}, {Start: Newest}, {Start: AtSequence, Sequence: s.Sequence()}} {
					n, err := NewBroadcastSubscriber(s.r.g, s.r.body, o)
					if err != nil {
						return err
					}
					late := &testSub{BroadcastSubscriber: n, r: s.r, next: int(n.Sequence() - s.r.first)}
					if n.owed > 0 { // bytes aren't known
						if m, err := late.Next(); !errors.Is(err, ErrLapped) {
							return fmt.Errorf("asked for %d, got %d: %d bytes, %v", o.Sequence, n.Sequence(), len(m.Payload), err)
						}
						late.next = int(n.Sequence() - s.r.first)
					}
					if err := late.recv(); err != nil && err != ErrEmpty {
						return err
					}
				}
				return s.recv()
			},
		} {
			for _, burst := range []int{1, 3, 20, 60, 400, -1, -20, -400} { // less than 0: in batches
				t.Run(fmt.Sprintf("%s,resume=%d,burst=%d", name, resume, burst), func(t *testing.T) {
					packs, burst := burst < 0, max(burst, -burst)
					// Where many laps go by, all but the rest of the last is the same.
					step := 1 + burst/100
					for k, n := 1, 1; k <= n; k += step {
						r := newCast(t, lossy(), StartPosition, StartSequence)
						r.packs = packs
						s := r.subscribe(BroadcastOptions{Start: Oldest, Resume: resume})
						r.send(34) // nearly a lap
						for range 3 {
							stop := between(t, k, func(*mem.Access) { r.send(burst) })
							err := read(s)
							n = max(n, stop())
							if err != nil && err != ErrEmpty {
								t.Fatalf("access %d: %v", k, err)
							}
						}
						s.drain()
						if s.got+int(s.missed) != r.sent {
							t.Fatalf("access %d: %d received, %d missed, %d sent", k, s.got, s.missed, r.sent)
						}
					}
				})
			}
		}
	}
}

func TestSubscriberMayRunBetweenAnyTwoAccessesOfThePublisher(t *testing.T) {
	for _, g := range []Geometry{lossy(), lossless()} {
		for k, n := 0, 0; k <= n; k++ {
			r := newCast(t, g, StartPosition, StartSequence)
			near, far := r.subscribe(BroadcastOptions{Start: Oldest}), r.subscribe(BroadcastOptions{Start: Oldest, Resume: Oldest})
			subs := []*testSub{near}
			if g.Gates > 0 {
				subs = append(subs, r.gated(1))
			}
			look := func(s *testSub) {
				for {
					err := s.recv()
					if err == ErrEmpty || err == io.EOF {
						break
					}
					if err != nil {
						t.Fatalf("access %d: %v", k, err)
					}
				}
				s.Publish()
			}
			ahead := 0
			stop := between(t, k, func(*mem.Access) {
				for _, s := range subs {
					look(s)
				}
				_ = far.recv()
				if b, seq, _, err := far.Last(nil); err == nil {
					if i := int(seq - r.first); i < ahead || string(b) != string(payload(i, castSize(i))) {
						t.Fatalf("access %d: the last message is number %d, %d were there", k, i, ahead)
					} else {
						ahead = i
					}
				}
				late, err := NewBroadcastSubscriber(g, r.body, BroadcastOptions{Start: Newest})
				if err != nil || late.Sequence()-r.first < uint64(ahead) {
					t.Fatalf("access %d: a late one begins with %d, %v; %d were there", k, late.Sequence(), err, ahead)
				}
			})
			for range 60 {
				r.send(1)
				if k > 0 {
					unhooked(func() {
						for _, s := range subs[1:] {
							look(s)
						}
					})
				}
			}
			n = max(n, min(stop(), 700))
			look(far)
			if far.got+int(far.missed) != r.sent {
				t.Fatalf("access %d: %d received, %d missed, %d sent", k, far.got, far.missed, r.sent)
			}
			for _, s := range subs[1:] {
				look(s)
				if s.missed > 0 || s.got != r.sent {
					t.Fatalf("access %d: a gated one missed %d", k, s.missed)
				}
			}
		}
	}
}

// Killed at every access, the publisher leaves a ring that its successor, and
// subscribers of all sorts, go on with: no message torn, none twice, no number
// used twice.
func TestThePublisherMayBeKilledAtAnyAccess(t *testing.T) {
	acts := map[string]func(r *testCast){
		"send":  func(r *testCast) { r.send(1) },
		"batch": func(r *testCast) { _, _ = r.p.TrySendBatch(0, batch(7000, 30, 100, 8, 250)) },
		"alike": func(r *testCast) { _, _ = r.p.TrySendBatch(0, batch(7000, 30, 40, 40, 40)) },
		"claim": func(r *testCast) {
			b, _ := r.p.Claim(300)
			copy(b, payload(7000, 300))
			r.p.Commit(5, 70)
		},
		"large":  func(r *testCast) { _ = r.p.TrySend(5, payload(7000, 1500)) },
		"attach": func(r *testCast) { r.restart() },
		"end":    func(r *testCast) { r.p.End() },
	}
	for name, act := range acts {
		for _, g := range []Geometry{lossy(), lossless()} {
			t.Run(fmt.Sprintf("%s,gates=%d", name, g.Gates), func(t *testing.T) {
				for before := range 45 {
					for k, n := 1, 1; k <= n; k++ {
						r := newCast(t, g, StartPosition, StartSequence)
						near, far := r.subscribe(BroadcastOptions{Start: Oldest}), r.subscribe(BroadcastOptions{Start: Oldest, Resume: Oldest})
						for range before {
							r.send(1)
							near.drain()
						}
						sent := r.p.Sequence()
						stop := between(t, k, func(*mem.Access) { panic(death{}) })
						died := dies(func() { act(r) })
						n = max(n, stop())
						if !died {
							continue
						}
						p, err := NewBroadcastPublisher(g, r.body)
						if name == "end" && errors.Is(err, ErrClosed) {
							continue
						}
						if err != nil {
							t.Fatalf("%d messages before, access %d: %v", before, k, err)
						}
						r.p = p
						// What the dead one sent counts as a whole or not at all.
						more := int(p.Sequence() - sent)
						want := map[string]int{"send": 1, "batch": 4, "alike": 4, "claim": 1, "large": 1}[name]
						if more != 0 && more != want {
							t.Fatalf("%d messages before, access %d: %d are there of %d", before, k, more, want)
						}
						for range more {
							m, err := near.Next()
							if err != nil || len(m.Payload) == 0 && name != "send" {
								t.Fatalf("%d messages before, access %d: what the dead one sent: %v", before, k, err)
							}
						}
						if p.Sequence() != near.Sequence() {
							t.Fatalf("%d messages before, access %d: number %d here, %d there", before, k, near.Sequence(), p.Sequence())
						}
						near.next, r.sent = before+more, before+more
						for range 30 {
							r.send(1)
							near.drain()
						}
						if near.missed > 0 {
							t.Fatalf("%d messages before, access %d: %d missed", before, k, near.missed)
						}
						if got := readAll(t, far); got != p.Sequence()-StartSequence {
							t.Fatalf("%d messages before, access %d: the slow one counts %d of %d", before, k, got, p.Sequence()-StartSequence)
						}
					}
				}
			})
		}
	}
}

// readAll counts what a subscriber receives and misses, without a look at it.
func readAll(t *testing.T, s *testSub) (n uint64) {
	t.Helper()
	for {
		_, err := s.Next()
		var lap *Lapped
		switch {
		case err == ErrEmpty || err == io.EOF:
			return n
		case errors.As(err, &lap):
			n += lap.Messages
		case err != nil:
			t.Fatal(err)
		default:
			n++
		}
	}
}

func TestAMessageTakesFewAccesses(t *testing.T) {
	// The costs that the design promises, in calls of the hook, two for each
	// access.
	r := newCast(t, lossy(), StartPosition, StartSequence)
	s := r.subscribe(BroadcastOptions{})
	r.send(1)
	r.p.TrySend(0, make([]byte, 8))
	readAll(t, s)
	b := payload(1, 8)
	stop := between(t, -1, nil)
	r.p.TrySend(0, b)
	if n := stop(); n > 6 { // payload, next header, header
		t.Errorf("TrySend calls the hook %d times", n)
	}
	stop = between(t, -1, nil)
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	if n := stop(); n > 6 { // header, payload, intent
		t.Errorf("Next calls the hook %d times", n)
	}
}
