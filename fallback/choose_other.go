//go:build !windows

package fallback

const runtimeIsWindows = false
