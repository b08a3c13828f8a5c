package ring

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// Header is the first word of every frame, in rings and on every other road.
// It is little endian in memory:
//
//	 63      56 55      48 47             32 31                            0
//	┌──────────┬──────────┬─────────────────┬───────────────────────────────┐
//	│ mark  u8 │ flags u8 │    type  u16    │   payload length in bytes u32 │
//	└──────────┴──────────┴─────────────────┴───────────────────────────────┘
//	┌───────────────────────────────────────────────────────────────────────┐
//	│ one 8-byte extension word for each extension flag, lowest flag first  │
//	├───────────────────────────────────────────────────────────────────────┤
//	│ payload, then up to 7 bytes of padding to a multiple of 8             │
//	└───────────────────────────────────────────────────────────────────────┘
//
// The length counts the payload alone: neither header, extension words nor
// padding. The type is the application's. The mark is never zero, so a zero
// word means "nothing here yet" and can't be a header.
//
// In SPSC rings the mark also tells the lap of the ring in which the frame was
// written; see lapTag. A frame of up to a cache line takes a power of two of
// bytes there and everywhere, so that one of them never straddles two lines
// among its equals.
//
// A batch of messages of equal size is one frame, with one header: see
// FlagBatch. Its payload is theirs, one right behind the other.
type Header uint64

// HeaderSize is the size in bytes of a frame's header, and of each of its
// extension words. It is also what a frame's size is a multiple of.
const HeaderSize = 8

// mark is the commit mark of layout version 1.
const mark = 0xA7

// markWord is a header's upper half for a frame without flags: mark and flags.
const markWord = mark << 8

// batchWord is that of a frame that is a batch.
const batchWord = markWord | Header(FlagBatch)

// Flags are the header's flag bits.
type Flags uint8

// The flags. Those with an extension word say what it holds.
const (
	FlagPad         Flags = 1 << iota // filler up to the ring's end; the payload means nothing
	FlagControl                       // speaks to the engine (handshake), not to the application
	FlagMore                          // a fragment; the message goes on in the next frame
	FlagChecksum                      // extension: xxhash64 of the payload, seeded with the header
	FlagSequence                      // extension: sequence number
	FlagTime                          // extension: time of sending, ns
	FlagCorrelation                   // extension: correlates a response with its request
	FlagBatch                         // extension: the payload is several messages of so many bytes each
)

// extensions are the flags that stand for an extension word.
const extensions = FlagChecksum | FlagSequence | FlagTime | FlagCorrelation | FlagBatch

// MakeHeader composes the header of a frame with n bytes of payload.
func MakeHeader(n uint32, typ uint16, flags Flags) Header {
	return Header(n) | Header(typ)<<32 | Header(flags)<<48 | mark<<56
}

// Len returns the payload's length in bytes.
func (h Header) Len() uint64 { return uint64(uint32(h)) }

// Type returns the application's message type.
func (h Header) Type() uint16 { return uint16(h >> 32) }

// Flags returns the flag bits.
func (h Header) Flags() Flags { return Flags(h >> 48) }

// Committed reports whether h has the commit mark: something is here.
func (h Header) Committed() bool { return h>>56 == mark }

// Valid reports whether h can be a header at all: the mark is right, and nothing
// but the batch is said of one. Its length still has to be compared with what
// there is.
func (h Header) Valid() bool {
	return h.Committed() && (h.Flags()&FlagBatch == 0 || h.Flags() == FlagBatch)
}

// PayloadOffset returns how many bytes after the frame's start its payload
// stands: the header and the extension words.
func (h Header) PayloadOffset() uint64 {
	return HeaderSize * uint64(1+bits.OnesCount8(uint8(h.Flags()&extensions)))
}

// FrameSize returns the number of bytes that the whole frame takes, padding
// included. It can't overflow.
func (h Header) FrameSize() uint64 {
	if h.Flags()&FlagPad != 0 {
		return HeaderSize + (h.Len()+7)&^7 // up to the ring's end, whatever that is
	}
	return frameSize(h.PayloadOffset(), h.Len())
}

// frameSize is the size of a frame with n bytes of payload: a power of two up
// to a cache line, a multiple of 8 beyond.
func frameSize(payloadOffset, n uint64) uint64 {
	if size := payloadOffset + n; size > cacheLine {
		return (size + 7) &^ 7
	} else {
		return 1 << (bits.Len64(size-1) & 63)
	}
}

// lapTag is what a header at position pos of a ring of 1<<shift bytes is XORed
// with: seven bits of the lap, in the lower bits of the mark. So the header of
// an earlier lap, which still stands where the next frame will go, is not taken
// for a frame, and nobody has to erase it.
func lapTag(pos uint64, shift uint) Header {
	return Header(pos >> (shift & 63) << 57 >> 1)
}

// Checksum returns the value of the checksum extension word for a payload.
func Checksum(h Header, payload []byte) uint64 { return checksum(h, payload) }

func checksum(h Header, payload []byte) uint64 {
	var d xxhash.Digest
	d.ResetWithSeed(uint64(h))
	d.Write(payload)
	return d.Sum64()
}

// Message is one received message.
type Message struct {
	// Payload is the ring's own memory, not a copy. It is valid until the
	// lease that it came with is released, and must not be written.
	Payload []byte

	// Type is the value the sender gave; Ringway doesn't interpret it.
	Type uint16

	// Redelivered says that somebody else was given the message before, and
	// died, or left, before it released it; see [MPMCConsumer]. Order is not
	// kept for such a message.
	Redelivered bool

	// Correlated says that the payload begins with the frame's correlation
	// word, eight bytes, little endian. Only connections send such messages.
	Correlated bool
}
