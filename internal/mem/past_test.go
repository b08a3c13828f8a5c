package mem

import (
	"bytes"
	"slices"
	"testing"
)

func TestACopyPastTheCachesMovesEveryByteAndNoneBesides(t *testing.T) {
	const most = 200 << 10
	src := make([]byte, most+64)
	for i := range src {
		src[i] = byte(i*7 + i>>8)
	}
	body := make([]byte, most+256)
	for _, n := range []int{0, 1, 63, 64, 65, 127, 128, 129, 191, 192, 1000, 16<<10 - 1, 16 << 10, 64<<10 + 56, 128 << 10, most} {
		for at := 0; at < 128; at += 1 + at%3*6 {
			for i := range body {
				body[i] = 0xEE
			}
			from := at * 5 % 64
			CopyPast(body[at:at+n], src[from:from+n])
			if !bytes.Equal(body[at:at+n], src[from:from+n]) {
				t.Fatalf("%d bytes to %d: other bytes came there", n, at)
			}
			if i := other(body[:at]); i >= 0 {
				t.Fatalf("%d bytes to %d: byte %d was written", n, at, i)
			}
			if i := other(body[at+n:]); i >= 0 {
				t.Fatalf("%d bytes to %d: byte %d behind them was written", n, at, i)
			}
		}
	}
}

// other returns where something else than 0xEE stands; -1 is nowhere.
func other(b []byte) int { return slices.IndexFunc(b, func(c byte) bool { return c != 0xEE }) }

func TestACopyPastTheCachesMayOverlap(t *testing.T) {
	for _, n := range []int{100, 130, 500, 5000} {
		for _, shift := range []int{0, 1, 7, 8, 56, 63, 64, 65, 128, 400} {
			for _, back := range []bool{false, true} {
				body, want := make([]byte, n+512), make([]byte, n+512)
				for i := range body {
					body[i] = byte(i*3 + i>>8)
				}
				copy(want, body)
				from, to := 8, 8+shift
				if back {
					from, to = to, from
				}
				copy(want[to:to+n], want[from:from+n])
				CopyPast(body[to:to+n], body[from:from+n])
				if !bytes.Equal(body, want) {
					t.Fatalf("%d bytes from %d to %d: differs from copy", n, from, to)
				}
			}
		}
	}
}

func TestACopyPastTheCachesNeedsRoomAndAllocatesNothing(t *testing.T) {
	src, dst := make([]byte, 70<<10), make([]byte, 80<<10)
	if n := testing.AllocsPerRun(10, func() { CopyPast(dst, src) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if _, ok := panics(func() { CopyPast(dst[:100:100], src[:200]) }); !ok {
		t.Error("200 bytes went into 100")
	}
}
