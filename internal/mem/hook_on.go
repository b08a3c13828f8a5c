//go:build shmtest

package mem

// Hooked reports whether the build has the tag shmtest, with which every
// access calls Hook.
const Hooked = true

// checked reports whether offsets are verified on each access.
const checked = true

// Hook is called before and after each access to shared memory, on the
// goroutine that makes it. It may block, change the memory, or end the
// process. Set it before the first access; nil means no hook.
var Hook func(*Access)

func callHook(a *Access) {
	if Hook != nil {
		Hook(a)
	}
}
