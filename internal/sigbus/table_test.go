//go:build linux && (amd64 || arm64)

package sigbus

import (
	"errors"
	"math/rand"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
)

func TestMoreRangesThanAChunkHolds(t *testing.T) {
	const n = 1000
	m := newMapping(t, 2*n*page, 0)
	defer m.close()
	guards := make([]*Guard, n)
	for _, i := range rand.Perm(n) { // every other page
		g, err := Protect(m.addr(2*i*page), uintptr(page))
		if err != nil {
			t.Fatal(err)
		}
		guards[i] = g
	}
	m.truncate(0)
	for i := 0; i < n; i += 3 {
		peek(m.b, 2*i*page+i)
	}
	for i, g := range guards {
		if i%3 == 0 {
			wantFault(t, g, m.addr(2*i*page+i))
		} else if g.Faulted() {
			t.Errorf("range %d has faulted", i)
		}
	}
	for _, i := range rand.Perm(n) {
		guards[i].Release()
	}
	if len(ranges.live) != 0 {
		t.Errorf("%d ranges are left", len(ranges.live))
	}
}

func TestOverlappingRangesAreRefused(t *testing.T) {
	m := newMapping(t, 5*page, 0)
	defer m.close()
	g, err := Protect(m.addr(page), uintptr(3*page)-1)
	if err != nil {
		t.Fatal(err)
	}
	for from := range 5 {
		for to := from + 1; to <= 5; to++ {
			h, err := Protect(m.addr(from*page), uintptr((to-from)*page))
			overlaps := from < 4 && to > 1
			if overlaps != errors.Is(err, errs.BadArgument) || overlaps != (h == nil) {
				t.Errorf("pages %d to %d: %v", from, to, err)
			}
			h.Release()
		}
	}
	g.Release()
	if g, err = Protect(m.base(), uintptr(5*page)); err != nil {
		t.Error(err)
	}
	g.Release()
}

func TestAReleasedGuardRemembersItsFaultAndNoOther(t *testing.T) {
	m := newMapping(t, page, 0)
	defer m.close()
	m.truncate(0)
	quiet := m.protect()
	quiet.Release()
	g := m.protect()
	peek(m.b, 5)
	g.Release()
	g.Release()
	wantFault(t, g, m.addr(5))
	h := m.protect() // in the same entry
	defer h.Release()
	if h.Faulted() || quiet.Faulted() {
		t.Error("a fault of another guard")
	}
	wantFault(t, g, m.addr(5))
}

func TestANilGuardNeverFaults(t *testing.T) {
	var g *Guard
	g.Release()
	if g.Faulted() || g.Addr() != 0 {
		t.Error("faulted")
	}
}

func TestAfterReleaseNoHandlerTouchesTheAddresses(t *testing.T) {
	rounds := 5000
	if testing.Short() {
		rounds = 500
	}
	var current atomic.Pointer[mapping]
	var stop atomic.Bool
	var wg sync.WaitGroup
	var met, missed atomic.Int64
	for range 3 {
		wg.Go(func() { // goes on to use the range, against the rules
			debug.SetPanicOnFault(true)
			for !stop.Load() {
				if m := current.Load(); m != nil {
					stray(m, &met, &missed)
				} else {
					runtime.Gosched()
				}
			}
		})
	}
	for range rounds {
		m := newMapping(t, 8*page, 0)
		addr := m.base()
		g := m.protect()
		m.truncate(0)
		current.Store(m)
		for range rand.Intn(2000) {
			_ = g.Faulted()
		}
		g.Release()
		m.close()
		b, err := mapAt(addr, 8*page)
		if err != nil {
			current.Store(nil)
			continue // another thread was given the place
		}
		for i := range b {
			if b[i] != 0xaa {
				t.Fatalf("byte %d is %#x", i, b[i])
			}
		}
		current.Store(nil)
		unmapAt(b)
	}
	stop.Store(true)
	wg.Wait()
	t.Logf("%d reads of zero, %d faults after release", met.Load(), missed.Load())
}

func stray(m *mapping, met, missed *atomic.Int64) {
	defer func() {
		if recover() != nil {
			missed.Add(1)
		}
	}()
	for i := 7; i >= 0; i-- {
		if peek(m.b, i*page) == 0 {
			met.Add(1)
		}
	}
}

// The next tests hold an entry's lock as a handler does that is in its mmap.

func TestReleaseWaitsForAHandlerAtWork(t *testing.T) {
	m := newMapping(t, page, 0)
	defer m.close()
	g := m.protect()
	e := g.e.Load()
	e.lock.Store(1)
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() { g.Release(); done.Store(true) })
	for e.base.Load() != 0 {
		runtime.Gosched()
	}
	time.Sleep(20 * time.Millisecond)
	if done.Load() {
		t.Error("Release has not waited")
	}
	e.lock.Store(0)
	wg.Wait()
}

func TestAFaultWaitsForAHandlerAtWork(t *testing.T) {
	m, g := guarded(t, 1)
	e := g.e.Load()
	m.truncate(0)
	e.lock.Store(1)
	var done atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() { peek(m.b, 3); done.Store(true) })
	time.Sleep(20 * time.Millisecond)
	if done.Load() || g.Faulted() {
		t.Error("the fault has not waited")
	}
	e.lock.Store(0)
	wg.Wait()
	wantFault(t, g, m.addr(3))
}

func TestAFaultThatWaitedForAReleasedRangeIsForeign(t *testing.T) {
	m := newMapping(t, page, 0)
	defer m.close()
	g := m.protect()
	e := g.e.Load()
	m.truncate(0)
	e.lock.Store(1)
	var wg sync.WaitGroup
	wg.Go(func() { recovered(t, m.addr(3), func() { peek(m.b, 3) }) })
	time.Sleep(20 * time.Millisecond)
	wg.Go(g.Release)
	for e.base.Load() != 0 {
		runtime.Gosched()
	}
	e.lock.Store(0)
	wg.Wait()
	if g.Faulted() {
		t.Error("faulted")
	}
}

func TestTheHandlerIsInstalledWithTheFlagsGoWants(t *testing.T) {
	if err := install(); err != nil {
		t.Fatal(err)
	}
	var now sigaction
	if err := rtSigaction(nil, &now); err != nil {
		t.Fatal(err)
	}
	const want = saSiginfo | saOnstack | saRestart
	if now.handler != handlerPC || now.flags&want != want || ^now.mask&^stopAndKill != 0 {
		t.Errorf("%+v", now)
	}
}

const stopAndKill = 1<<(unix.SIGKILL-1) | 1<<(unix.SIGSTOP-1) // never maskable

func BenchmarkFaulted(b *testing.B) {
	_, g := guarded(b, 1)
	for b.Loop() {
		if g.Faulted() {
			b.Fatal("faulted")
		}
	}
}

func BenchmarkFault(b *testing.B) {
	const pages = 1000
	var m *mapping
	var g *Guard
	i := 0
	for b.Loop() {
		if i == 0 {
			b.StopTimer()
			if m != nil {
				g.Release()
				m.close()
			}
			m = newMapping(b, pages*page, 0)
			g = m.protect()
			m.truncate(0)
			i = pages
			b.StartTimer()
		}
		i--
		peek(m.b, i*page)
	}
	g.Release()
	m.close()
}
