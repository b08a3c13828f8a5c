//go:build !shmtest

package mem

// Hooked reports whether the build has the tag shmtest, with which every
// access calls Hook.
const Hooked = false

// checked reports whether offsets are verified on each access.
const checked = raceEnabled

func callHook(*Access) {}
