package feed_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/ringway/ringway/bench/feed"
)

func dbnFile(version byte, metadata string, records ...string) []byte {
	b := append([]byte("DBN"), version)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(metadata)))
	return append(b, metadata+strings.Join(records, "")...)
}

// dbnRecord is a record of size bytes: the length in words, then fill.
func dbnRecord(size int, fill byte) string {
	return string(rune(size/4)) + strings.Repeat(string(fill), size-1)
}

func TestADBNRecordIsAMessageWithItsHeader(t *testing.T) {
	small, large := dbnRecord(16, 'a'), dbnRecord(400, 'b')
	for version := byte(1); version <= 3; version++ {
		f, err := feed.NewFeed(dbnFile(version, "metadata", small, large, small), "test", feed.Options{})
		if err != nil {
			t.Fatal(err)
		}
		recs, err := records(t, f)
		if err != nil {
			t.Error(err)
		}
		want(t, recs, small, large, small)
		if h := string(f.Header()); !strings.HasPrefix(h, "DBN") || !strings.HasSuffix(h, "metadata") {
			t.Errorf("header %q", h)
		}
		if n, size, largest, err := f.Count(); n != 3 || size != 432 || largest != 400 || err != nil {
			t.Errorf("counted %d, %d, %d, %v", n, size, largest, err)
		}
	}
}

func TestADBNFileMayHaveNoRecords(t *testing.T) {
	recs, err := read(t, dbnFile(1, ""), feed.Options{})
	if len(recs) != 0 || err != nil {
		t.Errorf("%d records, %v", len(recs), err)
	}
}

func TestAnUnknownDBNVersionIsRefused(t *testing.T) {
	for _, version := range []byte{0, 4, 255} {
		for _, format := range []feed.Format{"", feed.DBN} {
			_, err := feed.NewFeed(dbnFile(version, "metadata"), "test", feed.Options{Format: format})
			wantError(t, err, feed.ErrFormat, 3, 0, 0)
		}
	}
}

func TestADBNHeaderCutShortIsRefused(t *testing.T) {
	whole := dbnFile(1, "metadata")
	for n := range whole {
		_, err := feed.NewFeed(whole[:n], "test", feed.Options{Format: feed.DBN})
		if !errors.Is(err, feed.ErrFormat) {
			t.Errorf("%d bytes of a header: error %v, want ErrFormat", n, err)
		}
	}
	_, err := feed.NewFeed(whole[:10], "test", feed.Options{})
	wantError(t, err, feed.ErrFormat, 8, 8, 2)
}

func TestADBNMetadataLengthIsNotBelieved(t *testing.T) {
	_, err := feed.NewFeed([]byte("DBN\x01\xff\xff\xff\xffrest"), "test", feed.Options{})
	wantError(t, err, feed.ErrFormat, 8, 1<<32-1, 4)
}

func TestADBNRecordShorterThanItsHeaderIsMalformed(t *testing.T) {
	whole := dbnRecord(16, 'a')
	for words := range byte(4) {
		recs, err := read(t, dbnFile(1, "", whole, string(words)+"rest of a record"), feed.Options{})
		want(t, recs, whole)
		wantError(t, err, feed.ErrFormat, 8+16, 0, 0)
	}
}

func TestATornLastDBNRecordIsReportedWithItsOffset(t *testing.T) {
	whole := dbnRecord(56, 'a')
	for have := 1; have < 56; have++ {
		recs, err := read(t, dbnFile(1, "meta", whole, whole[:have]), feed.Options{})
		want(t, recs, whole)
		wantError(t, err, feed.ErrTorn, 12+56, 56, int64(have))
	}
}
