// Package wine tells whether a Windows program runs under Wine.
//
// The tests for Windows do, where no Windows is at hand; see
// scripts/test-windows. Wine lacks a few things that Windows has. A detour
// around one of them asks this package first, so that real Windows always
// takes the documented road.
package wine

// Running reports whether this process runs under Wine. On systems other than
// Windows it does not.
func Running() bool { return running() }
