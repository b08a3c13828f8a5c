package ringway_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
)

// children are the programs of child processes; files of one system add theirs.
var children = proctest.Children{
	"numbers":  sendNumbers,
	"hold":     holdRole,
	"receive":  receiveNumbers,
	"truncate": truncateFile,
	"worker":   worker,
	"claim":    claimAndStay,
	"conform":  conformChild,
	"echo":     echoServer,
	"holder":   holder,
	"answer":   answerer,
	"keep":     keeper,

	"publish":   publishNumbers,
	"subscribe": subscribeNumbers,
}

func TestMain(m *testing.M) {
	proctest.Main(m, children)
}

var names atomic.Int64

// newRing creates a ring with a name of its own, which goes with the test.
func newRing(t testing.TB, opts ...ringway.Option) *ringway.Ring {
	t.Helper()
	return newRingOf(t, ringway.SPSC, opts...)
}

func newRingOf(t testing.TB, kind ringway.Kind, opts ...ringway.Option) *ringway.Ring {
	t.Helper()
	name := fmt.Sprintf("test-%d-%d", os.Getpid(), names.Add(1))
	r, err := ringway.CreateRing(name, kind, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = ringway.RemoveRing(name)
		_ = r.Close()
	})
	return r
}

// ends attaches both sides to a ring.
func ends(t testing.TB, r *ringway.Ring) (*ringway.Producer, *ringway.Consumer) {
	t.Helper()
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return p, c
}

// within bounds what must end by itself; it only matters when a test hangs.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), proctest.Patience)
	t.Cleanup(cancel)
	return ctx
}
