package shm

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// fixed returns a descriptor whose every field is given.
func fixed() Descriptor {
	d := Descriptor{
		Version:    LayoutVersion,
		Kind:       0x11223344,
		Created:    time.Unix(0, 1_700_000_000_123_456_789),
		CreatorPID: 0x01020304,
		Params:     [8]uint64{1, 2, 3, 4, 5, 6, 7, math.MaxUint64},
	}
	for i := range d.Region {
		d.Region[i] = byte(0xa0 + i)
	}
	d.layOut(100, 1<<20+1)
	return d
}

func TestDescriptorImageNeverChanges(t *testing.T) {
	d := fixed()
	page := d.encode()
	file := filepath.Join("testdata", "descriptor-v1.hex")
	got := hex.Dump(page[:endUsed])
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ReplaceAll(string(want), "\r\n", "\n"); got != want {
		t.Errorf("descriptor is\n%swant\n%s", got, want)
	}
	if !bytes.Equal(page[endUsed:], make([]byte, PageSize-endUsed)) {
		t.Error("reserved bytes are not zero")
	}
}

func TestDescriptorSurvivesEncoding(t *testing.T) {
	d := fixed()
	got, err := decode(d.encode(), d.Total)
	if err != nil || got != d {
		t.Errorf("decoded %+v, %v; want %+v", got, err, d)
	}
	if d.BodyOffset != 4096+7*4096 || d.Total != d.BodyOffset+257*4096 {
		t.Errorf("body at %d, total %d", d.BodyOffset, d.Total)
	}
}

func TestEveryFlippedBitOfTheDescriptorPageIsRefused(t *testing.T) {
	d := fixed()
	page := d.encode()
	for bit := range PageSize * 8 {
		bad := *page
		bad[bit/8] ^= 1 << (bit % 8)
		want := ErrCorrupt
		switch {
		case bit/8 < offHash:
			want = ErrNotRingway
		case bit/8 >= offVersion && bit/8 < offKind:
			want = ErrVersion
		}
		if _, err := decode(&bad, d.Total); !errors.Is(err, want) {
			t.Fatalf("bit %d of byte %d flipped: %v, want %v", bit%8, bit/8, err, want)
		}
	}
}

// TestSizesThatContradictEachOtherAreCorrupt forges descriptors with a good
// hash, as a hostile peer can.
func TestSizesThatContradictEachOtherAreCorrupt(t *testing.T) {
	huge := []uint64{0, 1, 4095, 4097, 1 << 31, 1<<32 - 1, 1 << 62, 1<<63 - 1, 1 << 63, math.MaxUint64, math.MaxUint64 - 4095}
	for _, f := range []struct {
		name string
		off  int
	}{
		{"total", offTotal}, {"table offset", offTable}, {"entries", offEntries},
		{"body offset", offBody}, {"body size", offBodyLen},
	} {
		for _, v := range huge {
			d := fixed()
			page := d.encode()
			binary.LittleEndian.PutUint64(page[f.off:], v)
			binary.LittleEndian.PutUint64(page[offHash:], hashPage(page))
			if _, err := decode(page, math.MaxInt64); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s %d: %v, want ErrCorrupt", f.name, v, err)
			}
		}
	}
}

func TestSizesBeyondTheFileAreCorruptAndBothAreNamed(t *testing.T) {
	d := fixed()
	_, err := decode(d.encode(), d.Total-1)
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "1085440") || !strings.Contains(err.Error(), "1085439") {
		t.Error(err)
	}
	if _, err := decode(d.encode(), d.Total+1); err != nil {
		t.Errorf("a file that is larger: %v", err)
	}
}

func TestANewerVersionIsRefusedNamingBoth(t *testing.T) {
	d := fixed()
	d.Version = 7
	_, err := decode(d.encode(), d.Total)
	if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "version 7") || !strings.Contains(err.Error(), "version 1") {
		t.Error(err)
	}
}

func TestASectionBeyondTheAddressSpaceIsUnsupported(t *testing.T) {
	if math.MaxInt == math.MaxInt64 {
		t.Skip("the address space of this architecture has room for every section")
	}
	d := fixed()
	d.layOut(1, 1<<32)
	if _, err := decode(d.encode(), d.Total); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
	if _, err := Create("large", Options{Body: 1 << 32, Participants: 1}); !errors.Is(err, ErrBadArgument) {
		t.Error(err)
	}
}

func FuzzDecodeNeverAcceptsWhatItCannotMap(f *testing.F) {
	d := fixed()
	f.Add(d.encode()[:endUsed], int64(1<<30))
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		var page [PageSize]byte
		copy(page[:], b)
		copy(page[:], magic)
		binary.LittleEndian.PutUint32(page[offVersion:], LayoutVersion)
		binary.LittleEndian.PutUint64(page[offHash:], hashPage(&page))
		d, err := decode(&page, size)
		if err != nil {
			return
		}
		if d.Total > size || d.BodyOffset+d.BodySize > d.Total || d.BodySize < 1 ||
			d.TableOffset+int64(d.Participants)*EntrySize > d.BodyOffset || d.Participants < 1 {
			t.Errorf("accepted %+v for %d bytes", d, size)
		}
		if *d.encode() != page && bytes.Equal(page[endUsed:], make([]byte, PageSize-endUsed)) {
			t.Error("encoding what was decoded gives another page")
		}
	})
}
