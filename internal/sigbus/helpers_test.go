//go:build linux && (amd64 || arm64)

package sigbus

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var page = os.Getpagesize()

func newMapping(t testing.TB, size, flags int) *mapping {
	t.Helper()
	fd, err := unix.MemfdCreate("sigbus-test", flags)
	if err != nil {
		t.Skip("memfd: ", err)
	}
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		t.Fatal(err)
	}
	b, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		_ = unix.Close(fd)
		t.Skip("mmap: ", err)
	}
	for i := range b {
		b[i] = 0xff
	}
	return &mapping{t, fd, b}
}

func (m *mapping) truncate(size int) {
	if err := unix.Ftruncate(m.fd, int64(size)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mapping) close() {
	if err := unix.Munmap(m.b); err != nil {
		m.t.Error(err)
	}
	_ = unix.Close(m.fd)
}

func (m *mapping) protect() *Guard {
	m.t.Helper()
	g, err := Protect(m.base(), uintptr(len(m.b)))
	if err != nil {
		m.t.Fatal(err)
	}
	return g
}

// guarded returns a protected mapping that ends with the test.
func guarded(t testing.TB, pages int) (*mapping, *Guard) {
	t.Helper()
	m := newMapping(t, pages*page, 0)
	g := m.protect()
	t.Cleanup(func() { g.Release(); m.close() })
	return m, g
}

// allZero reads b bytewise.
func allZero(b []byte) bool {
	for i := range b {
		if peek(b, i) != 0 {
			return false
		}
	}
	return true
}

func wantFault(t testing.TB, g *Guard, addr uintptr) {
	t.Helper()
	if !g.Faulted() || g.Addr() != addr {
		t.Errorf("faulted %v at %#x, want true at %#x", g.Faulted(), g.Addr(), addr)
	}
}

// emulator is the program that runs the tests, if any: child processes need it
// too. As of version 7.2 qemu-user does not fill in the fault address that Go
// looks at on arm64, so that Go takes a foreign fault for a nil dereference,
// with this package or without.
var (
	emulator = os.Getenv("SIGBUS_TEST_EMULATOR")
	emulated = emulator != ""
)

// gosMessage is how Go reports a fault that is not ours.
func gosMessage() string {
	if emulated {
		return "signal SIGBUS: bus error code=0x2"
	}
	return "unexpected fault address"
}

const childEnv = "SIGBUS_TEST_CHILD"

// child runs body in a process of its own and returns what that printed and
// how it ended.
func child(t *testing.T, body func()) (output string, err error) {
	t.Helper()
	if os.Getenv(childEnv) == t.Name() {
		body()
		os.Exit(0)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	if emulated {
		cmd = exec.Command(emulator, append([]string{os.Args[0]}, cmd.Args[1:]...)...)
	}
	cmd.Env = append(os.Environ(), childEnv+"="+t.Name(), "GOTRACEBACK=single")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if strings.Contains(out.String(), "--- SKIP") {
		t.Skip(out.String())
	}
	return out.String(), err
}

// crashes checks that body dies of a signal as Go reports it.
func crashes(t *testing.T, want string, body func()) {
	t.Helper()
	out, err := child(t, body)
	if err == nil || !strings.Contains(out, want) {
		t.Errorf("child ended with %v and without %q:\n%s", err, want, out)
	}
}

// works checks that body comes to its end.
func works(t *testing.T, body func()) {
	t.Helper()
	if out, err := child(t, body); err != nil {
		t.Errorf("child: %v\n%s", err, out)
	}
}

// countMaps returns the number of mappings of this process.
func countMaps(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	return bytes.Count(b, []byte("\n"))
}

func countFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(list)
}
