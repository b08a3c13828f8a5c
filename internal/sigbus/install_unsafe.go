//go:build linux && (amd64 || arm64)

package sigbus

import (
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/ringway/ringway/internal/errs"
)

// sigaction is the kernel's struct, not the C library's.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	saSiginfo = 0x4
	saOnstack = 0x08000000
	saRestart = 0x10000000 // Go asks this of every handler
)

// What the handler reads besides the table. Written before it is installed.
var (
	//lint:ignore U1000 read in assembly
	oldHandler uintptr // takes what is not ours
	//lint:ignore U1000 read in assembly
	pageMask uintptr // clears the offset in a page
)

// Set in assembly.
var (
	handlerPC  uintptr // the handler
	restorerPC uintptr // what it returns to; zero: the kernel knows
)

var install = sync.OnceValue(func() error {
	var old sigaction
	if err := rtSigaction(nil, &old); err != nil {
		return failed(err, "SIGBUS handler")
	}
	if old.handler <= 1 { // SIG_DFL, SIG_IGN
		return failed(errs.Unsupported, "the Go runtime does not handle SIGBUS in this program")
	}
	oldHandler = old.handler
	pageMask = ^(uintptr(os.Getpagesize()) - 1)
	act := sigaction{
		handler:  handlerPC,
		flags:    saSiginfo | saOnstack | saRestart | saRestorer,
		restorer: restorerPC,
		mask:     ^uint64(0),
	}
	if err := rtSigaction(&act, nil); err != nil {
		return failed(err, "SIGBUS handler")
	}
	return nil
})

// What the assembly takes for granted: arm64 loads the base from the address of
// its entry, and entries fill a chunk to its end.
var (
	_ [0]struct{} = [unsafe.Offsetof(entry{}.base)]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(chunk{}) - unsafe.Offsetof(chunk{}.entries) -
		uintptr(len(chunk{}.entries))*unsafe.Sizeof(entry{})]struct{}{}
)

// rtSigaction goes around the C library, if there is one: what it would do
// besides is to put its own restorer in.
func rtSigaction(act, old *sigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGBUS),
		uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(act.mask), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// newChunk returns zeroed memory that is never moved or freed.
func newChunk() (*chunk, error) {
	p, err := unix.MmapPtr(-1, 0, nil, unsafe.Sizeof(chunk{}),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	return (*chunk)(p), err
}
