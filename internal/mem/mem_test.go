package mem

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// words returns n zero bytes, aligned to 8.
func words(n int) []byte {
	b := make([]byte, n+64) // not tiny: the allocator aligns it to 8 at least
	return b[:n:n]
}

// panics reports the text that f panics with; ok says whether it does.
func panics(f func()) (text string, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			text, ok = fmt.Sprint(r), true
		}
	}()
	f()
	return "", false
}

func TestLineIsTwoCacheLines(t *testing.T) {
	if Line != 128 {
		t.Errorf("Line is %d, want 128 on every architecture: sections are shared between them", Line)
	}
}

func TestOfRefusesAMisalignedRegion(t *testing.T) {
	b := words(64)
	Of(b)
	Of(b[8:])
	for off := 1; off < 8; off++ {
		if _, ok := panics(func() { Of(b[off:]) }); !ok {
			t.Errorf("Of takes a region %d bytes behind a multiple of 8", off)
		}
	}
}

func TestSliceIsThePartThatStartsAtItsOffset(t *testing.T) {
	b := words(64)
	r := Of(b).Slice(16, 24)
	if r.Len() != 24 {
		t.Fatalf("Len is %d, want 24", r.Len())
	}
	r.StoreRelease64(8, 0x1122334455667788)
	if got := binary.NativeEndian.Uint64(b[24:]); got != 0x1122334455667788 {
		t.Errorf("word at offset 24 is %#x after a store at 8 of the part at 16", got)
	}
	if got := r.Bytes(0, 24); &got[0] != &b[16] || len(got) != 24 || cap(got) != 24 {
		t.Errorf("Bytes gives %d bytes with room for %d from %p, want 24, 24, %p", len(got), cap(got), &got[0], &b[16])
	}
	if Of(b).Slice(64, 0).Len() != 0 || (Region{}).Len() != 0 {
		t.Error("empty regions have a length")
	}
}

func TestSlicePanicsOutsideTheRegion(t *testing.T) {
	r := Of(words(64))
	const far = 1<<64 - 8
	for _, c := range []struct{ off, n uint64 }{
		{0, 65}, {64, 1}, {72, 0}, {8, 57}, {far, 8}, {far, 16}, {8, far}, {8, 1<<64 - 1}, {4, 8}, {1, 1},
	} {
		if text, ok := panics(func() { r.Slice(c.off, c.n) }); !ok || !strings.HasPrefix(text, "mem: ") {
			t.Errorf("Slice(%d, %d) of 64 bytes panics: %t %q", c.off, c.n, ok, text)
		}
	}
}

func TestOperationsDoWhatTheirNamesSay(t *testing.T) {
	b := words(64)
	r := Of(b)
	at64 := func(off int, want uint64) {
		t.Helper()
		if got := binary.NativeEndian.Uint64(b[off:]); got != want {
			t.Errorf("word at %d is %#x, want %#x", off, got, want)
		}
	}
	at32 := func(off int, want uint32) {
		t.Helper()
		if got := binary.NativeEndian.Uint32(b[off:]); got != want {
			t.Errorf("32-bit word at %d is %#x, want %#x", off, got, want)
		}
	}

	r.StoreRelease64(8, 1<<63|1)
	at64(8, 1<<63|1)
	r.Store64(16, 2)
	at64(16, 2)
	if got := r.Load64(8); got != 1<<63|1 {
		t.Errorf("Load64 gives %#x", got)
	}
	if r.CAS64(16, 3, 4) {
		t.Error("CAS64 of a word that is not the old one succeeds")
	}
	at64(16, 2)
	if !r.CAS64(16, 2, 4) {
		t.Error("CAS64 of the old word fails")
	}
	at64(16, 4)
	if got := r.Add64(16, 1<<64-1); got != 3 {
		t.Errorf("Add64 gives %d, want the sum 3", got)
	}
	at64(16, 3)

	r.Store32(28, 1<<31)
	at32(28, 1<<31)
	at32(24, 0)
	if got := r.Load32(28); got != 1<<31 {
		t.Errorf("Load32 gives %#x", got)
	}
	if r.CAS32(28, 0, 7) || !r.CAS32(28, 1<<31, 7) {
		t.Error("CAS32 confuses the old word with others")
	}
	at32(28, 7)
	if got := r.Add32(28, 1<<32-1); got != 6 {
		t.Errorf("Add32 gives %d, want 6", got)
	}
	at32(28, 6)
	*r.Ptr32(28) = 9
	at32(28, 9)
	at64(0, 0)
	at64(32, 0)
}

func TestPollSeesThatAWordChanged(t *testing.T) {
	b := words(64)
	r := Of(b)
	for _, looks := range []uint32{1, 2, 64} {
		for _, pauses := range []uint32{1, 7} {
			for _, v := range []uint64{0, 1, 1 << 32, 1 << 63, 1<<64 - 1} {
				r.StoreRelease64(8, v)
				if r.Poll64(8, v, looks, pauses) {
					t.Errorf("%#x is no longer %#x", v, v)
				}
				for bit := range 64 {
					if !r.Poll64(8, v^1<<bit, looks, pauses) {
						t.Errorf("%#x is still %#x", v, v^1<<bit)
					}
				}
			}
		}
	}
}

func TestPollEndsWhenAnotherGoroutineStores(t *testing.T) {
	r := Of(words(64))
	for i := range uint64(200) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.StoreRelease64(8, i+1)
		}()
		for !r.Poll64(8, i, 64, 1) {
			runtime.Gosched()
		}
		if got := r.Load64(8); got != i+1 {
			t.Fatalf("after the poll the word is %d, want %d", got, i+1)
		}
		<-done
	}
}

// accesses are all operations on a word or bytes, by name; each takes an offset.
var accesses = []struct {
	name  string
	width uint64
	align uint64
	do    func(r Region, off uint64)
}{
	{"Load64", 8, 8, func(r Region, off uint64) { r.Load64(off) }},
	{"Poll64", 8, 8, func(r Region, off uint64) { r.Poll64(off, 1<<63, 1, 1) }},
	{"StoreRelease64", 8, 8, func(r Region, off uint64) { r.StoreRelease64(off, 0) }},
	{"Store64", 8, 8, func(r Region, off uint64) { r.Store64(off, 0) }},
	{"CAS64", 8, 8, func(r Region, off uint64) { r.CAS64(off, 0, 0) }},
	{"Add64", 8, 8, func(r Region, off uint64) { r.Add64(off, 0) }},
	{"Load32", 4, 4, func(r Region, off uint64) { r.Load32(off) }},
	{"Store32", 4, 4, func(r Region, off uint64) { r.Store32(off, 0) }},
	{"CAS32", 4, 4, func(r Region, off uint64) { r.CAS32(off, 0, 0) }},
	{"Add32", 4, 4, func(r Region, off uint64) { r.Add32(off, 0) }},
	{"Ptr32", 4, 4, func(r Region, off uint64) { r.Ptr32(off) }},
	{"Bytes", 8, 1, func(r Region, off uint64) { r.Bytes(off, 8) }},
}

func TestCheckedBuildsPanicAtEachAccessOutsideOrMisaligned(t *testing.T) {
	if Hooked && !checked || raceEnabled && !checked {
		t.Fatal("builds with the tag shmtest or the race detector must check offsets")
	}
	r := Of(words(128)).Slice(0, 64) // the bytes behind it are ours too
	for _, a := range accesses {
		if !checked && a.name != "Ptr32" { // which always checks: a system call follows
			continue
		}
		for _, off := range []uint64{0, 8, 64 - a.width} {
			if text, ok := panics(func() { a.do(r, off) }); ok {
				t.Errorf("%s at %d of 64 bytes panics: %s", a.name, off, text)
			}
		}
		bad := []uint64{64 - a.width + a.align, 64, 72, 1 << 40, 1<<64 - 8, 1<<64 - 4}
		for off := uint64(1); off < a.align; off++ {
			bad = append(bad, off)
		}
		for _, off := range bad {
			if text, ok := panics(func() { a.do(r, off) }); !ok || !strings.HasPrefix(text, "mem: ") {
				t.Errorf("%s at %d of 64 bytes panics: %t %q", a.name, off, ok, text)
			}
		}
	}
	if checked {
		for _, n := range []uint64{65, 1 << 63, 1<<64 - 1, 1<<64 - 8} {
			if _, ok := panics(func() { r.Bytes(0, n) }); !ok {
				t.Errorf("Bytes(0, %d) of 64 bytes does not panic", n)
			}
			if _, ok := panics(func() { r.Bytes(8, n) }); !ok {
				t.Errorf("Bytes(8, %d) of 64 bytes does not panic", n)
			}
		}
		if b := r.Bytes(64, 0); len(b) != 0 {
			t.Errorf("Bytes(64, 0) has %d bytes", len(b))
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	if Hooked {
		t.Skip("a hook's description of the access is on the heap")
	}
	b := words(64)
	got := testing.AllocsPerRun(100, func() {
		r := Of(b).Slice(0, 64)
		for _, a := range accesses {
			a.do(r, 8)
		}
		Fence()
	})
	if got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
}
