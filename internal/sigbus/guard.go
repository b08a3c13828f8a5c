//go:build linux && (amd64 || arm64)

package sigbus

import (
	"os"
	"runtime"
	"strconv"
	"sync/atomic"

	"github.com/ringway/ringway/internal/errs"
)

// Supported tells whether Protect can work on this system.
const Supported = true

// A Guard watches one range of memory, from Protect to Release. Its methods may
// be called from several goroutines at once. A nil Guard never faults.
type Guard struct {
	e    atomic.Pointer[entry] // in the table, or &last once released
	last entry                 // what is remembered after Release
}

// Protect has faults in the size bytes of memory at base answered with zero
// pages. The base must be at a page boundary, as mmap returns it; the size is
// rounded up to whole pages. All of it must be mapped, and must stay so until
// Release. Ranges must not overlap. The first call installs the handler, which
// then stays for the life of the process.
func Protect(base, size uintptr) (*Guard, error) {
	page := uintptr(os.Getpagesize())
	end := (base + size + page - 1) &^ (page - 1)
	if base == 0 || base%page != 0 || size == 0 || end <= base {
		return nil, failed(errs.BadArgument, "not a range of pages: "+
			strconv.FormatUint(uint64(size), 10)+" bytes at "+hex(base))
	}
	if err := install(); err != nil {
		return nil, err
	}
	e, err := add(base, end)
	if err != nil {
		return nil, err
	}
	g := new(Guard)
	g.e.Store(e)
	return g, nil
}

// Faulted tells whether an access to the range has hit a page without a file,
// so that zeros may have been read, and writes may have gone nowhere. It is a
// plain load of the entry's address and an atomic load of the fault word (two
// MOVs on amd64), is inlined, and may be called for each message. To know that
// what was read is real, ask after reading. The answer stays after Release.
//
// It is safe, but of little use, to ask while another goroutine is in Release:
// for that moment the answer may be about a range that was protected since.
func (g *Guard) Faulted() bool {
	return g != nil && g.e.Load().addr.Load() != 0
}

// Addr returns the address whose access raised the first fault, or zero.
func (g *Guard) Addr() uintptr {
	if g == nil {
		return 0
	}
	return g.e.Load().addr.Load()
}

// Release ends the watch. It must be called before the range is unmapped, lest
// the handler replace what is mapped there next. When it returns, no handler is
// at work in the range or ever will be, on any thread. A second call does
// nothing. A Guard that is forgotten without Release stays in force.
func (g *Guard) Release() {
	if g == nil {
		return
	}
	ranges.Lock()
	defer ranges.Unlock()
	e := g.e.Load()
	if e == &g.last {
		return
	}
	withdraw(e)
	g.last.addr.Store(e.addr.Load())
	g.e.Store(&g.last)
	remove(e)
}

// withdraw takes an entry from the handler. Base before lock here, lock before
// base in the handler: either it sees that the base is gone, or we see it at
// work and wait, which is for as long as one mmap.
func withdraw(e *entry) {
	e.base.Store(0)
	for n := 0; e.lock.Load() != 0; n++ {
		if n > 10_000 { // its thread may be waiting for a processor
			runtime.Gosched()
		}
	}
}

func failed(err error, detail string) error {
	return &errs.Error{Op: "protect memory", Detail: detail, Err: err}
}

func hex(n uintptr) string { return "0x" + strconv.FormatUint(uint64(n), 16) }
