package ringway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/ring"
)

// publishNumbers is a child: it publishes numbered messages in all ways that
// there are, for ever.
func publishNumbers(args []string) {
	ctx := context.Background()
	r, err := ringway.OpenRing(args[0])
	if err != nil {
		proctest.Fail(err)
	}
	p, err := r.Publisher()
	if err != nil {
		proctest.Fail(err)
	}
	fmt.Println("attached")
	var b []byte
	for {
		b = sequenced(b, p.Sequence())
		switch p.Sequence() % 3 {
		case 0:
			err = p.Send(ctx, b)
		case 1:
			var room []byte
			if room, err = p.Claim(ctx, len(b)+50); err == nil {
				copy(room, b)
				err = p.CommitTyped(0, len(b))
			}
		case 2:
			n := p.Sequence()
			_, err = p.SendBatch(ctx, [][]byte{b, sequenced(nil, n+1), sequenced(nil, n+2)})
		}
		if err != nil {
			proctest.Fail(err)
		}
	}
}

// subscribeNumbers is a child: it receives and checks, for ever, and says so now
// and then. It stays for all publishers that come.
func subscribeNumbers(args []string) {
	ctx := context.Background()
	var opts []ringway.Option
	if args[1] == "read-only" {
		opts = append(opts, ringway.ReadOnly())
	}
	r, err := ringway.OpenRing(args[0], opts...)
	if err != nil {
		proctest.Fail(err)
	}
	s, err := r.Subscribe(ringway.FromOldest())
	if err != nil {
		proctest.Fail(err)
	}
	fmt.Println("attached")
	c := checker{s: s}
	first := s.Sequence()
	for {
		err := c.next(ctx)
		if err == io.EOF {
			fmt.Println("end", first, c.got, c.missed, c.deaths)
			proctest.Pause()
			return
		}
		if err != nil {
			proctest.Fail(err)
		}
		if c.got%1000 == 999 {
			fmt.Println("going on", c.got)
		}
	}
}

func TestKilledPublishersLeaveNoGapAndNothingTorn(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]ringway.Option{nil, {ringway.Lossless()}} {
		ctx := within(t)
		r := newRingOf(t, ringway.Broadcast, append(opts, ringway.Capacity(16<<10))...)
		var children []*proctest.Child
		for _, how := range []string{"read-only", "writing"} {
			child := proctest.Run(t, "subscribe", r.Name(), how)
			child.Expect("attached")
			children = append(children, child)
		}
		mine := &checker{s: subscriber(t, r, ringway.FromOldest())}
		for range kills() {
			child := proctest.Run(t, "publish", r.Name())
			child.Expect("attached")
			for range rand.IntN(5000) {
				if err := mine.next(ctx); err != nil {
					t.Fatal(err)
				}
			}
			child.Kill()
		}
		p := publisher(t, r)
		if err := p.End(); err != nil {
			t.Fatal(err)
		}
		if err := mine.all(ctx); err != nil {
			t.Fatal(err)
		}
		sent := p.Sequence() - 1
		if mine.got+mine.missed != sent || opts != nil && mine.missed > 0 {
			t.Errorf("%d received, %d missed, %d sent", mine.got, mine.missed, sent)
		}
		for i, child := range children {
			var line string
			for line = child.Line(); strings.HasPrefix(line, "going on"); line = child.Line() {
			}
			var first, got, missed uint64
			if _, err := fmt.Sscanf(line, "end %d %d %d", &first, &got, &missed); err != nil || first-1+got+missed != sent {
				t.Errorf("subscriber %d says %q, %d are sent: %v", i, line, sent, err)
			}
			if opts != nil && i == 1 && missed > 0 {
				t.Errorf("a subscriber of a lossless ring missed %d", missed)
			}
		}
	}
}

func TestKilledSubscribersHoldNobodyUp(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	for _, wait := range []ringway.WaitStrategy{ringway.Adaptive, ringway.Yield} {
		r := newRingOf(t, ringway.Broadcast, ringway.Lossless(), ringway.Participants(3), ringway.Capacity(8192), ringway.Wait(wait))
		p := publisher(t, r)
		mine := &checker{s: subscriber(t, r, ringway.FromOldest())}
		var b []byte
		for range kills() / 4 {
			child := proctest.Run(t, "subscribe", r.Name(), "writing")
			child.Expect("attached")
			stop := p.Sequence() + rand.Uint64N(300)
			child.Kill()
			for p.Sequence() < stop+200 {
				b = sequenced(b, p.Sequence())
				if err := p.Send(ctx, b); err != nil {
					t.Fatal(err)
				}
				if err := mine.next(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		if mine.missed > 0 || mine.s.Sequence() != p.Sequence() {
			t.Errorf("%d missed; number %d here, %d there", mine.missed, mine.s.Sequence(), p.Sequence())
		}
		if n := countOf(r, ring.Recoveries); n == 0 {
			t.Error("no dead subscriber was counted")
		}
	}
}

// countOf returns a counter of the ring's.
func countOf(r *ringway.Ring, k ring.Counter) uint64 { return r.Inspect().Counts[k] }

func TestTryingToSendGetsPastADeadSubscriber(t *testing.T) {
	r := newRingOf(t, ringway.Broadcast, ringway.Lossless(), ringway.Capacity(4096))
	p := publisher(t, r)
	child := proctest.Run(t, "subscribe", r.Name(), "writing")
	child.Expect("attached")
	child.Kill()
	for range 500 {
		if err := p.TrySend(sequenced(nil, p.Sequence())); err != nil {
			t.Fatal(err)
		}
	}
}

func TestALivingSubscriberIsWaitedForUntilItIsEvicted(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.Broadcast, ringway.Lossless(), ringway.Capacity(4096), ringway.EvictAfter(time.Millisecond))
	slow := &checker{s: subscriber(t, r)}
	stubborn, err := ringway.OpenRing(r.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer stubborn.Close()
	p := publisher(t, stubborn)
	for err = nil; err == nil; {
		err = p.TrySend(sequenced(nil, p.Sequence()))
	}
	if err != ringway.ErrFull {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := p.Send(short, make([]byte, 300)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("who doesn't evict got %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p = publisher(t, r)
	for range 300 {
		if err := p.Send(ctx, sequenced(nil, p.Sequence())); err != nil {
			t.Fatal(err)
		}
	}
	if n := countOf(r, ring.Evictions); n != 1 {
		t.Errorf("%d evictions are counted", n)
	}
	for slow.s.Sequence() < p.Sequence() {
		if err := slow.next(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if slow.missed == 0 || countOf(r, ring.MissedMessages) != slow.missed {
		t.Errorf("%d missed, %d are counted", slow.missed, countOf(r, ring.MissedMessages))
	}
	// From now on it's waited for again.
	if _, err := slow.s.TryRecv(); err != ringway.ErrEmpty {
		t.Fatal(err)
	}
	for err = nil; err == nil; {
		err = p.TrySend(sequenced(nil, p.Sequence()))
	}
	if err != ringway.ErrFull {
		t.Fatal(err)
	}
}

func TestThePublishersDeathIsToldOnceToASubscriberThatWaits(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.Broadcast)
	for name, from := range map[string]*ringway.Ring{"mapped to write": r, "read-only": readOnly(t, r)} {
		s := &checker{s: subscriber(t, from)}
		child := proctest.Run(t, "publish", r.Name())
		child.Expect("attached")
		child.Kill()
		for s.deaths == 0 {
			if err := s.next(ctx); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		p := publisher(t, r)
		if s.s.Sequence() != p.Sequence() {
			t.Errorf("%s: number %d here, %d there", name, s.s.Sequence(), p.Sequence())
		}
		if err := p.Send(ctx, sequenced(nil, p.Sequence())); err != nil {
			t.Fatal(err)
		}
		if err := s.next(ctx); err != nil || s.deaths != 1 {
			t.Errorf("%s: %v, %d deaths", name, err, s.deaths)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
