//go:build linux && (amd64 || arm64)

package sigbus

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAFaultInAnotherMappingStillCrashes(t *testing.T) {
	crashes(t, gosMessage(), func() {
		faults(t, 2)
		m := newMapping(t, page, 0)
		m.truncate(0)
		peek(m.b, 0)
	})
}

func TestAFaultAfterReleaseCrashes(t *testing.T) {
	crashes(t, gosMessage(), func() {
		m := newMapping(t, page, 0)
		m.protect().Release()
		m.truncate(0)
		peek(m.b, 0)
	})
}

func TestAFaultJustOutsideTheRangeCrashes(t *testing.T) {
	for _, at := range []int{0, 3} { // below and above
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			m := newMapping(t, 4*page, 0)
			defer m.close()
			g, err := Protect(m.addr(page), uintptr(2*page))
			if err != nil {
				t.Fatal(err)
			}
			defer g.Release()
			m.truncate(0)
			recovered(t, m.addr(at*page), func() { peek(m.b, at*page) })
			if g.Faulted() {
				t.Error("faulted")
			}
		})
	}
}

func TestAFaultInAnotherMappingStillPanicsOnRequest(t *testing.T) {
	faults(t, 2)
	m := newMapping(t, 2*page, 0)
	defer m.close()
	m.truncate(0)
	for range 100 {
		recovered(t, m.addr(page+3), func() { peek(m.b, page+3) })
	}
	faults(t, 2)
}

// recovered checks that f panics of a fault at addr.
func recovered(t *testing.T, addr uintptr, f func()) {
	t.Helper()
	r := func() (r any) {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() { r = recover() }()
		f()
		return
	}()
	if _, ok := r.(runtime.Error); ok && emulated {
		return
	}
	if err, _ := r.(interface{ Addr() uintptr }); err == nil || err.Addr() != addr {
		t.Errorf("recovered %v, want a fault at %#x", r, addr)
	}
}

func TestPanicOnFaultDoesNotPreventTheRepair(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	faults(t, 5)
}

func TestANilDereferenceStillPanics(t *testing.T) {
	faults(t, 2)
	defer func() {
		err, _ := recover().(runtime.Error)
		if err == nil || !strings.Contains(err.Error(), "nil pointer dereference") {
			t.Errorf("recovered %v", err)
		}
	}()
	var p *mapping
	p.b[0] = 1
}

func TestASignalSentByKillStillCrashes(t *testing.T) {
	crashes(t, "SIGBUS", func() {
		m := newMapping(t, page, 0)
		m.protect()
		_ = unix.Kill(os.Getpid(), unix.SIGBUS)
		time.Sleep(time.Minute)
	})
}

func TestOtherBusErrorsInTheRangeStillCrash(t *testing.T) {
	if emulated {
		t.Skip("the emulator does not forge signals")
	}
	for _, code := range []int32{1, 3, 4, 5} { // misaligned, hardware, memory failure
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			crashes(t, fmt.Sprintf("code=0x%x", code), func() {
				m := newMapping(t, page, 0)
				m.protect()
				forge(code, m.addr(5))
			})
		})
	}
}

func TestAPageThatKeepsFaultingIsGivenUpOn(t *testing.T) {
	m, g := guarded(t, 2)
	m.truncate(0)
	peek(m.b, 0)
	m.mapOver(page, page) // against the rules
	recovered(t, m.addr(page), func() { peek(m.b, page) })
	wantFault(t, g, m.addr(0))
}

func TestWithoutMemoryForZeroPagesTheFaultIsGos(t *testing.T) {
	if emulated {
		t.Skip("the emulator does not limit memory")
	}
	crashes(t, gosMessage(), func() {
		m := newMapping(t, 4*page, 0)
		m.protect()
		m.truncate(0)
		_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: 4096, Max: 4096})
		peek(m.b, page)
	})
}

func TestAMappingThatCannotBeSplitIsReplacedAsAWhole(t *testing.T) {
	works(t, func() {
		m := newMapping(t, 3*page, 0)
		g := m.protect()
		m.truncate(page)
		refuseMmap(t, m.addr(2*page))
		v := peek(m.b, 2*page)
		poke(m.b, 2*page, 5)
		w := peek(m.b, 0)
		if v != 0 || w != 0 || peek(m.b, 2*page) != 5 || g.Addr() != m.addr(2*page) {
			panic("not repaired")
		}
	})
}

func TestAMappingThatCannotBeReplacedAtAllCrashes(t *testing.T) {
	crashes(t, gosMessage(), func() {
		m := newMapping(t, 3*page, 0)
		m.protect()
		m.truncate(page)
		refuseMmap(t, m.addr(2*page))
		refuseMmap(t, m.addr(0))
		peek(m.b, 2*page)
	})
}

func TestProtectRefusesWhatIsNotARangeOfPages(t *testing.T) {
	m := newMapping(t, 4*page, 0)
	defer m.close()
	b, p := m.base(), uintptr(page)
	for _, c := range [][2]uintptr{{0, p}, {b, 0}, {b + 1, p}, {b, math.MaxUint}, {b, -b}, {math.MaxUint &^ (p - 1), p}} {
		if g, err := Protect(c[0], c[1]); err == nil || g != nil {
			t.Errorf("Protect(%#x, %#x): %v, %v", c[0], c[1], g, err)
		}
	}
}
