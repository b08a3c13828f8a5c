package ringway_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
)

// receiving returns a ring's producer, and where its messages' sizes come out.
func receiving(t *testing.T, wait ringway.WaitStrategy) (*ringway.Producer, <-chan int) {
	t.Helper()
	p, c := ends(t, newRing(t, ringway.Wait(wait)))
	sizes := make(chan int, 1)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range c.Messages(ctx) {
			if err != nil {
				return
			}
			sizes <- len(m.Payload)
		}
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return p, sizes
}

// untilAwaited waits until somebody sleeps who waits for a message of p.
func untilAwaited(t *testing.T, p *ringway.Producer) {
	t.Helper()
	for began := time.Now(); !p.Awaited(); runtime.Gosched() {
		if time.Since(began) > proctest.Patience {
			t.Fatal("the receiver doesn't go to sleep")
		}
	}
}

func TestTheReceiverOfALongMessageIsWokenBeforeItIsCopied(t *testing.T) {
	p, sizes := receiving(t, ringway.Park)
	// One that looks up in this very moment, as it does now and then, isn't woken,
	// or when the message is there.
	early := false
	for began := time.Now(); !early; {
		if time.Since(began) > proctest.Patience {
			t.Fatal("it is woken when the message is there")
		}
		sendAwaited(t, p, sizes, 64<<10, func(there bool) { early = early || !there })
	}
}

func TestTheReceiverOfAShortMessageIsWokenWhenItIsThere(t *testing.T) {
	p, sizes := receiving(t, ringway.Park)
	for woken := 0; woken < 10; {
		sendAwaited(t, p, sizes, 8, func(there bool) {
			if woken++; !there {
				t.Error("it is woken for nothing")
			}
		})
	}
}

// sendAwaited sends a message to a receiver that sleeps. Woken is called when it is
// woken, with whether the message was there.
func sendAwaited(t *testing.T, p *ringway.Producer, sizes <-chan int, size int, woken func(there bool)) {
	t.Helper()
	untilAwaited(t, p)
	before := p.Position()
	p.OnWake(func() { woken(p.Position() != before) })
	if err := p.Send(t.Context(), make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if n := <-sizes; n != size {
		t.Fatalf("%d bytes came as %d", size, n)
	}
}

func TestAReceiverThatIsWokenForNothingSleepsAgainAndMissesNothing(t *testing.T) {
	for _, wait := range []ringway.WaitStrategy{ringway.Park, ringway.Adaptive, ringway.Poll} {
		p, sizes := receiving(t, wait)
		for i := range 20 {
			untilAwaited(t, p)
			p.Rouse()
			if i%2 == 0 {
				untilAwaited(t, p)
			}
			if err := p.Send(t.Context(), make([]byte, i)); err != nil {
				t.Fatal(err)
			}
			if n := <-sizes; n != i {
				t.Fatalf("%v: %d bytes came as %d", wait, i, n)
			}
		}
	}
}
