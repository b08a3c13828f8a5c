package ringway_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/ring"
	"github.com/ringway/ringway/shm"
)

// counted returns what all participants of a ring have counted, as a process
// sees it that has nothing to do with them.
func counted(t *testing.T, r *ringway.Ring) (total ring.Totals) {
	t.Helper()
	s, err := shm.Open(r.Name(), shm.OpenOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	table := s.Table()
	for at := 0; at < len(table); at += shm.EntrySize {
		ring.CountersOf(table[at+shm.EntryCounters:][:ring.CountersSize]).AddTo(&total)
	}
	return total
}

// wantCounts fails the test unless exactly these counters are not zero.
func wantCounts(t *testing.T, got ring.Totals, want map[ring.Counter]uint64) {
	t.Helper()
	for k, n := range got {
		if k := ring.Counter(k); n != want[k] {
			t.Errorf("%v: %d, want %d", k, n, want[k])
		}
	}
}

var topologies = []ringway.Kind{ringway.SPSC, ringway.MPMC}

func TestEveryWayToSendAndReceiveIsCounted(t *testing.T) {
	for _, kind := range topologies {
		t.Run(kind.String(), func(t *testing.T) {
			ctx := within(t)
			r := newRingOf(t, kind)
			p, c := ends(t, r)
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(p.Send(ctx, make([]byte, 1)))
			must(p.TrySendTyped(7, make([]byte, 10)))
			_, err := p.SendBatch(ctx, [][]byte{make([]byte, 100), make([]byte, 1000)})
			must(err)
			_, err = p.Claim(ctx, 50000)
			must(err)
			must(p.CommitTyped(3, 10000))
			_, err = p.Claim(ctx, 50000)
			must(err)
			p.Abort()
			if err := p.Send(ctx, make([]byte, r.MaxMessage()+1)); !errors.Is(err, ringway.ErrTooLarge) {
				t.Fatal(err)
			}
			sent := map[ring.Counter]uint64{ring.SentMessages: 5, ring.SentBytes: 11111}
			wantCounts(t, counted(t, r), sent)

			_, err = c.Recv(ctx)
			must(err)
			_, err = c.TryRecv()
			must(err)
			n, err := c.RecvBatch(ctx, make([]ringway.Message, 10))
			must(err)
			if n != 3 {
				t.Fatalf("%d messages", n)
			}
			if _, err := c.TryRecv(); err != ringway.ErrEmpty {
				t.Fatal(err)
			}
			sent[ring.ReceivedMessages], sent[ring.ReceivedBytes] = 5, 11111
			wantCounts(t, counted(t, r), sent)
		})
	}
}

func TestWaitsSleepsAndWakesAreCounted(t *testing.T) {
	for _, kind := range topologies {
		t.Run(kind.String(), func(t *testing.T) {
			ctx := within(t)
			r := newRingOf(t, kind, ringway.Wait(ringway.Park), ringway.Capacity(4096))
			p, c := ends(t, r)

			received := make(chan error)
			go func() {
				_, err := c.RecvAppend(ctx, nil)
				received <- err
			}()
			// Asleep, or about to be, once it says so.
			for counted(t, r)[ring.Sleeps] == 0 {
				time.Sleep(time.Millisecond)
			}
			if err := p.Send(ctx, make([]byte, 8)); err != nil {
				t.Fatal(err)
			}
			if err := <-received; err != nil {
				t.Fatal(err)
			}
			got := counted(t, r)
			if got[ring.EmptyWaits] != 1 || got[ring.FullWaits] != 0 || got[ring.Wakes] > 1 || got[ring.ReceivedMessages] != 1 {
				t.Errorf("after a receiver's wait: %v", got)
			}

			full := 0
			for ; p.TrySend(make([]byte, 100)) == nil; full++ {
			}
			before := counted(t, r)
			sent := make(chan error)
			go func() { sent <- p.Send(ctx, make([]byte, 100)) }()
			for counted(t, r)[ring.Sleeps] == before[ring.Sleeps] {
				time.Sleep(time.Millisecond)
			}
			for range full {
				if _, err := c.RecvAppend(ctx, nil); err != nil {
					t.Fatal(err)
				}
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			got = counted(t, r)
			if got[ring.FullWaits] != before[ring.FullWaits]+1 {
				t.Errorf("after a sender's wait: %v, before it %v", got, before)
			}
			if got[ring.SentMessages] != uint64(full)+2 {
				t.Errorf("%d messages counted, %d sent", got[ring.SentMessages], full+2)
			}
		})
	}
}

func TestAWakeIsCountedByTheOneWhoWakes(t *testing.T) {
	ctx := within(t)
	r := newRing(t, ringway.Wait(ringway.Park))
	p, c := ends(t, r)
	received := make(chan error)
	const n = 50
	go func() {
		for range n {
			if _, err := c.Recv(ctx); err != nil {
				received <- err
				return
			}
		}
		received <- nil
	}()
	sleeps := uint64(0)
	for range n {
		proctest.Until(t, "the receiver sleeps again", func() bool { return counted(t, r)[ring.Sleeps] > sleeps })
		sleeps = counted(t, r)[ring.Sleeps]
		if err := p.Send(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-received; err != nil {
		t.Fatal(err)
	}
	// Only the safety net could end a sleep otherwise, in the very moment.
	if wakes := counted(t, r)[ring.Wakes]; wakes == 0 || wakes > n {
		t.Errorf("%d wakes for %d messages to a parked receiver", wakes, n)
	}
}

func TestCountsOutliveTheirParticipants(t *testing.T) {
	for _, kind := range topologies {
		t.Run(kind.String(), func(t *testing.T) {
			ctx := within(t)
			r := newRingOf(t, kind)
			for range 3 {
				p, err := r.Producer()
				if err != nil {
					t.Fatal(err)
				}
				if err := p.Send(ctx, make([]byte, 5)); err != nil {
					t.Fatal(err)
				}
				if err := p.Close(); err != nil {
					t.Fatal(err)
				}
			}
			wantCounts(t, counted(t, r), map[ring.Counter]uint64{ring.SentMessages: 3, ring.SentBytes: 15})
		})
	}
}

func TestWhatAKilledProcessCountedStaysAndItsRecoveryIsCounted(t *testing.T) {
	r := newRing(t)
	child := proctest.Run(t, "hold", r.Name(), "producer")
	child.Expect("attached")
	child.Kill()
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	wantCounts(t, counted(t, r), map[ring.Counter]uint64{ring.Recoveries: 1})
}

func TestASweepIsCountedByTheSweeper(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.MPMC, ringway.Wait(ringway.Park))
	p, c := ends(t, r)
	child := proctest.Run(t, "claim", r.Name())
	child.Expect("claimed")
	if err := p.Send(ctx, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	child.Kill()
	if _, err := c.Recv(ctx); err != nil {
		t.Fatal(err)
	}
	got := counted(t, r)
	if got[ring.Recoveries] != 1 || got[ring.Abandoned] != 1 || got[ring.Redelivered] != 0 {
		t.Errorf("after a dead claimant: %v", got)
	}
	// A consumer that leaves with a message gives it back.
	if err := p.Send(ctx, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Recv(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := counted(t, r); got[ring.Redelivered] != 1 {
		t.Errorf("after a consumer left with a message: %v", got)
	}
}

func TestFailuresThatSayTheRingIsDamagedAreCounted(t *testing.T) {
	ctx := within(t)
	r := newRing(t, ringway.Checksums())
	p, c := ends(t, r)
	if err := p.Send(ctx, []byte("whole")); err != nil {
		t.Fatal(err)
	}
	frame := mapped(t, r)[ring.StartPosition%int64(r.Capacity())+4096:]
	frame[16] ^= 1
	if _, err := c.Recv(ctx); !errors.Is(err, ringway.ErrCorrupt) {
		t.Fatal(err)
	}
	if got := counted(t, r); got[ring.ChecksumFailures] != 1 || got[ring.Corruptions] != 0 || got[ring.ReceivedMessages] != 0 {
		t.Errorf("after a changed payload: %v", got)
	}
	frame[0] ^= 0xff // the length
	if _, err := c.Recv(ctx); !errors.Is(err, ringway.ErrCorrupt) {
		t.Fatal(err)
	}
	if got := counted(t, r); got[ring.ChecksumFailures]+got[ring.Corruptions] != 2 {
		t.Errorf("after a changed header: %v", got)
	}
}

// mapped is a ring's memory in the hands of somebody who may write anything.
func mapped(t *testing.T, r *ringway.Ring) []byte {
	t.Helper()
	s, err := shm.Open(r.Name(), shm.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.Body()
}

func TestForgedCountersSteerNothing(t *testing.T) {
	ctx := within(t)
	for _, kind := range topologies {
		r := newRingOf(t, kind)
		p, c := ends(t, r)
		s, err := shm.Open(r.Name(), shm.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		table := s.Table()
		for at := 0; at < len(table); at += shm.EntrySize {
			for i := range ring.CountersSize {
				table[at+shm.EntryCounters+i] = 0xff
			}
		}
		for range 10 {
			if err := p.Send(ctx, []byte("x")); err != nil {
				t.Fatal(err)
			}
			if m, err := c.Recv(ctx); err != nil || string(m.Payload) != "x" {
				t.Fatal(m, err)
			}
		}
		_ = s.Close()
	}
}

func TestReleaseTellsSleepingProducersAtOnce(t *testing.T) {
	// Of an MPMC ring: there a sleeper's announcement stays until it is rung for.
	ctx := within(t)
	r := newRingOf(t, ringway.MPMC, ringway.Capacity(4096), ringway.Wait(ringway.Park))
	p, c := ends(t, r)
	for p.TrySend(make([]byte, 8)) == nil {
	}
	sent := make(chan error, 1)
	go func() { sent <- p.Send(ctx, make([]byte, 8)) }()
	for counted(t, r)[ring.Sleeps] == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := c.Recv(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Release(); err != nil {
		t.Fatal(err)
	}
	if n := counted(t, r)[ring.Wakes]; n != 1 {
		t.Errorf("%d wakes after Release, want 1", n)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}
