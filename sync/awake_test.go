package sync

import (
	"math"
	"testing"
	"time"

	"github.com/ringway/ringway/internal/clock"
)

func TestWhoSleptLearnsHowLongAgoItWasRung(t *testing.T) {
	for _, shares := range []bool{false, true} {
		r := shared(1)
		sleeper, ringer := newBell(t, r, "b"), newBell(t, r, "b")
		sleeper.shared = shares
		var took []time.Duration
		sleeper.OnAwake(func(d time.Duration) { took = append(took, d) })
		// As in Sleep, which would sleep as long as it pleases the system.
		sleep := func(meanwhile func()) {
			sleeper.Announce()
			began := clock.Now()
			meanwhile()
			sleeper.slept(began)
			if most := time.Duration(clock.Now() - began); len(took) > 0 && (took[0] < 0 || took[0] > most) {
				t.Errorf("%v, when all of it was within %v", took[0], most)
			}
			sleeper.Retract()
		}
		sleep(ringer.Ring)
		if len(took) != 1 {
			t.Errorf("told %v after one ring", took)
		}
		for what, meanwhile := range map[string]func(){
			"nothing":            func() {},
			"an interruption":    sleeper.Interrupt,
			"a ring that is old": func() { ringer.Interrupt(); r.StoreRelease64(offRung, 1) },
			"a forged future":    func() { ringer.Ring(); r.StoreRelease64(offRung, math.MaxUint64) },
		} {
			took = nil
			if sleep(meanwhile); len(took) != 0 {
				t.Errorf("told %v after %s", took, what)
			}
		}
	}
}

func TestWhoSleepsAndIsRungIsTold(t *testing.T) {
	r := shared(1)
	sleeper, ringer := newBell(t, r, "b"), newBell(t, r, "b")
	told := make(chan time.Duration, 1)
	sleeper.OnAwake(func(d time.Duration) { told <- d })
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		for {
			ringer.Ring() // when it sleeps already, one time or another
			select {
			case <-told:
				return
			default:
				time.Sleep(time.Millisecond)
			}
		}
	}()
	for {
		sleeper.Announce()
		must(t, sleeper.Sleep(t.Context()))
		select {
		case <-stop:
			return
		default:
		}
	}
}
