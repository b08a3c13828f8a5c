package feed_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/ringway/ringway/bench/feed"
)

// itchLengths is the specification's own list, apart from the package's table.
const itchLengths = "S12 R39 H25 Y20 L26 V35 W12 K28 J35 h21 A36 F40 E31 C36 X23 D19 U35 P44 Q40 B19 I50 N20 O48"

// specLengths returns itchLengths by type.
func specLengths() map[byte]int {
	m := map[byte]int{}
	for _, s := range strings.Fields(itchLengths) {
		m[s[0]] = int(s[1]-'0')*10 + int(s[2]-'0')
	}
	return m
}

func itchMessage(kind byte, size int) string {
	return string(kind) + strings.Repeat("\x00", size-1)
}

// itchFile frames messages, without a marker at the end.
func itchFile(messages ...string) []byte {
	var b []byte
	for _, m := range messages {
		b = binary.BigEndian.AppendUint16(b, uint16(len(m)))
		b = append(b, m...)
	}
	return b
}

func TestAnITCHMessageIsARecordWithoutItsLength(t *testing.T) {
	var messages []string
	for kind, size := range specLengths() {
		messages = append(messages, itchMessage(kind, size))
	}
	if len(messages) != 23 {
		t.Fatalf("%d types, want 23", len(messages))
	}
	f, err := feed.NewFeed(itchFile(messages...), "test", feed.Options{})
	if err != nil || f.Format() != feed.ITCH || len(f.Header()) != 0 {
		t.Fatalf("%v, %v", f, err)
	}
	recs, err := records(t, f)
	want(t, recs, messages...)
	if err != nil {
		t.Error(err)
	}
}

func TestAKnownITCHTypeOfAnotherLengthIsMalformed(t *testing.T) {
	first := itchMessage('S', 12)
	for kind, size := range specLengths() {
		for _, wrong := range []int{size - 1, size + 1, size + 256} {
			recs, err := read(t, itchFile(first, itchMessage(kind, wrong)), feed.Options{Format: feed.ITCH})
			want(t, recs, first)
			wantError(t, err, feed.ErrFormat, 14, 0, 0)
		}
	}
}

func TestAnUnknownITCHTypeIsMalformed(t *testing.T) {
	first, known := itchMessage('S', 12), specLengths()
	for kind := range 256 {
		if known[byte(kind)] == 0 {
			data := append(itchFile(first), "\x00\x14"...)
			data = append(append(data, byte(kind)), make([]byte, 19)...)
			recs, err := read(t, data, feed.Options{Format: feed.ITCH})
			want(t, recs, first)
			wantError(t, err, feed.ErrFormat, 14, 0, 0)
		}
	}
}

func TestAZeroLengthEndsAnITCHFileOnlyAtItsEnd(t *testing.T) {
	first := itchMessage('S', 12)
	recs, err := read(t, append(itchFile(first), 0, 0), feed.Options{})
	want(t, recs, first)
	if err != nil {
		t.Error(err)
	}
	for _, after := range []string{"\x00", "\x00\x00", string(itchFile(first))} {
		recs, err = read(t, append(itchFile(first), "\x00\x00"+after...), feed.Options{Format: feed.ITCH})
		want(t, recs, first)
		wantError(t, err, feed.ErrFormat, 14, 0, 0)
	}
}

func TestATornLastITCHMessageIsReportedWithItsOffset(t *testing.T) {
	first := itchMessage('S', 12)
	torn := itchFile(itchMessage('A', 36))
	for have := 1; have < len(torn); have++ {
		recs, err := read(t, append(itchFile(first), torn[:have]...), feed.Options{})
		want(t, recs, first)
		need := int64(38)
		if have == 1 {
			need = 2 // not even the length is there
		}
		wantError(t, err, feed.ErrTorn, 14, need, int64(have))
	}
}
