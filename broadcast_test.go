package ringway_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringway/ringway"
)

func publisher(t testing.TB, r *ringway.Ring) *ringway.Publisher {
	t.Helper()
	p, err := r.Publisher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func subscriber(t testing.TB, r *ringway.Ring, opts ...ringway.SubscribeOption) *ringway.Subscriber {
	t.Helper()
	s, err := r.Subscribe(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// readOnly opens the ring again without the right to write.
func readOnly(t testing.TB, r *ringway.Ring, opts ...ringway.Option) *ringway.Ring {
	t.Helper()
	ro, err := ringway.OpenRing(r.Name(), append(opts, ringway.ReadOnly())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ro.Close() })
	return ro
}

// sequenced is the message with a number: its words are made of that, so that a
// torn one shows.
func sequenced(b []byte, n uint64) []byte {
	b = binary.LittleEndian.AppendUint64(b[:0], n)
	for i := range n % 40 {
		b = binary.LittleEndian.AppendUint64(b, n*0x9E3779B97F4A7C15+i)
	}
	return b
}

// checker receives numbered messages and knows which may come.
type checker struct {
	s           *ringway.Subscriber
	want        []byte
	got, missed uint64
	deaths      int
}

// next receives the next message, or learns that some were missed, or that the
// publisher died.
func (c *checker) next(ctx context.Context) error {
	due := c.s.Sequence()
	m, err := c.s.Recv(ctx)
	var lap *ringway.Lapped
	switch {
	case errors.As(err, &lap):
		if !errors.Is(err, ringway.ErrLapped) || lap.Messages == 0 || lap.Next != due+lap.Messages || c.s.Sequence() != lap.Next {
			return fmt.Errorf("number %d was due, then %w", due, err)
		}
		c.missed += lap.Messages
		return nil
	case errors.Is(err, ringway.ErrPeerDead):
		c.deaths++
		return nil
	case err != nil:
		return err
	}
	if c.want = sequenced(c.want, due); string(c.want) != string(m.Payload) {
		return fmt.Errorf("message %d is %.40x…, %d bytes", due, m.Payload, len(m.Payload))
	}
	c.got++
	return nil
}

// all receives to the end.
func (c *checker) all(ctx context.Context) error {
	for {
		if err := c.next(ctx); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestEverySubscriberOfALosslessRingGetsEveryMessage(t *testing.T) {
	for _, wait := range []ringway.WaitStrategy{ringway.Adaptive, ringway.Yield, ringway.Park} {
		t.Run(wait.String(), func(t *testing.T) {
			ctx := within(t)
			r := newRingOf(t, ringway.Broadcast, ringway.Lossless(), ringway.Participants(4), ringway.Capacity(8192), ringway.Wait(wait))
			p := publisher(t, r)
			const messages = 6000
			var all sync.WaitGroup
			for i := range 3 {
				c := &checker{s: subscriber(t, r, ringway.FromOldest())}
				all.Go(func() {
					if err := c.all(ctx); err != nil || c.got != messages || c.missed > 0 {
						t.Errorf("subscriber %d: %d received, %d missed, %v", i, c.got, c.missed, err)
					}
				})
			}
			if _, err := r.Subscribe(); !errors.Is(err, ringway.ErrBusy) {
				t.Errorf("one more than there are places: %v", err)
			}
			var b []byte
			for p.Sequence() <= messages {
				b = sequenced(b, p.Sequence())
				var err error
				switch p.Sequence() % 3 {
				case 0:
					_, err = p.SendBatch(ctx, [][]byte{b})
				case 1:
					var room []byte
					if room, err = p.Claim(ctx, len(b)); err == nil {
						copy(room, b)
						err = p.Commit()
					}
				default:
					err = p.Send(ctx, b)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := p.End(); err != nil {
				t.Fatal(err)
			}
			all.Wait()
		})
	}
}

func TestASlowSubscriberOfALossyRingLearnsWhatItMissed(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.Broadcast, ringway.Capacity(4096), ringway.Checksums())
	p := publisher(t, r)
	subs := []*checker{{s: subscriber(t, r)}, {s: subscriber(t, r, ringway.ResumeNewest())}, {s: subscriber(t, readOnly(t, r))}}
	const messages = 3000
	var b []byte
	for p.Sequence() <= messages {
		b = sequenced(b, p.Sequence())
		if err := p.Send(ctx, b); err != nil {
			t.Fatal(err)
		}
		if p.Sequence()%100 == 0 {
			for _, c := range subs {
				if err := c.next(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	for i, c := range subs {
		if err := c.all(ctx); err != nil || c.got+c.missed != messages || c.missed == 0 || c.s.Missed() != c.missed {
			t.Errorf("subscriber %d: %d received, %d missed, it says %d, %d sent, %v", i, c.got, c.missed, c.s.Missed(), messages, err)
		}
	}
}

func TestLateSubscribersBeginWhereTheyAsk(t *testing.T) {
	r := newRingOf(t, ringway.Broadcast)
	p := publisher(t, r)
	for p.Sequence() <= 1000 {
		if err := p.TrySend(sequenced(nil, p.Sequence())); err != nil {
			t.Fatal(err)
		}
	}
	for name, from := range map[string]*ringway.Ring{"mapped to write": r, "read-only": readOnly(t, r)} {
		newest, oldest := subscriber(t, from), subscriber(t, from, ringway.FromOldest())
		if newest.Sequence() != 1000 || oldest.Sequence() != 1 {
			t.Errorf("%s: newest is %d, oldest %d", name, newest.Sequence(), oldest.Sequence())
		}
		if s := subscriber(t, from, ringway.FromSequence(700)); s.Sequence() != 700 {
			t.Errorf("%s: asked for 700, got %d", name, s.Sequence())
		}
		if _, err := from.Subscribe(ringway.FromSequence(1002)); !errors.Is(err, ringway.ErrBadArgument) || !strings.Contains(err.Error(), r.Name()) {
			t.Errorf("%s: asked for what was not sent: %v", name, err)
		}
		b, n, _, err := oldest.Last(nil)
		if err != nil || n != 1000 || string(b) != string(sequenced(nil, 1000)) || oldest.Sequence() != 1 {
			t.Errorf("%s: the last is %d of %d bytes, %v", name, n, len(b), err)
		}
	}
}

func TestALeaseTellsWhetherItIsStillValid(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.Broadcast, ringway.Capacity(4096))
	p, s := publisher(t, r), subscriber(t, r)
	send := func() {
		if err := p.Send(ctx, sequenced(nil, p.Sequence())); err != nil {
			t.Fatal(err)
		}
	}
	send()
	m, err := s.Lease(ctx)
	if err != nil || string(m.Payload) != string(sequenced(nil, 1)) || !s.Valid() {
		t.Fatalf("%x, %v", m.Payload, err)
	}
	for range 100 {
		send()
	}
	if s.Valid() || s.Valid() && s.Sequence() != 1 {
		t.Error("it's valid though it was overwritten")
	}
	var lap *ringway.Lapped
	if _, err := s.Recv(ctx); !errors.As(err, &lap) || s.Missed() != lap.Messages || lap.Next != 1+lap.Messages {
		t.Errorf("then comes %v", err)
	}
}

func TestBroadcastRolesAreKept(t *testing.T) {
	r := newRingOf(t, ringway.Broadcast)
	p := publisher(t, r)
	if _, err := r.Publisher(); !errors.Is(err, ringway.ErrBusy) {
		t.Errorf("a second publisher: %v", err)
	}
	ro := readOnly(t, r)
	if _, err := ro.Publisher(); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a publisher without the right to write: %v", err)
	}
	_, err1 := r.Producer()
	_, err2 := r.Consumer()
	spsc := newRing(t)
	_, err3 := spsc.Publisher()
	_, err4 := spsc.Subscribe()
	_, err5 := ringway.OpenRing(spsc.Name(), ringway.ReadOnly())
	for i, err := range []error{err1, err2, err3, err4, err5} {
		if !errors.Is(err, ringway.ErrBadArgument) || i < 5 && !strings.Contains(err.Error(), "spsc") && !strings.Contains(err.Error(), "broadcast") {
			t.Errorf("case %d: %v", i, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); !errors.Is(err, ringway.ErrClosed) {
		t.Errorf("closing twice: %v", err)
	}
	if err := p.TrySend(nil); !errors.Is(err, ringway.ErrClosed) {
		t.Errorf("sending after Close: %v", err)
	}
	publisher(t, r)
}

func TestALossyRingHasRoomForMoreSubscribersThanPlaces(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.Broadcast, ringway.Participants(2))
	p := publisher(t, r)
	var subs []*ringway.Subscriber
	for range 5 {
		subs = append(subs, subscriber(t, r))
	}
	if err := p.Send(ctx, sequenced(nil, 1)); err != nil {
		t.Fatal(err)
	}
	for _, s := range subs {
		if m, err := s.Recv(ctx); err != nil || string(m.Payload) != string(sequenced(nil, 1)) {
			t.Errorf("%x, %v", m.Payload, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCloseEndsASubscribersWait(t *testing.T) {
	ctx := within(t)
	for _, wait := range []ringway.WaitStrategy{ringway.Adaptive, ringway.Yield, ringway.Park, ringway.BusySpin} {
		r := newRingOf(t, ringway.Broadcast, ringway.Wait(wait))
		for name, from := range map[string]*ringway.Ring{"mapped to write": r, "read-only": readOnly(t, r, ringway.Wait(wait))} {
			s := subscriber(t, from)
			got := make(chan error, 1)
			go func() {
				_, err := s.Recv(ctx)
				got <- err
			}()
			runtime.Gosched()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-got; !errors.Is(err, ringway.ErrClosed) {
				t.Errorf("%v, %s: %v", wait, name, err)
			}
			short, cancel := context.WithTimeout(ctx, time.Millisecond)
			if _, err := subscriber(t, from).Recv(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, %s: after the deadline: %v", wait, name, err)
			}
			cancel()
		}
	}
}

func TestBroadcastAllocatesNothing(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.Broadcast, ringway.Lossless())
	p, s, ro := publisher(t, r), subscriber(t, r), subscriber(t, readOnly(t, r))
	b, last := make([]byte, 64), make([]byte, 0, 64)
	if n := testing.AllocsPerRun(500, func() {
		if err := p.Send(ctx, b); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*ringway.Subscriber{s, ro} {
			if _, err := s.Recv(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := s.TryRecv(); err != ringway.ErrEmpty {
				t.Fatal(err)
			}
			if _, _, _, err := s.Last(last); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%g allocations a message", n)
	}
}
