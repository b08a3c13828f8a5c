//go:build shmtest

package explore

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// image knows which words of the shared memory anybody ever touched. A state
// of the memory is the values of those, in the order of their discovery; words
// that were discovered later still have their first value in it.
type image struct {
	body  []byte
	slots []int32  // by word: 1 + its place in a state, or 0
	offs  []uint32 // by place: the word's offset
	first []uint64 // by place: the word's first value
}

func newImage(body []byte) *image {
	return &image{body: body, slots: make([]int32, (len(body)+7)/8)}
}

func (m *image) word(off uint64) uint64       { return binary.NativeEndian.Uint64(m.body[off:]) }
func (m *image) setWord(off uint64, v uint64) { binary.NativeEndian.PutUint64(m.body[off:], v) }

// touch makes the words that hold the n bytes at off part of all states. They
// must have their first values now.
func (m *image) touch(off, n uint64) {
	for w := off / 8; w*8 < off+n; w++ {
		if m.slots[w] == 0 {
			m.offs = append(m.offs, uint32(w*8))
			m.first = append(m.first, m.word(w*8))
			m.slots[w] = int32(len(m.offs))
		}
	}
}

// restore makes the memory what it was.
func (m *image) restore(vals []uint64) {
	for i, off := range m.offs {
		v := m.first[i]
		if i < len(vals) {
			v = vals[i]
		}
		m.setWord(uint64(off), v)
	}
}

// at returns the value of place i in a state.
func (m *image) at(vals []uint64, i int) uint64 {
	if i < len(vals) {
		return vals[i]
	}
	return m.first[i]
}

// capture returns the state of the memory: old itself when it is that.
func (m *image) capture(old []uint64) []uint64 {
	for i, off := range m.offs {
		if m.word(uint64(off)) == m.at(old, i) {
			continue
		}
		vals := make([]uint64, len(m.offs))
		for i, off := range m.offs {
			vals[i] = m.word(uint64(off))
		}
		return vals
	}
	return old
}

// with returns a state in which one more word has changed.
func (m *image) with(old []uint64, off, v uint64) []uint64 {
	i := int(m.slots[off/8] - 1)
	vals := slices.Clone(old)
	for len(vals) <= i {
		vals = append(vals, m.first[len(vals)])
	}
	vals[i] = v
	return vals
}

// hash returns a fingerprint that doesn't depend on when words were
// discovered: those that have their first value don't count.
func (m *image) hash(vals []uint64) (h uint64) {
	for i, v := range vals {
		if v != m.first[i] {
			h += mix(v, uint64(m.offs[i])+1)
		}
	}
	return h
}

// mix returns a hash of two words.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9E3779B97F4A7C15, b^0xD6E8FEB86659FD93)
	hi, lo = bits.Mul64(hi^lo^0xA0761D6478BD642F, a+b*0xE7037ED1A0B428DB|1)
	return hi ^ lo
}

// Mix folds words into one fingerprint, for ghosts.
func Mix(words ...uint64) (h uint64) {
	for _, w := range words {
		h = mix(h, w)
	}
	return h
}
