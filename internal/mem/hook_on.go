//go:build shmtest

package mem

import "sync"

// Hooked reports whether the build has the tag shmtest, with which every
// access calls Hook.
const Hooked = true

// checked reports whether offsets are verified on each access.
const checked = true

// Hook is called before and after each access to shared memory, on the
// goroutine that makes it. It may block, change the memory, or end the
// process. What it is given is its own until it returns. Set it before the first
// access; nil means no hook.
var Hook func(*Access)

// descriptions are those that no hook has any more: there are two for each
// access of each run of an explorer.
var descriptions = sync.Pool{New: func() any { return new(Access) }}

func callHook(a *Access) {
	if Hook != nil {
		given := descriptions.Get().(*Access)
		*given = *a
		Hook(given) // when it panics it keeps it
		descriptions.Put(given)
	}
}
