package feed_test

import (
	"errors"
	"testing"

	"github.com/ringway/ringway/bench/feed"
)

// FuzzRecordsLieInOrderInsideTheData reads any bytes as any format: records lie
// one after another inside the data, whatever ends them is an *Error, and Count
// agrees.
func FuzzRecordsLieInOrderInsideTheData(f *testing.F) {
	record := dbnRecord(56, 'x')
	message := itchMessage('A', 36)
	for _, seed := range []string{
		"", "\x00\x00", "one\ntwo\r\n\nthree", "gr\xc3\xbc\xc3", "\x1f\x8b\x08", "\x28\xb5\x2f\xfd",
		string(dbnFile(1, "meta", record, record)), string(dbnFile(3, "", record, record[:9])),
		"DBN\x02\xff\xff\xff\xff", "DBN\x01\x00\x00\x00\x00\x03",
		string(itchFile(message, message)) + "\x00\x00", string(itchFile(message)) + "\x00\x24A",
		string(wavFile(chunk("JUNK", "x"), chunk("fmt ", pcm(4)), chunk("data", "aaaabbbbccccd"))),
		string(wavFile(chunk("fmt ", pcm(2)), sized("data", 0xFFFFFFFF, "abc"))),
		string(wavFile(chunk("fmt ", pcm(2)), sized("data", 4000, "abc"))),
		string(wavFile(sized("JUNK", 0xFFFFFFFF, ""))),
	} {
		for format := range byte(6) {
			f.Add([]byte(seed), format, 3)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, format byte, n int) {
		o := feed.Options{Period: n}
		if formats := feed.Formats(); int(format) < len(formats) {
			o.Format, o.Record = formats[format], n
		}
		fd, err := feed.NewFeed(data, "fuzz", o)
		if err != nil {
			wantFault(t, err, data)
			return
		}
		var records, sum, at int
		at = len(fd.Header())
		var last error
		for rec, err := range fd.Records() {
			if last != nil {
				t.Fatal("Records goes on after an error")
			}
			if err != nil {
				wantFault(t, err, data)
				last = err
				continue
			}
			at = place(t, data, at, rec)
			records++
			sum += len(rec)
		}
		if records > len(data) {
			t.Fatalf("%d records in %d bytes", records, len(data))
		}
		n, size, _, err := fd.Count()
		if n != records || size != int64(sum) || (err == nil) != (last == nil) {
			t.Fatalf("Count gives %d, %d, %v; Records %d, %d, %v", n, size, err, records, sum, last)
		}
	})
}

// place finds where in data rec lies, from offset at on, and returns where it
// ends. An empty record has no place and may be anywhere.
func place(t *testing.T, data []byte, at int, rec []byte) int {
	t.Helper()
	if len(rec) == 0 {
		return at
	}
	for ; at+len(rec) <= len(data); at++ {
		if &data[at] == &rec[0] {
			return at + len(rec)
		}
	}
	t.Fatal("a record before or outside the data that is left")
	return 0
}

// wantFault checks an error's type and that its place is one in the data.
func wantFault(t *testing.T, err error, data []byte) {
	t.Helper()
	var e *feed.Error
	if !errors.As(err, &e) || !errors.Is(err, feed.ErrFormat) && !errors.Is(err, feed.ErrTorn) {
		t.Fatalf("error %v of type %T", err, err)
	}
	if e.Offset < -1 || e.Offset > int64(len(data)) {
		t.Fatalf("%v: outside the %d bytes there are", err, len(data))
	}
	if e.Need > 0 && (e.Have < 0 || e.Have >= e.Need || e.Offset+e.Have > int64(len(data))) {
		t.Fatalf("%v: not short of anything", err)
	}
	if errors.Is(err, feed.ErrTorn) && e.Need == 0 {
		t.Fatalf("%v: torn, but of what size?", err)
	}
}
