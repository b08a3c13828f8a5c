package feed

import (
	"bytes"
	"encoding/binary"
)

var dbnMagic = []byte("DBN")

const (
	dbnVersions   = 3         // the newest version; 1 is the oldest
	dbnPrefix     = 3 + 1 + 4 // magic, version, metadata length
	dbnWord       = 4         // unit of a record's length
	dbnRecordHead = 16        // the least a record has: its own header
)

// isDBN reports the magic number of DBN in a version that is read.
func isDBN(head []byte) bool {
	return len(head) > len(dbnMagic) && bytes.HasPrefix(head, dbnMagic) &&
		1 <= head[3] && head[3] <= dbnVersions
}

func (f *Feed) refuseDBNVersion() error {
	if len(f.data) <= len(dbnMagic) {
		return f.short(0, dbnPrefix, "the DBN prefix")
	}
	return f.malformed(3, "DBN version %d: versions 1 to %d are read", f.data[3], dbnVersions)
}

// openDBN steps over the metadata, whose content does not matter here.
func (f *Feed) openDBN() error {
	if err := f.refuseCompressed(); err != nil {
		return err
	}
	if !bytes.HasPrefix(f.data, dbnMagic) {
		return f.malformed(0, "no DBN at the start")
	}
	if !isDBN(f.data) {
		return f.refuseDBNVersion()
	}
	if len(f.data) < dbnPrefix {
		return f.short(0, dbnPrefix, "the DBN prefix")
	}
	metadata := int64(binary.LittleEndian.Uint32(f.data[4:]))
	if metadata > int64(len(f.data))-dbnPrefix {
		return f.short(dbnPrefix, metadata, "the DBN metadata")
	}
	f.start = dbnPrefix + metadata
	f.cut = cutDBN
	return nil
}

// cutDBN: the first byte of a record is its length in words, itself included.
func cutDBN(f *Feed, off int64) (span, error) {
	n := int64(f.data[off]) * dbnWord
	if n < dbnRecordHead {
		return span{}, f.malformed(off, "a DBN record of %d bytes: its header alone has %d", n, dbnRecordHead)
	}
	if have := f.end - off; have < n {
		return span{}, f.torn(off, n, have, "a DBN record")
	}
	return span{off, off + n, off + n}, nil
}
