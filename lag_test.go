package ringway_test

import (
	"errors"
	"os"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/inspect"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/ring"
)

// publish sends so many messages of 100 bytes.
func publish(t *testing.T, p *ringway.Publisher, n int) {
	t.Helper()
	for range n {
		if err := p.Send(t.Context(), make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
}

// wantLag fails the test unless the one subscriber there is has that lag, and is
// where it thinks it is.
func wantLag(t *testing.T, when string, found inspect.Section, s *ringway.Subscriber, want uint64) {
	t.Helper()
	lag, ok := found.Lag()
	if !ok || lag != want {
		t.Errorf("%s: lag %d, %t; want %d: %+v", when, lag, ok, want, found.Participants)
	}
	for _, p := range found.Participants {
		if p.Role == "subscriber" && p.Next != s.Sequence() {
			t.Errorf("%s: the next is number %d, want %d", when, p.Next, s.Sequence())
		}
	}
}

func hasLag(s inspect.Section) bool {
	_, ok := s.Lag()
	return ok
}

func TestHowFarASubscriberIsBehindIsSeenFromOutside(t *testing.T) {
	for name, opts := range map[string][]ringway.Option{"lossy": nil, "lossless": {ringway.Lossless()}} {
		t.Run(name, func(t *testing.T) {
			ctx := within(t)
			r := newRingOf(t, ringway.Broadcast, append(opts, ringway.Capacity(4096))...)
			p := publisher(t, r)
			outside := func() inspect.Section { return inspect.Look(r.Name(), "") }
			if now := outside(); hasLag(now) {
				t.Errorf("nobody is behind: %+v", now)
			}
			s := subscriber(t, r)
			wantLag(t, "new", outside(), s, 0)
			publish(t, p, 10)
			wantLag(t, "nothing received", outside(), s, 10)
			if _, err := s.Recv(ctx); err != nil {
				t.Fatal(err)
			}
			if n, err := s.RecvBatch(ctx, make([]ringway.Message, 3)); n != 3 || err != nil {
				t.Fatal(n, err)
			}
			if _, err := s.Lease(ctx); err != nil {
				t.Fatal(err)
			}
			wantLag(t, "five received", outside(), s, 5)
			if name == "lossy" {
				publish(t, p, 100)
				if s.Valid() {
					t.Fatal("the lease survived a lap")
				}
				if _, err := s.Recv(ctx); !errors.Is(err, ringway.ErrLapped) {
					t.Fatal(err)
				}
				wantLag(t, "lapped", outside(), s, 111-s.Sequence())
			}
			for {
				if _, err := s.TryRecv(); err == ringway.ErrEmpty {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			wantLag(t, "all received", outside(), s, 0)
			// Who comes to the same place begins anew.
			_ = s.Close()
			if hasLag(outside()) {
				t.Error("who has left is behind")
			}
			publish(t, p, 3)
			s = subscriber(t, r, ringway.FromOldest())
			before := outside()
			wantLag(t, "from the oldest", before, s, before.Ring.Sequence-s.Sequence())
			if _, err := s.Recv(ctx); err != nil {
				t.Fatal(err)
			}
			wantLag(t, "one received", outside(), s, before.Ring.Sequence-s.Sequence())
			_ = s.Close()
			if name == "lossy" { // what it asks for is gone
				s = subscriber(t, r, ringway.FromSequence(1))
				if _, err := s.Recv(ctx); !errors.Is(err, ringway.ErrLapped) {
					t.Fatal(err)
				}
				wantLag(t, "too late", outside(), s, before.Ring.Sequence-s.Sequence())
			}
		})
	}
}

func TestADeadSubscriberHasNoLag(t *testing.T) {
	r := newRingOf(t, ringway.Broadcast)
	child := proctest.Run(t, "subscribe", r.Name(), "")
	child.Expect("attached")
	p := publisher(t, r)
	if s := inspect.Look(r.Name(), ""); s.Living() != 2 || s.Participants[1].Lag == nil {
		t.Errorf("%+v", s)
	}
	child.Kill()
	publish(t, p, 5)
	if s := inspect.Look(r.Name(), ""); s.Dead() != 1 || s.Participants[1].Lag != nil || s.Participants[1].Next != 0 {
		t.Errorf("%+v", s)
	}
}

func TestASubscriberThatMayNotWriteIsSeenByItsOwnProgram(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.Broadcast, ringway.Capacity(4096), ringway.SampleLatency(1))
	p, ro := publisher(t, r), readOnly(t, r)
	s := subscriber(t, ro)
	publish(t, p, 5)
	if _, err := s.Recv(ctx); err != nil {
		t.Fatal(err)
	}
	if outside := inspect.Look(r.Name(), ""); len(outside.Participants) != 1 || outside.Counts[ring.ReceivedMessages] != 0 {
		t.Errorf("from outside: %+v", outside)
	}
	wantLag(t, "one of five received", ro.Inspect(), s, 4)
	publish(t, p, 100)
	if _, err := s.Recv(ctx); !errors.Is(err, ringway.ErrLapped) {
		t.Fatal(err)
	}
	now := ro.Inspect()
	wantLag(t, "lapped", now, s, 106-s.Sequence())
	if who := now.Participants[1]; who.Slot != -1 || who.State != "alive" || who.PID != os.Getpid() || who.Role != "subscriber" || who.Since.IsZero() ||
		who.Counts[ring.ReceivedMessages] != 1 || who.Counts[ring.MissedMessages] != s.Missed() {
		t.Errorf("%+v", who)
	}
	timed := (*ring.Durations)(now.OneWay).Count()
	if now.Counts[ring.ReceivedMessages] != 1 || now.Counts[ring.MissedMessages] != s.Missed() || s.Missed() == 0 || timed != 1 {
		t.Errorf("%+v, %d timed", now.Counts, timed)
	}
	// What it has counted stays when it goes, as it does in the section.
	_ = s.Close()
	after := ro.Inspect()
	if len(after.Participants) != 1 || after.Counts != now.Counts || (*ring.Durations)(after.OneWay).Count() != timed {
		t.Errorf("after it has left: %+v", after)
	}
	if hasLag(after) {
		t.Error("who has left is behind")
	}
}
