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
// A sleeper that is rung now and then, for each message, would pay a barrier for each, which
// interrupts other processors. So it says in its state, once, that it goes
// without from now on, and the ringer fences, which is nothing beside waking
// somebody. As soon as the ringer has fenced a few times for nobody it takes
// that back, and the next sleep has a barrier again. So a ringer pays no fence
// for a side that is awake, but for those few after it was asleep.
//
// A ring of the bell is a hint. A lost one delays by at most [SafetyNet], or, when
// nobody has rung for long, [LongNet], and so for those who poll; where several
// sleep and one may have to end what another began, by [SharedNet]. A doubled one
// costs a look.
//
// # Where to sleep
//
// A sleeper sleeps on the bell's word (Linux: a futex) or on a kernel event
// (Windows), which takes a thread, or polls: on Linux it sleeps in the runtime's
// poller on a FIFO beside the section, and its state tells the ringer to write
// into that; on Windows the system's thread pool waits for it. [Bell.Watch] is for
// those who sleep for several bells at a time: on Linux one goroutine, on an epoll
// instance in the runtime's poller, calls back for all of them.
//
// Adaptive learns from its sleeps, by a [Learner], how long it pays to spin before.
//
// # Events and semaphores
//
// An [Event] and a [Semaphore] are for processes on their own, with names as
// sections have, which they share with rings. On Linux each is a section of two
// words, a count and how many may sleep; on Windows the kernel has them. The count
// alone decides what a wait gets, so whoever dies takes nothing along but what it
// had acquired, and a wake-up that dies with somebody is passed on after
// [SafetyNet]. [WaitAny] sleeps on several of both kinds.
//
// # Real time
//
// [Realtime] pins a goroutine's thread to a processor, and puts it before others,
// or says which limit doesn't allow that.
//
// # Closing
//
// A [Gate] lets one goroutine use a handle without an atomic operation while
// another goroutine may close it.
package sync
