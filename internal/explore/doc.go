//go:build shmtest

// Package explore is a model checker for the code that ships. It runs small
// worlds - a ring of four cells, two producers with a message or two, two
// consumers - in all orders in which their accesses to shared memory can
// follow each other, with a death between any two of them, and says which of
// the promises is broken, and how.
//
// # How it moves the code
//
// All shared words are touched through package mem, whose hook the package
// sets. A participant is a script of calls on shipping handles. To make one step
// of it the explorer copies the participant's private memory as it was when its
// present call began, makes the call again, lets each access observe what it
// observed before, then restores the shared memory, lets one more access take
// place, and ends the call by a panic before the access after that. (When the
// same participant goes on, the call just goes on.) So a state is plain data,
// which can be kept, compared and gone back to: the shared words, and for each
// participant its private memory at the begin of its call and what it has
// observed since. Two states with the same data have the same future, as long as
// the code depends on nothing else: no clock, no random numbers, no maps, no
// package variables. That it makes the same accesses when it observes the same
// is checked each time.
//
// # What is explored
//
// Depth first, every state once, known by a fingerprint of 64 bits: with ten
// million states the chance that two share one, and something behind it is
// missed, is one in 400 000. Within the bounds of a case that is everything:
//
//   - all interleavings, an access at a time. What commutes with all that others
//     do goes along with the access before or behind it: the payload in cells
//     that a participant has, which the ghost makes sure of, and words that
//     nobody will change any more;
//   - death before any access of anybody who may die, up to a number of deaths.
//     Heirs and sweepers are participants that are born at one;
//   - waiting: who gets Full or Empty tries again when a word that it has
//     observed, or its private memory, is another. When nobody moves any more
//     and somebody waits who shouldn't, that's a wedge. A call that never ends is
//     found too;
//   - with Case.Buffers the store buffers of x86: see buffers.go.
//
// Cases that are too large for that are sampled: many explorations of a few
// thousand states each, in which participants have priorities that change at
// few places, so that somebody sleeps while others go around the ring. That
// proves nothing, and finds more than one would think.
//
// # What is checked
//
// A ghost, outside of the shared memory, follows each access and knows what ought
// to be true. For the rings in the package's tests: nothing lost, nothing twice
// but what is marked redelivered after a death, order, payload intact as long as
// it is leased, Full and Empty exact, batches whole, every end reached, every
// control word climbing, hints and F where they may be, cells and leases touched
// by their owner only, living participants never robbed.
//
// # What is not
//
// Larger shapes and more messages than the cases have. Orders of accesses that
// neither sequential consistency nor x86 allows: arm64. Accesses to payload that
// are torn: a death finds a payload as it was, or written. Fairness: that
// somebody gets a turn at last is assumed, never that he gets it soon. Of the waits of
// package sync it's the announcement, the look and the ring that are explored, with
// store buffers, fences and barriers; sleeping is waiting for the word to move. The wrap of laps and positions, except where a case begins.
//
// # Use
//
//	go test -tags shmtest ./internal/explore                        small cases
//	go test -tags shmtest ./internal/explore -run Full -explore.full   all cases
//	go test -tags shmtest ./internal/explore -run Mutation -explore.mutations
//	go test -tags shmtest ./internal/explore -run Case -explore.case 'mpmc 2x1 end'
//
// The mutations, in testdata/mutations.txt, break the shipping code in the ways in
// which it would be easy to write it wrong; each is found. When the code changes,
// so that a mutation's text isn't there any more, the test says so.
package explore
