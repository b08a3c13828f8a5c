package mem

import (
	"bytes"
	"testing"
)

func TestCopiesMoveEveryByteAndNoneBesides(t *testing.T) {
	for n := range 40 {
		body := bytes.Repeat([]byte{0xEE}, 128)
		src := make([]byte, n)
		for i := range src {
			src[i] = byte(i + 1)
		}
		r := Of(body)
		r.CopyIn(24, src)
		dst := make([]byte, n)
		r.CopyOut(dst, 24)
		if !bytes.Equal(dst, src) || !bytes.Equal(body[24:24+n], src) {
			t.Errorf("%d bytes: in %x, out %x", n, body[24:24+n], dst)
		}
		// With the hook the last word is a whole one.
		if end := 24 + (n+7)&^7; !bytes.Equal(body[:24], bytes.Repeat([]byte{0xEE}, 24)) || !bytes.Equal(body[end:], bytes.Repeat([]byte{0xEE}, 128-end)) {
			t.Errorf("%d bytes: something beside them was written: %x", n, body)
		}
	}
}
