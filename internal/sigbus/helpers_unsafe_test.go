//go:build linux && (amd64 || arm64)

package sigbus

import (
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapping is a shared mapping of a memory file that holds 0xff throughout.
type mapping struct {
	t  testing.TB
	fd int
	b  []byte
}

func (m *mapping) base() uintptr      { return uintptr(unsafe.Pointer(unsafe.SliceData(m.b))) }
func (m *mapping) addr(i int) uintptr { return m.base() + uintptr(i) }

// poke and peek are single instructions that the compiler cannot drop.
//
//go:noinline
func poke(b []byte, i int, v byte) { *(*byte)(unsafe.Pointer(&b[i])) = v }

//go:noinline
func peek(b []byte, i int) byte { return *(*byte)(unsafe.Pointer(&b[i])) }

// mapAt maps one page of 0xaa where nothing is mapped, or says why not.
func mapAt(addr uintptr, size int) ([]byte, error) {
	const fixedNoreplace = 0x100000
	p, _, errno := unix.RawSyscall6(unix.SYS_MMAP, addr, uintptr(size),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|fixedNoreplace, ^uintptr(0), 0)
	if errno != 0 {
		return nil, errno
	}
	b := unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&p))), size)
	for i := range b {
		b[i] = 0xaa
	}
	return b, nil
}

// mapOver maps the file once more at a page of its own mapping.
func (m *mapping) mapOver(i, size int) {
	_, _, errno := unix.RawSyscall6(unix.SYS_MMAP, m.addr(i), uintptr(size),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED, uintptr(m.fd), uintptr(i))
	if errno != 0 {
		m.t.Fatal(errno)
	}
	runtime.KeepAlive(m)
}

func unmapAt(b []byte) {
	_, _, _ = unix.RawSyscall(unix.SYS_MUNMAP, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0)
}

// refuseMmap has the kernel refuse mmap at addr to this thread from now on.
func refuseMmap(t testing.TB, addr uintptr) {
	runtime.LockOSThread()
	const number, arg0 = 0, 16 // offsets in seccomp_data
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_MMAP, Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: arg0},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(addr), Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EINVAL)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Skip(err)
	}
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
	if err != nil {
		t.Skip("seccomp: ", err)
	}
}

// forge raises a SIGBUS on this thread that looks as if it came from the
// kernel. A process may do that to itself.
func forge(code int32, addr uintptr) {
	runtime.LockOSThread()
	info := struct {
		signo, errno, code, _ int32
		addr                  uintptr
		_                     [104]byte
	}{signo: int32(unix.SIGBUS), code: code, addr: addr}
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_TGSIGQUEUEINFO, uintptr(unix.Getpid()), uintptr(unix.Gettid()),
		uintptr(unix.SIGBUS), uintptr(unsafe.Pointer(&info)), 0, 0)
}
