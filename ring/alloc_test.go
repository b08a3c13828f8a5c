package ring

import (
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

func TestNoOperationAllocates(t *testing.T) {
	if mem.Hooked {
		t.Skip("a hook's description of the access is on the heap")
	}
	eachKind(t, func(t *testing.T, r *testRing) {
		msg, msgs := payload(1, 100), batch(1, 10, 20, 400, 0)
		drain := func() {
			for {
				if _, err := r.c.Next(); err != nil {
					break
				}
				r.c.Release()
			}
			r.c.Publish()
		}
		for name, f := range map[string]func(){
			"TrySend":             func() { _ = r.p.TrySend(1, msg) },
			"TrySend across end":  func() { _ = r.p.TrySend(1, table[:900]) },
			"TrySendBatch":        func() { _, _ = r.p.TrySendBatch(1, msgs) },
			"Claim and Commit":    func() { b, _ := r.p.Claim(50); copy(b, msg); r.p.Commit(1, 40) },
			"Claim and Abort":     func() { _, _ = r.p.Claim(50); r.p.Abort() },
			"Next with nothing":   func() { _, _ = r.c.Next() },
			"Release and Publish": func() { r.c.Release(); r.c.Publish() },
		} {
			if n := testing.AllocsPerRun(200, func() { f(); drain() }); n != 0 {
				t.Errorf("%s makes %v allocations", name, n)
			}
		}
		for r.p.TrySend(1, msg) == nil {
		}
		if n := testing.AllocsPerRun(200, func() {
			if r.p.TrySend(1, msg) != ErrFull {
				t.Error("the ring isn't full")
			}
		}); n != 0 {
			t.Errorf("TrySend to a full ring makes %v allocations", n)
		}
	})
}
