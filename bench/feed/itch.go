package feed

import (
	"encoding/binary"
	"io"
)

// itchType is what the ITCH 5.0 specification says of a message type.
type itchType struct {
	length uint8 // bytes of the message, its type byte included; 0: no such type
	name   string
}

// itchTypes holds every message type of ITCH 5.0 by its type byte.
var itchTypes = [256]itchType{
	'S': {12, "System Event"},
	'R': {39, "Stock Directory"},
	'H': {25, "Stock Trading Action"},
	'Y': {20, "Reg SHO Restriction"},
	'L': {26, "Market Participant Position"},
	'V': {35, "MWCB Decline Level"},
	'W': {12, "MWCB Status"},
	'K': {28, "IPO Quoting Period Update"},
	'J': {35, "LULD Auction Collar"},
	'h': {21, "Operational Halt"},
	'A': {36, "Add Order"},
	'F': {40, "Add Order with Attribution"},
	'E': {31, "Order Executed"},
	'C': {36, "Order Executed with Price"},
	'X': {23, "Order Cancel"},
	'D': {19, "Order Delete"},
	'U': {35, "Order Replace"},
	'P': {44, "Trade"},
	'Q': {40, "Cross Trade"},
	'B': {19, "Broken Trade"},
	'I': {50, "Net Order Imbalance"},
	'N': {20, "Retail Interest"},
	'O': {48, "Direct Listing Price Discovery"},
}

const (
	itchPrefix  = 2  // the BinaryFILE length before a message
	itchLongest = 50 // the longest message of itchTypes
)

func (f *Feed) openITCH() error {
	f.cut = cutITCH
	return f.refuseCompressed()
}

// cutITCH checks a message's type and length against the specification before
// it asks whether all of it is there: of a wrong length nothing can be said to
// be missing.
func cutITCH(f *Feed, off int64) (span, error) {
	have := f.end - off
	if have < itchPrefix {
		return span{}, f.torn(off, itchPrefix, have, "a message length")
	}
	n := int64(binary.BigEndian.Uint16(f.data[off:]))
	lo := off + itchPrefix
	switch {
	case n == 0 && lo == f.end:
		return span{}, io.EOF // the end-of-session marker
	case n == 0:
		return span{}, f.malformed(off, "the zero length that ends a session, with %d bytes after it", f.end-lo)
	case lo == f.end:
		return span{}, f.torn(off, itchPrefix+n, have, "a message")
	}
	switch t := itchTypes[f.data[lo]]; {
	case t.length == 0:
		return span{}, f.malformed(off, "%q is no ITCH 5.0 message type", f.data[lo])
	case n != int64(t.length):
		return span{}, f.malformed(off, "%s (%c) of %d bytes: the specification gives it %d", t.name, f.data[lo], n, t.length)
	case have < itchPrefix+n:
		return span{}, f.torn(off, itchPrefix+n, have, t.name)
	}
	return span{lo, lo + n, lo + n}, nil
}
