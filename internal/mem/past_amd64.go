package mem

const canCopyPast = true

// copyPast copies n bytes past the caches: as many lines of 64 bytes as that is,
// at least one, to dst, where a line begins. Stores that follow come after it. It
// can't be preempted.
//
//go:noescape
func copyPast(dst, src *byte, n uintptr)
