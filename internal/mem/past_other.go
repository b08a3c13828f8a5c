//go:build !amd64

package mem

const canCopyPast = false

func copyPast(_, _ *byte, _ uintptr) {}
