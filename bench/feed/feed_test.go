package feed_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringway/ringway/bench/feed"
)

// read returns every record of data and the error that ended them.
func read(t *testing.T, data []byte, o feed.Options) ([][]byte, error) {
	t.Helper()
	f, err := feed.NewFeed(data, "test", o)
	if err != nil {
		t.Fatalf("NewFeed: %v", err)
	}
	return records(t, f)
}

func records(t *testing.T, f *feed.Feed) (recs [][]byte, last error) {
	t.Helper()
	for rec, err := range f.Records() {
		if last != nil {
			t.Fatal("Records goes on after an error")
		}
		if err != nil {
			last = err
			continue
		}
		recs = append(recs, rec)
	}
	return recs, last
}

// want checks records against the expected ones.
func want(t *testing.T, got [][]byte, expected ...string) {
	t.Helper()
	if !slices.EqualFunc(got, expected, func(b []byte, s string) bool { return string(b) == s }) {
		t.Errorf("records %q, want %q", got, expected)
	}
}

// wantError checks what kind of fault err reports, where and of what size.
func wantError(t *testing.T, err, kind error, offset, need, have int64) {
	t.Helper()
	var e *feed.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Fatalf("error %v, want an *Error that is %v", err, kind)
	}
	if e.Offset != offset || e.Need != need || e.Have != have {
		t.Errorf("offset %d, needs %d, has %d; want %d, %d, %d: %v", e.Offset, e.Need, e.Have, offset, need, have, err)
	}
}

func TestOpenReadsTheWholeFileUnderItsPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "two.txt")
	if err := os.WriteFile(path, []byte("one\ntwo"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := feed.Open(path, feed.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if f.Name() != path || f.Format() != feed.Lines {
		t.Errorf("name %q, format %q", f.Name(), f.Format())
	}
	recs, err := records(t, f)
	want(t, recs, "one", "two")
	if err != nil {
		t.Error(err)
	}
}

func TestOpenOfAMissingFileSaysSo(t *testing.T) {
	if _, err := feed.Open(filepath.Join(t.TempDir(), "none"), feed.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
}

func TestRecordsAreSlicesOfTheFileWithoutRoomToAppend(t *testing.T) {
	data := []byte("one\ntwo\n")
	recs, _ := read(t, data, feed.Options{Format: feed.Lines})
	if &recs[0][0] != &data[0] || &recs[1][0] != &data[4] {
		t.Error("a record is a copy")
	}
	if _ = append(recs[0], '!'); data[3] != '\n' {
		t.Error("an append to a record changed the file")
	}
}

func TestReadingARecordAllocatesNothing(t *testing.T) {
	for format, data := range map[feed.Format][]byte{
		feed.Lines: bytes.Repeat([]byte("a line\n"), 1000),
		feed.Raw:   make([]byte, 1000*16),
		feed.DBN:   dbnFile(1, "", slices.Repeat([]string{dbnRecord(56, 'x')}, 1000)...),
		feed.ITCH:  itchFile(slices.Repeat([]string{itchMessage('A', 36)}, 1000)...),
		feed.WAV:   wavFile(chunk("fmt ", pcm(4)), chunk("data", string(make([]byte, 1000*256)))),
	} {
		f, err := feed.NewFeed(data, "test", feed.Options{Format: format, Record: 16})
		if err != nil {
			t.Fatal(err)
		}
		allocs := testing.AllocsPerRun(10, func() {
			if n, _, _, err := f.Count(); n != 1000 || err != nil {
				t.Fatalf("%s: %d records, %v", format, n, err)
			}
		})
		if allocs > 4 {
			t.Errorf("%s: %v allocations for a pass over 1000 records", format, allocs)
		}
	}
}

func TestAReaderMayStopAndStartAgain(t *testing.T) {
	f, err := feed.NewFeed([]byte("a\nb\nc\n"), "test", feed.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range f.Records() {
		break
	}
	recs, _ := records(t, f)
	want(t, recs, "a", "b", "c")
}

func TestCountCoversTheRecordsBeforeAnError(t *testing.T) {
	f, err := feed.NewFeed([]byte("aaaabbbbcc"), "test", feed.Options{Record: 4})
	if err != nil {
		t.Fatal(err)
	}
	n, size, largest, err := f.Count()
	if n != 2 || size != 8 || largest != 4 {
		t.Errorf("%d records, %d bytes, largest %d; want 2, 8, 4", n, size, largest)
	}
	wantError(t, err, feed.ErrTorn, 8, 4, 2)
}

func TestAnErrorNamesTheFileThePlaceAndTheSizes(t *testing.T) {
	f, err := feed.NewFeed([]byte("aaaabb"), "some/file.bin", feed.Options{Record: 4})
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, err = f.Count()
	const text = "feed: some/file.bin (raw) at offset 4: torn record: the data ends inside a record: needs 4 bytes, has 2"
	if err == nil || err.Error() != text {
		t.Errorf("error %q, want %q", err, text)
	}
}

func TestEveryFormatIsParsedByItsName(t *testing.T) {
	if len(feed.Formats()) != 5 {
		t.Errorf("formats %v, want five", feed.Formats())
	}
	for _, format := range feed.Formats() {
		for _, name := range []string{string(format), strings.ToUpper(string(format))} {
			if got, err := feed.ParseFormat(name); got != format || err != nil {
				t.Errorf("ParseFormat(%q) = %q, %v", name, got, err)
			}
		}
	}
	for _, name := range []string{"", "mp3", "dbn "} {
		_, err := feed.ParseFormat(name)
		if !errors.Is(err, feed.ErrFormat) || !strings.Contains(err.Error(), `"lines"`) {
			t.Errorf("ParseFormat(%q): error %v, want ErrFormat with the names", name, err)
		}
	}
}

func TestOptionsThatDoNotFitAreRefused(t *testing.T) {
	wav := wavFile(chunk("fmt ", pcm(4)), chunk("data", "aaaa"))
	for name, o := range map[string]feed.Options{
		"an unknown format":            {Format: "mp3"},
		"raw without a size":           {Format: feed.Raw},
		"raw of a negative size":       {Record: -1},
		"a negative period":            {Format: feed.WAV, Period: -1},
		"a period of gigabytes":        {Format: feed.WAV, Period: 1 << 30},
		"wav that is read as dbn":      {Format: feed.DBN},
		"the largest period there is ": {Format: feed.WAV, Period: int(^uint(0) >> 1)},
	} {
		if _, err := feed.NewFeed(wav, name, o); !errors.Is(err, feed.ErrFormat) {
			t.Errorf("%s: error %v, want ErrFormat", name, err)
		}
	}
}
