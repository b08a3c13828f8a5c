// Package sync has what Ringway waits with, between processes and inside one.
//
// It also aliases what Ringway needs of the standard package sync, so that no
// file imports both.
//
// # Sleeping and waking
//
// A [Bell] is two words of shared memory: one side announces there that it is
// going to sleep, looks once more for what it waits for, and sleeps; the other
// side rings after it has published something, which costs one load of a
// cached word as long as nobody sleeps.
//
//	sleeper                          ringer
//	  Announce: state = asleep         publish (a plain store)
//	  barrier                          Ring: state == asleep?
//	  look again                             yes: state = awake, seq++, wake
//	  Sleep until seq moves
//
// The trap is the store buffer: the ringer's load of state may overtake its
// store of the message, while the sleeper's second look misses the message, and
// then nobody wakes anybody. One side needs a store→load fence. On Linux the
// sleeper provides it for both with membarrier(2), paid only before a sleep,
// and the ringer pays nothing. Where one of the two can't do that (Windows, an
// old kernel, a seccomp filter) the ringer fences: it does so always when it
// couldn't register for membarrier, and when the sleeper says in its state
// that it can't issue one.
//
// A ring of the bell is a hint. A lost one delays by at most [SafetyNet], a
// doubled one costs a look.
//
// # Closing
//
// A [Gate] lets one goroutine use a handle without an atomic operation while
// another goroutine may close it.
package sync
