//go:build shmtest

package ring

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

// TestAnObserverIsNotDeceivedByWhatHappensBetweenTwoOfItsLoads lets the
// participants go on, by a message or by a whole lap, before each single load of
// an observer.
func TestAnObserverIsNotDeceivedByWhatHappensBetweenTwoOfItsLoads(t *testing.T) {
	for _, g := range livelyGeometries() {
		if g.Capacity > 4096 {
			continue
		}
		for _, much := range []int{1, 3, 8, 20, 60} {
			t.Run(fmt.Sprintf("%+v by %d", g, much), func(t *testing.T) {
				reached := true
				for k := 1; reached && k < 2000; k++ {
					reached = betweenLoads(t, g, k, much)
				}
			})
		}
	}
}

// betweenLoads observes a ring, which moves on before the k-th load. It reports
// whether there were so many.
func betweenLoads(t *testing.T, g Geometry, k, much int) (reached bool) {
	t.Helper()
	body, send, receive := lively(t, g)
	buf, n := make([]byte, 200), uint64(0)
	fill := func(most int) {
		for range most {
			if send(whole(buf, n)) != nil {
				return
			}
			n++
		}
	}
	// Somewhere in the second lap, with something in it.
	for range 60 {
		fill(1)
		_ = receive()
	}
	if much < 60 && g.Kind != Broadcast {
		fill(1000) // up to the brim
	} else {
		fill(8)
	}
	o, err := NewObserver(g, body, 2)
	if err != nil {
		t.Fatal(err)
	}
	loads, inside := 0, false
	mem.Hook = func(a *mem.Access) {
		if inside || a.Op != mem.OpLoad || a.After {
			return
		}
		if loads++; loads != k {
			return
		}
		inside, reached = true, true
		for range much {
			_ = receive()
			fill(1)
		}
		inside = false
	}
	defer func() { mem.Hook = nil }()
	if s := o.Snapshot(); s.Problem != "" || s.Depth > g.Capacity {
		t.Fatalf("load %d: %+v", k, s)
	}
	for empty := 0; empty < 3; {
		f, err := o.Next(nil)
		if err != nil {
			empty++
		}
		if errors.Is(err, ErrCorrupt) {
			t.Fatalf("load %d: %v", k, err)
		}
		if err == nil && f.State != FramePadding && !isWhole(f.Payload) {
			t.Fatalf("load %d: torn: %+v", k, f)
		}
	}
	if s := o.Snapshot(); s.Problem != "" {
		t.Fatalf("load %d: %+v", k, s)
	}
	return reached
}

func TestAnObserverDoesNotRunAfterALivingProducer(t *testing.T) {
	g := Geometry{Kind: SPSC, Capacity: 64 << 10}
	body, send, receive := lively(t, g)
	o, err := NewObserver(g, body, 2)
	if err != nil {
		t.Fatal(err)
	}
	loads, inside, buf := 0, false, make([]byte, 200)
	mem.Hook = func(a *mem.Access) {
		if inside || a.Op != mem.OpLoad || a.After {
			return
		}
		inside = true
		loads++
		_ = receive()
		if err := send(whole(buf, uint64(loads))); err != nil {
			t.Error(err)
		}
		inside = false
	}
	defer func() { mem.Hook = nil }()
	// A few words each: as often as the consumer may be looked at, and then some.
	if s := o.Snapshot(); s.Problem != "" || loads > 60 {
		t.Errorf("%d loads: %+v", loads, s)
	}
}
