package ringway_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/internal/proctest"
	"github.com/ringway/ringway/sync"
)

// threadCount returns how many this process has.
func threadCount(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestConnectionsAtRestTakeNoThreads(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 200
	}
	l := listen(t, newAddress(), ringway.Capacity(4096), ringway.Transports(ringway.SharedMemory))
	before := threadCount(t)
	var conns []*ringway.Conn
	for range n {
		a, b := connect(t, l, ringway.Capacity(4096))
		conns = append(conns, a, b)
	}
	var wg sync.WaitGroup
	received := make(chan string, len(conns))
	for _, c := range conns {
		wg.Go(func() {
			m, err := c.Recv(t.Context())
			if err != nil {
				t.Error(err)
			}
			received <- string(m.Payload)
		})
	}
	time.Sleep(100 * time.Millisecond) // most of them sleep by now
	if more := threadCount(t) - before; more > 64 {
		t.Errorf("%d more threads for %d connections", more, n)
	}
	// Any of them can be woken.
	for i, c := range conns {
		if err := c.Send(t.Context(), []byte(strings.Repeat("x", i%7))); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if len(received) != len(conns) {
		t.Errorf("%d of %d were woken", len(received), len(conns))
	}
}

func TestAConnectionAtRestTakesTwoDescriptorsAtEachEnd(t *testing.T) {
	for _, wait := range []ringway.WaitStrategy{ringway.Adaptive, ringway.Poll, ringway.Park} {
		l := listen(t, newAddress(), ringway.Wait(wait), ringway.Transports(ringway.SharedMemory))
		connect(t, l, ringway.Wait(wait)) // what the process needs once for all is there
		const n = 20
		before := openDescriptors(t)
		for range n {
			a, b := connect(t, l, ringway.Wait(wait))
			if err := a.Send(t.Context(), []byte("x")); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Recv(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		// The listener may have closed one of those that it handed over a little later.
		proctest.Until(t, fmt.Sprintf("%v: %d descriptors more at most, for %d connections", wait, 4*n, n), func() bool {
			return openDescriptors(t) <= before+4*n
		})
	}
}

func TestAConnectionThatIsClosedGivesItsDescriptorsBack(t *testing.T) {
	for _, wait := range []ringway.WaitStrategy{ringway.Adaptive, ringway.Poll, ringway.Park} {
		l := listen(t, newAddress(), ringway.Wait(wait))
		before := openDescriptors(t)
		for i := range 50 {
			a, b := connect(t, l, ringway.Wait(wait))
			if err := a.Send(t.Context(), []byte("x")); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Recv(t.Context()); err != nil {
				t.Fatal(err)
			}
			first, second := a, b
			if i%2 == 0 {
				first, second = b, a
			}
			if err := errors.Join(first.Close(), second.Close()); err != nil {
				t.Fatal(err)
			}
		}
		proctest.Until(t, fmt.Sprintf("%v: %d descriptors", wait, before), func() bool { return openDescriptors(t) <= before })
	}
}
