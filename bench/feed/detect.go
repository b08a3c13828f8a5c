package feed

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

const (
	detectHead     = 64 << 10 // bytes of a file that NewFeed shows to Detect
	detectMessages = 8        // ITCH messages in a row that settle the matter
)

// Detect tells a file's format from head, its first bytes: 64 KiB are plenty,
// fewer will do, and head may end anywhere. name appears in errors, and its
// extension decides only where head is too short to tell ITCH.
//
// DBN and WAV have magic numbers. ITCH has none: the first messages, up to
// eight, must all have a type and the length the specification gives it. What
// remains is Lines when it is UTF-8 without a NUL; an empty file is Lines too.
//
// Detect returns an *Error that unwraps to ErrFormat when head fits no format,
// when it is compressed, and when it is DBN of a version that is not read.
func Detect(head []byte, name string) (Format, error) {
	f := &Feed{name: name, data: head, end: int64(len(head))}
	if err := f.refuseCompressed(); err != nil {
		return "", err
	}
	switch messages, fits := probeITCH(head); {
	case isDBN(head):
		return DBN, nil
	case isWAV(head):
		return WAV, nil
	case fits && (messages > 0 || saysITCH(name)):
		return ITCH, nil
	case isText(head):
		return Lines, nil
	case bytes.HasPrefix(head, dbnMagic):
		return "", f.refuseDBNVersion()
	}
	return "", f.unfit("neither DBN, ITCH 5.0, WAV nor UTF-8 text: " +
		"name the format with --format, or the size of fixed-size records with --record")
}

// probeITCH reads head as ITCH. fits says that nothing in it speaks against
// that, messages how many whole messages speak for it.
func probeITCH(head []byte) (messages int, fits bool) {
	f := &Feed{format: ITCH, data: head, end: int64(len(head)), cut: cutITCH}
	for _, err := range f.Records() {
		if err != nil {
			return messages, errors.Is(err, ErrTorn)
		}
		if messages++; messages == detectMessages {
			break
		}
	}
	return messages, true
}

// saysITCH reports an extension such as .itch or .NASDAQ_ITCH50.
func saysITCH(name string) bool {
	return strings.Contains(strings.ToLower(filepath.Ext(name)), "itch")
}

// isText reports UTF-8 without NUL; the last rune may be cut short.
func isText(head []byte) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 {
			return !utf8.FullRune(head)
		}
		head = head[n:]
	}
	return true
}

// refuseCompressed returns an error for a file that starts as zstd or gzip does.
func (f *Feed) refuseCompressed() error {
	for _, c := range []struct{ magic, name, tool string }{
		{"\x28\xb5\x2f\xfd", "zstd", "zstd -d"},
		{"\x1f\x8b", "gzip", "gzip -d"},
	} {
		if bytes.HasPrefix(f.data, []byte(c.magic)) {
			return f.unfit("the file is compressed with %s: decompress it first (%s)", c.name, c.tool)
		}
	}
	return nil
}
