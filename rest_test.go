package ringway_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/ring"
)

func TestASleepingConsumerIsOnlyWokenOftenWhileADeathWouldConcernIt(t *testing.T) {
	ctx := within(t)
	r := newRingOf(t, ringway.MPMC, ringway.Wait(ringway.Park), ringway.Capacity(4096))
	ps, cs := several(t, r, 1, 2)
	received := make(chan error, 2)
	receive := func(c *ringway.Consumer) {
		_, err := c.Recv(ctx)
		received <- err
	}
	go receive(cs[0])
	// Nothing is in the ring.
	sleepsBecomeLonger(t, r)
	// Another consumer has a message: it could die with it.
	if err := ps[0].Send(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-received; err != nil {
		t.Fatal(err)
	}
	go receive(cs[1])
	before := counted(t, r)[ring.Sleeps]
	began := time.Now()
	for counted(t, r)[ring.Sleeps] < before+15 {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%d sleeps in ten seconds", counted(t, r)[ring.Sleeps]-before)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := ps[0].Send(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-received; err != nil {
		t.Fatal(err)
	}
}

// sleepsBecomeLonger checks that the one who sleeps at a ring does so longer each
// time.
func sleepsBecomeLonger(t *testing.T, r *ringway.Ring) {
	t.Helper()
	for counted(t, r)[ring.Sleeps] == 0 {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	for time.Since(began) < 700*time.Millisecond {
		time.Sleep(10 * time.Millisecond)
	}
	n, most := counted(t, r)[ring.Sleeps], uint64(time.Since(began)/(100*time.Millisecond)+3)
	if n > most {
		t.Errorf("%d sleeps in %v of a ring at rest, want at most %d", n, time.Since(began), most)
	}
}

func TestASubscriberIsNotWokenOftenForOthers(t *testing.T) {
	r := newRingOf(t, ringway.Broadcast, ringway.Wait(ringway.Park))
	sub, err := r.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan error, 1)
	go func() {
		_, err := sub.Recv(context.Background())
		received <- err
	}()
	sleepsBecomeLonger(t, r)
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-received; !errors.Is(err, ringway.ErrClosed) {
		t.Error(err)
	}
}
