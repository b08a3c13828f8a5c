package ringway_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway"
	"github.com/ringway/ringway/sync"
)

// resident returns how many bytes of memory this process has, those that it shares
// included.
func resident(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// processor returns how much processor time this process has taken.
func processor(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestConnectionsAtRestTakeNoProcessor has as many connections wait for messages as
// the limit of descriptors allows, four for both ends of each, but two thousand at
// most. It looks at processor time, not at the clock: what is kept from the
// processor takes less of it, never more.
func TestConnectionsAtRestTakeNoProcessor(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	const wanted, each, spare = 2000, 4, 500
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	n := min(wanted, (int(min(limit.Cur, 1<<20))-spare)/each)
	if n < 10 {
		t.Skipf("%d descriptors are allowed: too few for a number of connections that says anything", limit.Cur)
	}
	if n < wanted {
		t.Logf("%d connections, not %d: %d descriptors are allowed, and each takes %d here, where both ends are", n, wanted, limit.Cur, each)
	}
	l := listen(t, newAddress(), ringway.Capacity(4096), ringway.Transports(ringway.SharedMemory))
	runtime.GC()
	before := resident(t)
	var running sync.WaitGroup
	var conns []*ringway.Conn
	for range n {
		a, b := connect(t, l, ringway.Capacity(4096))
		conns = append(conns, a, b)
		for _, c := range []*ringway.Conn{a, b} {
			running.Go(func() { _, _ = c.Recv(t.Context()) })
		}
	}
	runtime.GC()
	t.Logf("%d bytes for each connection, both ends and their goroutines included", (resident(t)-before)/n)
	// Until they have got used to it.
	for i := 0; ; i++ {
		const stretch = time.Second
		spent := processor(t)
		time.Sleep(stretch)
		spent = processor(t) - spent
		t.Logf("%v of a processor's time in %v", spent, stretch)
		// It takes a tenth of that where nothing slows the processor down; spinning
		// would take all there is.
		if spent < stretch*3/4 {
			break
		}
		if i == 30 {
			t.Fatalf("%d connections at rest take %v of a processor's time in %v", n, spent, stretch)
		}
	}
	for _, c := range conns {
		_ = c.Close()
	}
	running.Wait()
}
