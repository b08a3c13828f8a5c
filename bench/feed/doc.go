// Package feed reads files of real records, one message each, for replaying
// them through a ring, and generates a sample market-data feed to replay where
// there is no real one.
//
// # Formats
//
//	dbn    Databento Binary Encoding, versions 1 to 3: "DBN", version u8,
//	       metadata length u32 LE, metadata; then records whose first byte is
//	       their length in 32-bit words. A message is a record with its header.
//	itch   Nasdaq TotalView-ITCH 5.0 in BinaryFILE framing: length u16 BE, then
//	       so many bytes. A message is those bytes, without the length.
//	wav    RIFF/WAVE, in any sample format. A message is one period of
//	       Options.Period frames; the last may be shorter.
//	lines  A message is a line without its "\n"; a "\r" stays. The last line may
//	       lack its "\n"; an empty line is an empty message.
//	raw    A message is Options.Record bytes.
//
// [Detect] tells them apart by content. A [Feed] holds the whole file and hands
// out slices of it: nothing is copied or allocated for a record, and no length
// read from a file is believed before it is compared with the file's own size.
// A file that ends in the middle of a record yields every record before that
// one and then an error that unwraps to [ErrTorn].
//
// # ITCH 5.0 messages
//
// One table of types and lengths serves Detect, the reader and the generator: a
// type outside it, or a known type of another length, is an error that unwraps
// to [ErrFormat]. All integers are big-endian; each message starts with
//
//	type 1 · stock locate 2 · tracking number 2 · nanoseconds since midnight 6
//
// and those that [GenerateITCH] writes go on with (width in bytes after each
// field; prices carry four decimals; text is padded with spaces on the right):
//
//	S 12  event 1: O S Q M E C, in that order through the day
//	R 39  stock 8 · market category 1 · financial status 1 · round lot size 4 ·
//	      round lots only 1 · issue class 1 · issue subtype 2 · authenticity 1 ·
//	      short sale threshold 1 · IPO 1 · LULD tier 1 · ETP 1 · leverage 4 ·
//	      inverse 1
//	H 25  stock 8 · trading state 1 · reserved 1 · reason 4
//	A 36  reference 8 · side 1 · shares 4 · stock 8 · price 4
//	F 40  as A · attribution 4
//	E 31  reference 8 · executed shares 4 · match number 8
//	C 36  as E · printable 1 · execution price 4
//	X 23  reference 8 · cancelled shares 4
//	D 19  reference 8
//	U 35  old reference 8 · new reference 8 · shares 4 · price 4
//	P 44  reference 8 (0: the order was hidden) · side 1 · shares 4 · stock 8 ·
//	      price 4 · match number 8
//
// # The generated day
//
// GenerateITCH walks through one trading day: start of messages, a directory
// entry and a trading action for each symbol, then orders before, during and
// after market hours, closed by the end-of-messages event and the zero length
// that ends a BinaryFILE. Each symbol has a fair price that walks at random and
// a book of orders around it, and every message is taken from that book: an
// order that is executed, cancelled, deleted or replaced is alive, executions
// hit the best and oldest order, no order loses more shares than it has, and
// the best bid stays below the best ask. A book built from the feed is therefore
// right after every message. Only integer arithmetic is used, so that the same
// options give the same bytes on every platform.
package feed
