package feed_test

import (
	"testing"

	"github.com/ringway/ringway/bench/feed"
)

func TestALineIsAMessageWithoutItsNewline(t *testing.T) {
	for text, lines := range map[string][]string{
		"":               nil,
		"one":            {"one"},
		"one\n":          {"one"},
		"one\ntwo":       {"one", "two"},
		"one\r\ntwo\r\n": {"one\r", "two\r"},
		"\n":             {""},
		"\n\none\n\n":    {"", "", "one", ""},
	} {
		recs, err := read(t, []byte(text), feed.Options{})
		want(t, recs, lines...)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLinesThatAreForcedMayHoldAnything(t *testing.T) {
	recs, err := read(t, []byte("gr\xfcn\x00\nDBN\x09"), feed.Options{Format: feed.Lines})
	want(t, recs, "gr\xfcn\x00", "DBN\x09")
	if err != nil {
		t.Error(err)
	}
}

func TestRawRecordsHaveOneSize(t *testing.T) {
	for text, recs := range map[string][]string{"": nil, "aaa": {"aaa"}, "aaa\n\n\nbbb": {"aaa", "\n\n\n", "bbb"}} {
		got, err := read(t, []byte(text), feed.Options{Format: feed.Raw, Record: 3})
		want(t, got, recs...)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLeftOverRawBytesAreATornRecord(t *testing.T) {
	recs, err := read(t, []byte("aaabbbcc"), feed.Options{Record: 3})
	want(t, recs, "aaa", "bbb")
	wantError(t, err, feed.ErrTorn, 6, 3, 2)
	recs, err = read(t, []byte("aaa"), feed.Options{Record: int(^uint(0) >> 1)})
	want(t, recs)
	wantError(t, err, feed.ErrTorn, 0, int64(^uint(0)>>1), 3)
}
