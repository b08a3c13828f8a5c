package limits

import (
	"errors"
	"testing"
	"time"
)

func TestAKilledPeerEndsTheRoundTripWithAnError(t *testing.T) {
	p := startPonger(t, 64, 2*time.Minute, -1)
	// Be sure it is there and bouncing, then kill it between any two rounds.
	l := newLink(p.mem, 64, false, 2*time.Minute)
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
	for timeout := 300 * time.Millisecond; ; timeout *= 4 {
		p := startPonger(t, 8, timeout, -1)
		l := newLink(p.mem, 8, false, 10*timeout)
		_, err := l.ping(100, pace{pause: false})
		if p.wait() == nil { // it says why on stderr
			t.Error("the ponger ended well")
		}
		if err == nil {
			return
		}
		// If the machine stood still for longer than that, it was alone before.
		if !errors.Is(err, ErrPeerGone) || timeout > time.Minute {
			t.Fatal(err)
		}
	}
}
