package feed_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/ringway/ringway/bench/feed"
)

func TestAFormatIsToldByItsContent(t *testing.T) {
	message := itchMessage('S', 12)
	for name, c := range map[string]struct {
		head string
		want feed.Format
	}{
		"dbn 1":                        {"DBN\x01\x00\x00\x00\x00", feed.DBN},
		"dbn 3":                        {"DBN\x03\x00\x00\x00\x00", feed.DBN},
		"wav":                          {"RIFF\x00\x00\x00\x00WAVE", feed.WAV},
		"one itch message":             {"\x00\x0c" + message, feed.ITCH},
		"itch cut in a message":        {"\x00\x0c" + message + "\x00\x24A", feed.ITCH},
		"itch with its end":            {"\x00\x0c" + message + "\x00\x00", feed.ITCH},
		"odd after eight messages":     {strings.Repeat("\x00\x0c"+message, 8) + "\x00\x07?", feed.ITCH},
		"text":                         {"one\ntwo\r\n", feed.Lines},
		"text cut in a rune":           {"gr\xc3\xbc\xc3", feed.Lines},
		"text that starts like dbn":    {"DBN,price\n", feed.Lines},
		"text that starts like a wave": {"RIFF raff\n", feed.Lines},
		"an empty file":                {"", feed.Lines},
		"a misleading name.wav":        {"just text", feed.Lines},
	} {
		if got, err := feed.Detect([]byte(c.head), name); got != c.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestTheNameDecidesOnlyWhereThereIsTooLittleToTell(t *testing.T) {
	for _, head := range []string{"", "\x00", "\x00\x00", "\x00\x24A"} {
		for _, name := range []string{"empty.itch", "01302020.NASDAQ_ITCH50"} {
			if got, err := feed.Detect([]byte(head), name); got != feed.ITCH {
				t.Errorf("%q under the name %s: %q, %v", head, name, got, err)
			}
		}
	}
	if got, err := feed.Detect([]byte("\x00\x24?"), "x.itch"); err == nil {
		t.Errorf("no ITCH at all is %q by its name", got)
	}
}

func TestWhatCannotBeToldAsksForAnOption(t *testing.T) {
	message := itchMessage('S', 12)
	for name, head := range map[string]string{
		"binary":                          "\x7fELF\x02\x01\x01\x00",
		"latin-1":                         "gr\xfcn\n",
		"a broken rune at the end":        "gr\xc3\xbc\xff",
		"text with a NUL":                 "one\x00two",
		"an itch type of another length":  "\x00\x0d" + message + "\x00",
		"one itch message and then none":  "\x00\x0c" + message + "\x00\x05hello",
		"an end in the middle of session": "\x00\x0c" + message + "\x00\x00\x00\x0c" + message,
	} {
		_, err := feed.Detect([]byte(head), name)
		if !errors.Is(err, feed.ErrFormat) {
			t.Errorf("%s: error %v, want ErrFormat", name, err)
			continue
		}
		for _, part := range []string{name, "--format", "--record"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %q does not say %s", name, err, part)
			}
		}
	}
}

func TestACompressedFileMustBeDecompressedFirst(t *testing.T) {
	for head, tool := range map[string]string{
		"\x28\xb5\x2f\xfd rest": "zstd",
		"\x1f\x8b\x08\x00 rest": "gzip",
	} {
		for _, format := range []feed.Format{"", feed.DBN, feed.ITCH, feed.WAV} {
			_, err := feed.NewFeed([]byte(head), "test", feed.Options{Format: format})
			if !errors.Is(err, feed.ErrFormat) || !strings.Contains(err.Error(), tool) || !strings.Contains(err.Error(), "decompress") {
				t.Errorf("%s as %q: error %v", tool, format, err)
			}
		}
		if _, err := feed.NewFeed([]byte(head), "test", feed.Options{Record: 1}); err != nil {
			t.Errorf("raw records of a %s file: %v", tool, err)
		}
	}
}

func TestARecordSizeAloneMeansRaw(t *testing.T) {
	f, err := feed.NewFeed([]byte("some text"), "test", feed.Options{Record: 3})
	if err != nil || f.Format() != feed.Raw {
		t.Errorf("%v, %v; want raw", f, err)
	}
}
