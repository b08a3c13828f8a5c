package feed

import "bytes"

// cutLine: a line ends at "\n", which is no part of it, or at the end of the file.
func cutLine(f *Feed, off int64) (span, error) {
	i := bytes.IndexByte(f.data[off:], '\n')
	if i < 0 {
		return span{off, f.end, f.end}, nil
	}
	hi := off + int64(i)
	return span{off, hi, hi + 1}, nil
}
