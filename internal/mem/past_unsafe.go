package mem

import "unsafe"

// CopyPast is copy past the processor's caches, where it can do that: to memory
// that another processor has read, and will read again. A line in that one's cache
// has to be fetched from there before it can be written, and again by it
// afterwards, which takes long if the two are far apart; to memory and out of it
// takes the same wherever they are. It pays for some 16 KiB and more.
func CopyPast(dst, src []byte) {
	const line, most = 64, 64 << 10
	n := len(src)
	dst = dst[:n]
	at, from := uintptr(unsafe.Pointer(unsafe.SliceData(dst))), uintptr(unsafe.Pointer(unsafe.SliceData(src)))
	overlap := at-from < uintptr(n) // such that it doesn't go line by line, from the first to the last
	if !canCopyPast || raceEnabled || n < 2*line || overlap {
		copy(dst, src)
		return
	}
	i := copy(dst[:-at%line], src)
	for n-i >= line {
		k := min(n-i, most) &^ (line - 1)
		copyPast(&dst[i], &src[i], uintptr(k))
		i += k
	}
	copy(dst[i:], src[i:])
}
