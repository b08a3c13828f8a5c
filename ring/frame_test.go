package ring

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"os"
	"strings"
	"testing"
)

// vectors calls f with the fields of each line of the golden vectors that
// begins with the given word.
func vectors(t *testing.T, word string, f func(fields []string)) {
	t.Helper()
	file, err := os.Open("testdata/frames.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	n := 0
	for s := bufio.NewScanner(file); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) > 0 && fields[0] == word {
			f(fields[1:])
			n++
		}
	}
	if n == 0 {
		t.Fatalf("no vector %q", word)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	if s == "-" {
		return nil
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHeaderIsTheseBytes(t *testing.T) {
	vectors(t, "header", func(f []string) {
		var n uint32
		var typ uint16
		var flags Flags
		var valid bool
		var payload, size uint64
		if _, err := fmt.Sscan(strings.Join(f[1:], " "), &n, &typ, &flags, &valid, &payload, &size); err != nil {
			t.Fatal(err)
		}
		h := Header(binary.LittleEndian.Uint64(unhex(t, f[0])))
		if h.Len() != uint64(n) || h.Type() != typ || h.Flags() != flags || h.Valid() != valid ||
			h.PayloadOffset() != payload || h.FrameSize() != size {
			t.Errorf("%s: length %d, type %d, flags %d, valid %t, payload at %d, frame of %d bytes; want %q",
				f[0], h.Len(), h.Type(), h.Flags(), h.Valid(), h.PayloadOffset(), h.FrameSize(), f[1:])
		}
		if h>>56 == 0xA7 && MakeHeader(n, typ, flags) != h {
			t.Errorf("MakeHeader(%d, %d, %d) is %#x, want %#x", n, typ, flags, uint64(MakeHeader(n, typ, flags)), uint64(h))
		}
	})
}

func TestSentMessageIsTheseBytesInTheRing(t *testing.T) {
	vectors(t, "frame", func(f []string) {
		var pos uint64
		var typ uint16
		if _, err := fmt.Sscan(f[1]+" "+f[2], &pos, &typ); err != nil {
			t.Fatal(err)
		}
		r := newRing(t, Geometry{Kind: SPSC, Capacity: 4096, Checksum: f[0] == "checksum"}, pos)
		payload, want := unhex(t, f[3]), unhex(t, f[4])
		if err := r.p.TrySend(typ, payload); err != nil {
			t.Fatal(err)
		}
		got := r.body[r.dataOff(pos):][:len(want)]
		if string(got) != string(want) {
			t.Errorf("%s message of type %d, payload %x stands as\n%x, want\n%x", f[0], typ, payload, got, want)
		}
		if r.p.Position() != pos+uint64(len(want)) {
			t.Errorf("frame takes %d bytes, want %d", r.p.Position()-pos, len(want))
		}
		m, err := r.c.Next()
		if err != nil || string(m.Payload) != string(payload) || m.Type != typ {
			t.Errorf("received %x of type %d, %v; want %x of type %d", m.Payload, m.Type, err, payload, typ)
		}
	})
}

func TestFlagsHaveTheseBits(t *testing.T) {
	for i, f := range []Flags{FlagPad, FlagControl, FlagMore, FlagChecksum, FlagSequence, FlagTime, FlagCorrelation, FlagBatch} {
		if f != 1<<i {
			t.Errorf("flag number %d is %#x", i, uint8(f))
		}
	}
}

func TestFrameHasOneWordForEachExtensionFlagAndASizeThatFitsLines(t *testing.T) {
	for flags := range 256 {
		words := uint64(1 + bits.OnesCount(uint(flags)&0xF8))
		for _, n := range []uint32{0, 1, 7, 8, 9, 16, 17, 24, 25, 40, 41, 48, 49, 56, 57, 64, 65, 1<<32 - 1} {
			h := MakeHeader(n, 0xffff, Flags(flags))
			if h.PayloadOffset() != 8*words {
				t.Fatalf("flags %#x: payload at %d, want %d", flags, h.PayloadOffset(), 8*words)
			}
			want := 8*words + uint64(n)
			if want <= 64 {
				for want&(want-1) != 0 { // up to the next power of two
					want++
				}
			}
			want = (want + 7) / 8 * 8
			if Flags(flags)&FlagPad != 0 {
				want = 8 + (uint64(n)+7)/8*8 // whatever else is set
			}
			if h.FrameSize() != want {
				t.Fatalf("flags %#x, %d bytes: frame of %d, want %d", flags, n, h.FrameSize(), want)
			}
		}
	}
}

func TestOnlyTheMarkAndABatchWithoutOtherFlagsMakeAHeaderValid(t *testing.T) {
	for mark := range 256 {
		for flags := range 256 {
			h := Header(mark)<<56 | Header(flags)<<48 | 0x1234_5678_9abc
			if want := mark == 0xA7 && flags <= 0x80; h.Valid() != want {
				t.Fatalf("%#x: Valid is %t", uint64(h), h.Valid())
			}
		}
	}
	if Header(0).Valid() {
		t.Error("zero, nothing here yet, is valid")
	}
}

func TestTheMarkTellsTheLap(t *testing.T) {
	for _, shift := range []uint{12, 13, 20, 40} {
		for n := range uint64(600) {
			lap := n
			if n >= 300 {
				lap = 1<<(64-shift) - n // the largest
			}
			for _, off := range []uint64{0, 8, 1<<shift - 8} {
				if got, want := lapTag(lap<<shift+off, shift), Header(lap%128)<<56; got != want {
					t.Fatalf("lap %#x of 1<<%d: tag %#x, want %#x", lap, shift, uint64(got), uint64(want))
				}
			}
		}
	}
}

func TestHeaderOfOneLapIsNoneInAnother(t *testing.T) {
	for a := range uint64(128) {
		if (Header(0) ^ lapTag(a<<12, 12)).Committed() {
			t.Errorf("in lap %d a zero word is a header", a)
		}
		for b := range uint64(128) {
			h := MakeHeader(1, 2, 0) ^ lapTag(a<<12, 12) ^ lapTag(b<<12, 12)
			if h.Committed() != (a == b) {
				t.Fatalf("a header of lap %d is one in lap %d: %t", a, b, a != b)
			}
		}
	}
}

func TestChecksumIsSeededWithTheHeader(t *testing.T) {
	payload := []byte("the same payload")
	seen := make(map[uint64]Header)
	for _, h := range []Header{MakeHeader(16, 0, FlagChecksum), MakeHeader(16, 1, FlagChecksum), MakeHeader(16, 1<<15, FlagChecksum), MakeHeader(17, 0, FlagChecksum)} {
		sum := checksum(h, payload)
		if other, ok := seen[sum]; ok {
			t.Errorf("headers %#x and %#x give the same checksum", uint64(h), uint64(other))
		}
		seen[sum] = h
	}
}
