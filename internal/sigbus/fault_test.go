//go:build linux && (amd64 || arm64)

package sigbus

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAReadPastATruncationGivesZeros(t *testing.T) {
	m, g := guarded(t, 4)
	if g.Faulted() || g.Addr() != 0 {
		t.Fatal("faulted at birth")
	}
	m.truncate(page)
	if g.Faulted() {
		t.Error("faulted without an access")
	}
	if v := peek(m.b, 2*page+17); v != 0 {
		t.Errorf("read %#x", v)
	}
	wantFault(t, g, m.addr(2*page+17))
	if !allZero(m.b[page:]) {
		t.Error("not zero after the truncation")
	}
	if !bytes.Equal(m.b[:page], bytes.Repeat([]byte{0xff}, page)) {
		t.Error("the page that is left has changed")
	}
	wantFault(t, g, m.addr(2*page+17))
}

func TestAWritePastATruncationIsKeptPrivately(t *testing.T) {
	m, g := guarded(t, 4)
	m.truncate(0)
	poke(m.b, 3*page, 7)
	wantFault(t, g, m.addr(3*page))
	poke(m.b, page, 8)
	if peek(m.b, 3*page) != 7 || peek(m.b, page) != 8 {
		t.Error("the second fault has wiped the first write")
	}
	m.truncate(4 * page)
	other, err := unix.Mmap(m.fd, 0, 4*page, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(other)
	if !allZero(other) {
		t.Error("a write has reached the file")
	}
	wantFault(t, g, m.addr(3*page))
}

func TestWhatIsBelowTheFaultRemainsShared(t *testing.T) {
	m, _ := guarded(t, 4)
	m.truncate(2 * page)
	peek(m.b, 3*page)
	poke(m.b, page+5, 42)
	b := make([]byte, 1)
	if _, err := unix.Pread(m.fd, b, int64(page+5)); err != nil || b[0] != 42 {
		t.Errorf("the file has %d: %v", b[0], err)
	}
}

func TestTheLastPagePartlyInTheFileDoesNotFault(t *testing.T) {
	m, g := guarded(t, 3)
	m.truncate(page + 100)
	if peek(m.b, page+99) != 0xff || !allZero(m.b[page+100:2*page]) {
		t.Error("the partial page is not data and then zeros")
	}
	poke(m.b, 2*page-1, 1)
	if g.Faulted() {
		t.Error("the partial page has faulted")
	}
	peek(m.b, 2*page)
	wantFault(t, g, m.addr(2*page))
	if peek(m.b, page+99) != 0xff {
		t.Error("the partial page was replaced")
	}
}

func TestAnAccessAcrossThePageBoundaryFaultsInTheSecondPage(t *testing.T) {
	m, g := guarded(t, 2)
	m.truncate(page)
	if v := le64(m.b[page-4:]); v != 0xffffffff {
		t.Errorf("read %#x", v)
	}
	if a := g.Addr(); a < m.addr(page) || a > m.addr(page+3) {
		t.Errorf("fault at %#x, the page is at %#x", a, m.addr(page))
	}
}

//go:noinline
func le64(b []byte) uint64 { // one MOV
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

func TestCopyOutOfATruncatedRangeGoesOnWithZeros(t *testing.T) {
	for _, n := range []int{1, 7, 16, 31, 64, 255, 300, 2048, page, 3 * page, 100 * page} {
		m, g := guarded(t, 101)
		at := page - min(n/2, page) // half of it in the page that is left
		m.truncate(page)
		b := bytes.Repeat([]byte{0x55}, n)
		copy(b, m.b[at:at+n])
		left := page - at
		if left > n {
			left = n
		}
		if !bytes.Equal(b[:left], bytes.Repeat([]byte{0xff}, left)) || !allZero(b[left:]) {
			t.Errorf("%d bytes: wrong contents", n)
		}
		if n > left && !g.Faulted() {
			t.Errorf("%d bytes: no fault", n)
		}
	}
}

func TestCopyIntoATruncatedRangeGoesOn(t *testing.T) {
	for _, n := range []int{1, 7, 16, 31, 64, 255, 300, 2048, page, 3 * page, 100 * page} {
		m, g := guarded(t, 101)
		at := page - min(n/2, page)
		m.truncate(page)
		b := bytes.Repeat([]byte{0x55}, n)
		copy(m.b[at:], b)
		if !bytes.Equal(m.b[at:at+n], b) {
			t.Errorf("%d bytes: what was written does not read back", n)
		}
		if at+n > page && !g.Faulted() {
			t.Errorf("%d bytes: no fault", n)
		}
	}
}

func TestOverlappingCopyInATruncatedRangeGoesOn(t *testing.T) {
	m, g := guarded(t, 40)
	m.truncate(20 * page)
	copy(m.b[100:], m.b[:len(m.b)-100]) // backwards
	copy(m.b, m.b[100:])                // forwards
	if !g.Faulted() || !allZero(m.b[21*page:]) {
		t.Error("not zeros")
	}
}

func TestVectorCodeOfTheStandardLibraryGoesOn(t *testing.T) {
	m, g := guarded(t, 8)
	m.truncate(page)
	if i := bytes.IndexByte(m.b, 0); i != page {
		t.Errorf("IndexByte: %d, want %d", i, page)
	}
	wantFault(t, g, m.addr(g2(g)-m2(m)))
	m, _ = guarded(t, 8)
	m.truncate(page)
	if bytes.Count(m.b, []byte{0}) != 7*page {
		t.Error("Count")
	}
	m, _ = guarded(t, 8)
	m.truncate(0)
	if !bytes.Equal(m.b, make([]byte, 8*page)) {
		t.Error("Equal")
	}
	m, _ = guarded(t, 8)
	m.truncate(0)
	clear(m.b)
	m, g = guarded(t, 8)
	m.truncate(0)
	if s := string(m.b[page : 2*page]); len(s) != page || !g.Faulted() {
		t.Error("string")
	}
}

func g2(g *Guard) int   { return int(g.Addr()) }
func m2(m *mapping) int { return int(m.base()) }

func TestASystemCallGetsEFAULTAndSetsNoFlag(t *testing.T) {
	m, g := guarded(t, 2)
	m.truncate(0)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := w.Write(m.b[page : page+10]); !errors.Is(err, unix.EFAULT) {
		t.Errorf("write: %v", err)
	}
	if _, err := w.WriteString("0123456789"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(m.b[page : page+10]); !errors.Is(err, unix.EFAULT) {
		t.Errorf("read: %v", err)
	}
	if g.Faulted() {
		t.Error("the flag is set")
	}
}

func TestAPunchedHoleOnATmpfsWithSpaceIsNotAFault(t *testing.T) {
	m, g := guarded(t, 3)
	err := unix.Fallocate(m.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(page), int64(page))
	if err != nil {
		t.Skip(err)
	}
	if !allZero(m.b[page:2*page]) || g.Faulted() || peek(m.b, 2*page) != 0xff {
		t.Error("the kernel should have given a fresh page")
	}
}

func TestARangeOfManyMegabytesWorks(t *testing.T) {
	const size = 64 << 20
	m := newMapping(t, size, 0)
	defer m.close()
	g := m.protect()
	defer g.Release()
	m.truncate(size/2 + 1)
	if !allZero(m.b[size/2+page:]) || peek(m.b, size/2) != 0xff {
		t.Error("wrong contents")
	}
	wantFault(t, g, m.addr(size/2+page))
}

func TestATransparentHugePageCanBeSplit(t *testing.T) {
	const size = 8 << 20
	m := newMapping(t, size, 0)
	defer m.close()
	_ = unix.Madvise(m.b, unix.MADV_HUGEPAGE) // where the system allows it
	m.truncate(0)
	m.truncate(size)
	for i := range m.b {
		m.b[i] = 0xff
	}
	g := m.protect()
	defer g.Release()
	m.truncate(3<<20 + page)
	poke(m.b, 3<<20+page, 1)
	poke(m.b, size-1, 1)
	wantFault(t, g, m.addr(3<<20+page))
	if peek(m.b, 3<<20+page-1) != 0xff {
		t.Error("the page below was replaced")
	}
}

func TestAMappingOfHugePagesIsReplacedAsAWhole(t *testing.T) {
	const size = 4 << 20 // two of the usual 2 MiB
	fd, err := unix.MemfdCreate("sigbus-test", unix.MFD_HUGETLB)
	if err != nil {
		t.Skip(err)
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, size); err != nil {
		t.Skip(err)
	}
	b, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Skip("no huge pages: ", err)
	}
	m := &mapping{t, fd, b}
	defer unix.Munmap(b)
	g := m.protect()
	defer g.Release()
	m.truncate(0)
	poke(b, 3<<20+5, 9)
	wantFault(t, g, m.addr(3<<20+5))
	if peek(b, 3<<20+5) != 9 || peek(b, 0) != 0 {
		t.Error("wrong contents")
	}
}
