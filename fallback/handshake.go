package fallback

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/ringway/ringway/shm"
)

// The types of control frames.
const (
	ctlOffer = iota + 1
	ctlAccept
	ctlReject
	ctlReady
	ctlDecline
	ctlEnd
	ctlTakeover
	ctlClose
	ctlAck
)

// ProtocolVersion is the version of the handshake, and the only one that this
// program speaks.
const ProtocolVersion = 1

// byteOrderMark is written in the byte order of who writes it.
const byteOrderMark = 0x0102

// features are what a side can or wants beyond the plain protocol.
type features uint32

const (
	featureChecksum features = 1 << iota // messages carry a checksum
	featurePoll                          // one end of a socket pair comes with the rings, for those who sleep in a poll
	featureAck                           // on a stream, who listens says what it has released
	knownFeatures   = featureChecksum | featurePoll | featureAck
)

// nonce is the number used once that an answer has to repeat.
type nonce [16]byte

// offer is the first frame of who dials:
//
//	 +0 u16 version      +2 u16 byte order mark, in the order of the sender
//	 +4 u32 features     +8 u64 largest message it takes
//	+16 u64 bytes of each ring it would like, 0: as the listener likes
//	+24 [16]byte nonce
//	+40 u8 n, then n u8 transports
//	    u8 n, then n bytes: the name it wants to reach
type offer struct {
	version    uint16
	features   features
	maxMessage uint64
	capacity   uint64
	nonce      nonce
	transports []Transport
	name       string
}

// accept is the answer:
//
//	 +0 u16 version     +2 u8 transport   +3 u8 zero
//	 +4 u32 features    +8 u64 largest message in both directions
//	+16 u64 bytes of each ring
//	+24 [16]byte nonce of the offer
//	+40 [16]byte region id of the section
//	+56 u8 n, then n bytes: where the section is, if it isn't in the hand
type accept struct {
	version    uint16
	transport  Transport
	features   features
	maxMessage uint64
	capacity   uint64
	nonce      nonce
	region     shm.RegionID
	section    string
}

// refusal is a reject, and a decline with the transport declined:
//
//	+0 u16 version   +2 u8 transport, 0 for all   +3 u8 code
//	+4 u8 n, then n bytes: the reason, for people
type refusal struct {
	version   uint16
	transport Transport
	code      uint8
	reason    string
}

// Codes of a refusal.
const (
	codeOther = iota
	codeVersion
	codeInsecure
	codeBusy
	codeName
)

var le = binary.LittleEndian

func appendString(b []byte, s string) []byte {
	s = s[:min(len(s), math.MaxUint8)]
	return append(append(b, byte(len(s))), s...)
}

func (o *offer) encode() []byte {
	b := le.AppendUint16(nil, o.version)
	b = binary.NativeEndian.AppendUint16(b, byteOrderMark)
	b = le.AppendUint32(b, uint32(o.features))
	b = le.AppendUint64(b, o.maxMessage)
	b = le.AppendUint64(b, o.capacity)
	b = append(b, o.nonce[:]...)
	b = append(b, byte(len(o.transports)))
	for _, t := range o.transports {
		b = append(b, byte(t))
	}
	return appendString(b, o.name)
}

func (a *accept) encode() []byte {
	b := le.AppendUint16(nil, a.version)
	b = append(b, byte(a.transport), 0)
	b = le.AppendUint32(b, uint32(a.features))
	b = le.AppendUint64(b, a.maxMessage)
	b = le.AppendUint64(b, a.capacity)
	b = append(b, a.nonce[:]...)
	b = append(b, a.region[:]...)
	return appendString(b, a.section)
}

func (r *refusal) encode() []byte {
	b := le.AppendUint16(nil, r.version)
	return appendString(append(b, byte(r.transport), r.code), r.reason)
}

// fields takes a payload apart. Once it is too short it stays so, and gives
// zeros.
type fields struct {
	b     []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if f.short = f.short || len(f.b) < n; f.short {
		return make([]byte, n)
	}
	p := f.b[:n]
	f.b = f.b[n:]
	return p
}

func (f *fields) u8() byte       { return f.take(1)[0] }
func (f *fields) u16() uint16    { return le.Uint16(f.take(2)) }
func (f *fields) u32() uint32    { return le.Uint32(f.take(4)) }
func (f *fields) u64() uint64    { return le.Uint64(f.take(8)) }
func (f *fields) string() string { return string(f.take(int(f.u8()))) }

// end returns an error if the payload was not exactly what was taken.
func (f *fields) end(what string) error {
	if f.short {
		return failf(ErrCorrupt, "%s is cut short", what)
	}
	if len(f.b) > 0 {
		return failf(ErrCorrupt, "%s has %d bytes too many", what, len(f.b))
	}
	return nil
}

func checkVersion(version uint16) error {
	if version != ProtocolVersion {
		return failf(ErrVersion, "the other side speaks version %d of the handshake, this program version %d", version, ProtocolVersion)
	}
	return nil
}

func decodeOffer(b []byte) (o offer, err error) {
	f := fields{b: b}
	o.version = f.u16()
	if err := checkVersion(o.version); err != nil && !f.short {
		return o, err
	}
	mark := binary.NativeEndian.Uint16(f.take(2))
	o.features = features(f.u32()) & knownFeatures
	o.maxMessage, o.capacity = f.u64(), f.u64()
	copy(o.nonce[:], f.take(16))
	for _, t := range f.take(int(f.u8())) {
		o.transports = append(o.transports, Transport(t))
	}
	o.name = f.string()
	if err := f.end("the offer"); err != nil {
		return o, err
	}
	if mark != byteOrderMark {
		// Streams don't care; memory can't be shared.
		o.transports = without(o.transports, SHM, Bridge)
	}
	if o.maxMessage == 0 {
		return o, failf(ErrCorrupt, "the offer takes messages of 0 bytes")
	}
	return o, nil
}

func decodeAccept(b []byte) (a accept, err error) {
	f := fields{b: b}
	a.version = f.u16()
	if err := checkVersion(a.version); err != nil && !f.short {
		return a, err
	}
	a.transport, _ = Transport(f.u8()), f.u8()
	a.features = features(f.u32())
	a.maxMessage, a.capacity = f.u64(), f.u64()
	copy(a.nonce[:], f.take(16))
	copy(a.region[:], f.take(16))
	a.section = f.string()
	return a, f.end("the accept")
}

func decodeRefusal(b []byte) (r refusal, err error) {
	f := fields{b: b}
	r.version, r.transport, r.code = f.u16(), Transport(f.u8()), f.u8()
	r.reason = strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return '?'
		}
		return c
	}, f.string())
	return r, f.end("the refusal")
}

// without returns the transports that are not among those given.
func without(from []Transport, these ...Transport) (left []Transport) {
next:
	for _, t := range from {
		for _, u := range these {
			if t == u {
				continue next
			}
		}
		left = append(left, t)
	}
	return left
}
