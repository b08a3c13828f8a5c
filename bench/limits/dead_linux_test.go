package limits

import (
	"errors"
	"testing"
	"time"
)

func TestAKilledPeerEndsTheRoundTripWithAnError(t *testing.T) {
	p := startPonger(t, 64, 10*time.Second, -1)
	// Be sure it is there and bouncing, then kill it between any two rounds.
	l := newLink(p.mem, 64, false, 10*time.Second)
	if _, err := l.ping(100, pace{pause: true}); err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(5 * time.Millisecond)
		p.kill()
	}()
	const timeout = 300 * time.Millisecond
	start := Now()
	if r, err := RoundTrip(p.mem, 64, time.Hour, timeout); !errors.Is(err, ErrPeerGone) {
		t.Fatalf("got %+v, %v", r, err)
	}
	t.Logf("noticed after %v, timeout %v", time.Duration(Now()-start), timeout)
}

func TestAPingerThatDiesLeavesThePongerWithAnError(t *testing.T) {
	p := startPonger(t, 8, 300*time.Millisecond, -1)
	l := newLink(p.mem, 8, false, 10*time.Second)
	if _, err := l.ping(100, pace{pause: false}); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err == nil { // it says why on stderr
		t.Error("the ponger ended well")
	}
}
