package ring

import "math/bits"

// lineMap knows, for each cache line of a ring's data, whether its first word
// may be something else than a header of the lap before: bytes of a payload, or
// what was skipped by a pad. It is a producer's private memory: it saves looking
// at a line, which is most often in the consumer's cache, before a frame can be
// published in front of it. It takes a byte for each 512 of the ring.
type lineMap []uint64

// maxMapped is the largest ring with a map, whose map takes 2 MiB. Producers of
// larger rings look.
const maxMapped = 1 << 30

// newLineMap returns the map of a ring of which nothing is known.
func newLineMap(capacity uint64) lineMap {
	if capacity > maxMapped {
		return nil
	}
	m := make(lineMap, (capacity/cacheLine+63)/64)
	for i := range m {
		m[i] = ^uint64(0)
	}
	return m
}

// written notes that what is behind off, up to end, is no header.
func (m lineMap) written(off, end uint64) {
	if m == nil {
		return
	}
	for line := off/cacheLine + 1; line <= (end-1)/cacheLine; {
		bit := line % 64
		mask := ^uint64(0) << bit
		if last := (end - 1) / cacheLine; last/64 == line/64 {
			mask &= ^uint64(0) >> (63 - last%64)
		}
		m[line/64] |= mask
		line += 64 - bit
	}
}

// suspect reports whether the first word of the line at off may be no header of
// the lap before, and notes that a header will be written there now.
func (m lineMap) suspect(off uint64) bool {
	if m == nil {
		return true
	}
	line := off / cacheLine
	bit := uint64(1) << (line % 64)
	if m[line/64]&bit == 0 {
		return false
	}
	m[line/64] &^= bit
	return true
}

// clean returns how many lines there are from off on, or some of them, of which
// suspect would say that they aren't.
func (m lineMap) clean(off uint64) uint64 {
	if m == nil {
		return 0
	}
	line := off / cacheLine
	return uint64(bits.TrailingZeros64(m[line/64]>>(line%64) | 1<<(64-line%64)))
}

// header notes that a header is written at off, the start of a line.
func (m lineMap) header(off uint64) {
	if m != nil {
		line := off / cacheLine
		m[line/64] &^= 1 << (line % 64)
	}
}
