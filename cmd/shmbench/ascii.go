package main

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf16"
)

// asciiJSON passes JSON on to w with everything escaped that is not plain ASCII.
// What is left of others' names in a document then does nothing to a terminal,
// wherever that is shown. Each Write must be of whole characters.
type asciiJSON struct{ w io.Writer }

func (a asciiJSON) Write(b []byte) (int, error) {
	var out bytes.Buffer
	for _, r := range string(b) {
		switch {
		case r < 0x7f:
			out.WriteByte(byte(r))
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	if _, err := a.w.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}
