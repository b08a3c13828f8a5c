package feed

import (
	"encoding/binary"
	"math"
)

const (
	wavRIFF  = 12 // "RIFF", size, "WAVE"
	wavChunk = 8  // id, size
	wavFmt   = 16 // the least a fmt chunk has
	wavAlign = 12 // where in it the bytes of a frame stand

	// A recorder that cannot seek back to fill in the size of the data leaves a
	// placeholder: 0, or something near the largest signed or unsigned size.
	wavPlaceholder = 0x7FFF0000
)

// isWAV reports the magic number of RIFF/WAVE.
func isWAV(head []byte) bool {
	return len(head) >= wavRIFF && string(head[:4]) == "RIFF" && string(head[8:12]) == "WAVE"
}

// openWAV walks the chunks up to the data. Chunks after it are not read.
func (f *Feed) openWAV(period int) error {
	if period == 0 {
		period = DefaultPeriod
	}
	if err := f.refuseCompressed(); err != nil {
		return err
	}
	if !isWAV(f.data) {
		return f.malformed(0, "no RIFF/WAVE at the start")
	}
	// Each round goes on by a chunk's header at least. Offsets are 64 bits wide
	// and sizes 32, so that no sum overflows.
	for off := int64(wavRIFF); f.end-off >= wavChunk; {
		id, size := string(f.data[off:off+4]), int64(binary.LittleEndian.Uint32(f.data[off+4:]))
		body := off + wavChunk
		switch id {
		case "fmt ":
			if size < wavFmt {
				return f.malformed(off, "a fmt chunk of %d bytes: it has at least %d", size, wavFmt)
			}
			if f.end-body < wavFmt {
				return f.short(body, wavFmt, "the fmt chunk")
			}
			f.unit = int64(binary.LittleEndian.Uint16(f.data[body+wavAlign:]))
			if f.unit == 0 {
				return f.malformed(body+wavAlign, "frames of no bytes")
			}
		case "data":
			if f.unit == 0 {
				return f.malformed(off, "a data chunk before the fmt chunk")
			}
			if period < 0 || int64(period) > math.MaxInt32/f.unit {
				return f.unfit("a period of %d frames, each of %d bytes", period, f.unit)
			}
			f.cut, f.size = cutFixed, int64(period)*f.unit
			f.start = body
			if !f.wavStreamed(body, size) {
				f.end = body + size
			}
			return nil
		}
		off = body + size + size&1
	}
	return f.unfit("no data chunk")
}

// wavStreamed reports a data size that is a placeholder, so that the data goes
// on to the end of the file. A large one is a placeholder when the file is not
// that large, a zero when the size in the RIFF header does not fit the file.
func (f *Feed) wavStreamed(body, size int64) bool {
	if size == 0 {
		riff := int64(binary.LittleEndian.Uint32(f.data[4:]))
		return riff+wavChunk != f.end
	}
	return size >= wavPlaceholder && size > f.end-body
}
