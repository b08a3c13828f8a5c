package ringway_test

import (
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
	// Nothing is in the ring: each of its sleeps is longer than the one before.
	began := time.Now()
	for time.Since(began) < 700*time.Millisecond {
		time.Sleep(10 * time.Millisecond)
	}
	n, most := counted(t, r)[ring.Sleeps], uint64(time.Since(began)/(100*time.Millisecond)+3)
	if n > most {
		t.Errorf("%d sleeps in %v of a ring at rest, want at most %d", n, time.Since(began), most)
	}
	// Another consumer has a message: it could die with it.
	if err := ps[0].Send(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-received; err != nil {
		t.Fatal(err)
	}
	go receive(cs[1])
	before := counted(t, r)[ring.Sleeps]
	began = time.Now()
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
