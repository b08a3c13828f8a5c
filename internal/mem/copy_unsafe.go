package mem

import (
	"encoding/binary"
	"unsafe"
)

// CopyOut copies len(dst) bytes at off out of memory that another process may
// be overwriting in this very moment. What comes out may be torn: the caller
// calls OrderLoads, and then finds out whether it can be. It is not for the
// race detector to say. dst must not be shared.
//
// With the tag shmtest it is a load for each word that has some of them, so that
// other participants may come in between any two.
//
//go:norace
func (r Region) CopyOut(dst []byte, off uint64) {
	if checked {
		r.check(off&^7, (off%8+uint64(len(dst))+7)&^7, 8)
	}
	if Hooked {
		for len(dst) > 0 {
			var word [8]byte
			binary.LittleEndian.PutUint64(word[:], r.hookedLoad64(off&^7))
			n := copy(dst, word[off%8:])
			dst, off = dst[n:], off+uint64(n)
		}
		return
	}
	if raceEnabled { // which watches copy even here
		for i := range dst {
			dst[i] = *(*byte)(unsafe.Add(r.p, off+uint64(i)))
		}
		return
	}
	copy(dst, unsafe.Slice((*byte)(unsafe.Add(r.p, off)), len(dst)))
}

// CopyIn copies src to off, where another process may be reading in this very
// moment, which has to find out that what it read is torn. It is not for the
// race detector to say.
//
// With the tag shmtest it is a store for each word. The last one then also
// writes what is behind src, up to a multiple of 8 bytes.
//
//go:norace
func (r Region) CopyIn(off uint64, src []byte) {
	if checked {
		r.check(off, (uint64(len(src))+7)&^7, 8)
	}
	if Hooked {
		for ; len(src) >= 8; src, off = src[8:], off+8 {
			r.StoreRelease64(off, binary.LittleEndian.Uint64(src))
		}
		if len(src) > 0 {
			var last [8]byte
			copy(last[:], src)
			r.StoreRelease64(off, binary.LittleEndian.Uint64(last[:]))
		}
		return
	}
	if raceEnabled {
		for i := range src {
			*(*byte)(unsafe.Add(r.p, off+uint64(i))) = src[i]
		}
		return
	}
	copy(unsafe.Slice((*byte)(unsafe.Add(r.p, off)), len(src)), src)
}
