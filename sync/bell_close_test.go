//go:build shmtest

package sync

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/ringway/ringway/internal/mem"
)

func TestCloseWaitsForAnInterruptUnderWay(t *testing.T) {
	// The memory goes after Close: a context's end must not touch it then.
	r := shared(1)
	b, err := NewBell(r, bellName(t, "b"), false)
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.Announce()
	b.Interrupt()
	if err := b.Sleep(ctx); err != nil {
		t.Fatal(err)
	}

	begun, goOn := make(chan struct{}), make(chan struct{})
	var finished, closed atomic.Bool
	var late atomic.Bool
	mem.Hook = func(a *mem.Access) {
		if a.Op != mem.OpAdd {
			return
		}
		if a.After {
			finished.Store(true)
			return
		}
		close(begun)
		<-goOn
		late.Store(closed.Load())
	}
	defer func() { mem.Hook = nil }()
	cancel()
	within(t, begun, "the interrupt")
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		closed.Store(true)
	}()
	// Time enough for a Close that doesn't wait.
	for range 1000 {
		runtime.Gosched()
	}
	close(goOn)
	within(t, done, "Close")
	if late.Load() || !finished.Load() {
		t.Error("Close returned while an interrupt was under way")
	}
}
