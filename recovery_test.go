package ringway_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
)

// claimAndStay is a child: it claims room in an MPMC ring and doesn't commit.
func claimAndStay(args []string) {
	r, err := ringway.OpenRing(args[0])
	if err != nil {
		proctest.Fail(err)
	}
	p, err := r.Producer()
	if err != nil {
		proctest.Fail(err)
	}
	if _, err := p.TryClaim(100); err != nil {
		proctest.Fail(err)
	}
	fmt.Println("claimed")
	proctest.Pause()
}

// TestAKilledClaimantHoldsNobodyUp also tells how long it took. With
// RINGWAY_RECOVERIES=1000 in the environment it kills that many.
func TestAKilledClaimantHoldsNobodyUp(t *testing.T) {
	kills := 5
	if text := os.Getenv("RINGWAY_RECOVERIES"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil || kills < 1 {
			t.Fatalf("RINGWAY_RECOVERIES is %q", text)
		}
	}
	ctx := t.Context()
	r := newRingOf(t, ringway.MPMC, ringway.Wait(ringway.Park))
	ps, cs := several(t, r, 1, 1)
	type arrival struct {
		at  time.Time
		err error
	}
	arrivals := make(chan arrival)
	go func() {
		for _, err := range cs[0].Messages(ctx) {
			arrivals <- arrival{time.Now(), err}
			if err != nil {
				return
			}
		}
	}()
	var took []time.Duration
	for range kills {
		child := proctest.Run(t, "claim", r.Name())
		child.Expect("claimed")
		if err := ps[0].Send(ctx, []byte("behind the claim")); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		child.Kill()
		a := <-arrivals
		if a.err != nil {
			t.Fatal(a.err)
		}
		if a.at.Before(began) {
			t.Fatal("the message behind a living claim was delivered")
		}
		took = append(took, a.at.Sub(began))
	}
	slices.Sort(took)
	t.Logf("%d kills: the message behind came after p50 %v, p99 %v, at most %v",
		kills, took[kills/2], took[kills*99/100], took[kills-1])
}
