package ring

import (
	"encoding/binary"
	"io"
	"testing"
)

// FuzzBodyOfAHostilePeer attaches both sides to arbitrary bytes and uses them:
// whatever stands there, nobody panics, leaves the ring or goes on for ever.
//
// The input is one byte of options, the three control words, and the data from
// its start; what it leaves out is zero.
func FuzzBodyOfAHostilePeer(f *testing.F) {
	add := func(options byte, producer, consumer, end uint64, data ...uint64) {
		b := []byte{options}
		for _, w := range append([]uint64{producer, consumer, end}, data...) {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		f.Add(b)
	}
	const at = StartPosition
	h := func(n uint32, flags Flags) uint64 { return uint64(MakeHeader(n, 1, flags)) }
	add(0, at, at, 0)
	add(1, at, at, 0)
	add(0, at+32, at, 0, h(8, 0), 1, h(0, 0), h(3, 0), 7)
	add(1, at, at, 0, h(8, FlagChecksum), 1, 2, h(0, 0))
	add(0, at, at, at|1)
	add(2, at, at, 0, h(4088, FlagPad))
	add(0, at, at+8, 0, h(4080, FlagPad), h(4080, FlagPad))
	add(0, at, at, 0, h(1<<32-1, 0))
	add(0, at, at, 0, h(2033, 0))
	add(0, 1<<64-8, 1<<64-8, 0, h(0, 0))
	add(3, at, at+4, 1, h(16, 0x80))

	f.Fuzz(func(t *testing.T, b []byte) {
		var options byte
		if len(b) > 0 {
			options, b = b[0], b[1:]
		}
		g := Geometry{Kind: SPSC, Capacity: MinCapacity, Checksum: options&1 != 0}
		r := newRing(t, g, StartPosition)
		r.hostile = true
		for _, off := range []uint64{offProducer, offConsumer, offEnd} {
			if len(b) >= 8 {
				r.setWord(off, binary.LittleEndian.Uint64(b))
				b = b[8:]
			}
		}
		copy(r.body[controlSize:], b)

		known := func(err error) bool {
			switch err = kindOf(err); err {
			case nil, ErrFull, ErrEmpty, ErrCorrupt, ErrTooLarge, ErrClosed, io.EOF:
				return true
			}
			t.Fatalf("unknown error %v", err)
			return false
		}
		consume := func() {
			c, err := NewSPSCConsumer(g, r.body)
			if known(err); err != nil {
				return
			}
			for range 1000 {
				m, err := c.Next()
				if known(err); err != nil {
					break
				}
				r.inside(m.Payload)
				if c.Release() || options&2 != 0 {
					c.Publish()
				}
			}
			c.Publish()
		}
		produce := func() {
			p, err := NewSPSCProducer(g, r.body)
			if known(err); err != nil {
				return
			}
			for i := range 300 {
				known(p.TrySend(1, b[:min(len(b), i)]))
				if buf, err := p.Claim(i * 3); err == nil {
					r.inside(buf)
					copy(buf, b)
					p.Commit(2, i)
				} else {
					known(err)
				}
				_, err := p.TrySendBatch(3, [][]byte{b[:min(len(b), 5)], b, nil})
				known(err)
			}
			if options&4 != 0 {
				p.End()
			}
		}
		if options&8 != 0 {
			produce()
		}
		consume()
		produce()
		consume()
	})
}
