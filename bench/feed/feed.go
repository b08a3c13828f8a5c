package feed

import (
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
)

// Format names a record file's format. The zero value is no format: in
// [Options] it asks for [Detect].
type Format string

// The formats; the package documentation says what is a message in each.
const (
	DBN   Format = "dbn"   // Databento Binary Encoding, versions 1 to 3
	ITCH  Format = "itch"  // Nasdaq TotalView-ITCH 5.0 in BinaryFILE framing
	WAV   Format = "wav"   // RIFF/WAVE audio, a period of frames a message
	Lines Format = "lines" // text, a line a message
	Raw   Format = "raw"   // records of a fixed size
)

// Formats returns every format, in a new slice. All but Raw can be detected.
func Formats() []Format { return []Format{DBN, ITCH, WAV, Lines, Raw} }

// ParseFormat returns the format of that name, in upper or lower case. The
// error, returned when no format has it, lists the names and unwraps to
// [ErrFormat].
func ParseFormat(s string) (Format, error) {
	for _, f := range Formats() {
		if strings.EqualFold(s, string(f)) {
			return f, nil
		}
	}
	return "", fmt.Errorf("feed: %w: %s", ErrFormat, noFormat(s))
}

func noFormat(s string) string { return fmt.Sprintf("%q is none of %q", s, Formats()) }

// DefaultPeriod is the number of frames in a WAV message when Options.Period
// is 0.
const DefaultPeriod = 64

// Options say how to cut a file into messages. The zero value detects the
// format.
type Options struct {
	// Format forces a format. Empty means Raw when Record is set, and what Detect
	// says otherwise.
	Format Format
	// Period is the number of frames in a WAV message; 0 means DefaultPeriod.
	// Other formats ignore it.
	Period int
	// Record is the number of bytes in a Raw message. Other formats ignore it.
	Record int
}

// Feed is a record file held in memory. It never writes to its bytes, and any
// number of goroutines may read it at once.
type Feed struct {
	name   string
	format Format
	data   []byte
	cut    cutter
	// Records lie in data[start:end]. end may be past the data where a header
	// promises more than the file has: the cutter then reports what is missing.
	start, end int64
	// size and unit are for fixed-size cutting, in bytes: a record, and the
	// smallest part of one that may stand as a shorter last record.
	size, unit int64
}

// A span is a record, data[lo:hi], and where the one after it starts.
type span struct{ lo, hi, next int64 }

// A cutter finds the record at off, with f.start <= off < f.end. It promises
// off <= lo <= hi <= next <= len(f.data) and off < next. It returns io.EOF when
// the format marks the end there, and an *Error when there is no whole record.
type cutter func(f *Feed, off int64) (span, error)

// Open reads the whole file at path, once, and returns a Feed of it whose name
// is path. It returns the errors of os.ReadFile and of [NewFeed].
func Open(path string, o Options) (*Feed, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	} else if !info.Mode().IsRegular() {
		// A device or a pipe may have no end.
		return nil, fmt.Errorf("feed: %s is not a regular file", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	return NewFeed(data, path, o)
}

// NewFeed returns a Feed of a file's bytes; name appears in errors, and its
// extension may help detection. The Feed keeps data, which nobody may change
// from then on.
//
// NewFeed reads the header and no record. It returns an *Error that unwraps to
// ErrFormat when the format cannot be told, when the header is malformed or cut
// short, when the file is compressed, and when the options do not fit: an
// unknown format, a negative or enormous Period, Raw without a positive Record.
func NewFeed(data []byte, name string, o Options) (*Feed, error) {
	f := &Feed{name: name, format: o.Format, data: data, end: int64(len(data))}
	if f.format == "" && o.Record != 0 {
		f.format = Raw
	}
	var err error
	if f.format == "" {
		if f.format, err = Detect(data[:min(len(data), detectHead)], name); err != nil {
			return nil, err
		}
	}
	switch f.format {
	case DBN:
		err = f.openDBN()
	case ITCH:
		err = f.openITCH()
	case WAV:
		err = f.openWAV(o.Period)
	case Lines:
		f.cut = cutLine
	case Raw:
		err = f.openRaw(o.Record)
	default:
		err = f.unfit("%s", noFormat(string(f.format)))
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Name returns the name the Feed was made with: Open's path.
func (f *Feed) Name() string { return f.name }

// Format returns the format the Feed is read as, detected or forced.
func (f *Feed) Format() Format { return f.format }

// Header returns the bytes before the first record that are no message: the
// metadata of DBN and the chunks up to the samples of WAV, and nothing for the
// other formats. They belong to the Feed and must not be changed.
func (f *Feed) Header() []byte { return f.data[:f.start:f.start] }

// Records returns the messages in the order of the file, as often as it is
// ranged over. A message is a slice of the file's bytes, with no room to
// append; it stays valid as long as the Feed is reachable and must not be
// changed.
//
// Where a record is malformed or torn the last pair is a nil message and an
// *Error, after every message before it: ErrFormat when the record contradicts
// the format, ErrTorn when the file ends inside it.
func (f *Feed) Records() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for off := f.start; off < f.end; {
			s, err := f.cut(f, off)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(f.data[s.lo:s.hi:s.hi], nil) {
				return
			}
			off = s.next
		}
	}
}

// Count reads every record once and returns how many there are, the sum of
// their lengths and the longest, in bytes, framing excluded. The error is that
// of [Feed.Records]; the counts then cover the records before it.
func (f *Feed) Count() (records int, bytes int64, largest int, err error) {
	for rec, err := range f.Records() {
		if err != nil {
			return records, bytes, largest, err
		}
		records++
		bytes += int64(len(rec))
		largest = max(largest, len(rec))
	}
	return records, bytes, largest, nil
}
