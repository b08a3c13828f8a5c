//go:build shmtest

package explore

import "fmt"

// Case is one small world: some bytes that several participants share, and
// what each of them does.
type Case struct {
	Name string
	Size uint64 // of the shared memory

	// Format writes the memory's first state, unobserved. Nil leaves it zero.
	Format func(body []byte)
	// Actors returns the participants. Their handles live in body.
	Actors func(body []byte) []Actor
	// Ghost returns the observer, which knows what ought to happen.
	Ghost func(body []byte) Ghost

	// WordName names the word at an offset, and WordText explains its value,
	// for traces. Both may be nil.
	WordName func(off uint64) string
	WordText func(off, v uint64) string

	Deaths  int // participants that may die in one run
	Buffers int // stores that a participant's store buffer holds; 0: sequential consistency

	// PayloadEnd says that of each payload only so many bytes at its
	// beginning are ever other than they were at first; 0: all of it.
	PayloadEnd uint64

	// Ignore names fields of private memory, as in "MPMCConsumer.watch", that
	// don't matter to any operation of the scripts.
	Ignore []string

	Large bool // takes more than a few seconds
	// Samples, if not 0, says that the case is too large to be explored. So
	// many short explorations, each in another order, are what can be done.
	Samples int
}

// Actor is a participant: a process that may die between any two accesses.
type Actor struct {
	Name string
	// Private makes its private memory: a pointer to a struct that holds all
	// that it knows. See clone for what may be in there. What it does to the
	// shared memory happens at the very moment of its birth, which is the
	// death of the participant whose number it is told, or -1.
	Private func(died int) any
	Script  []Op
	// Heir is true for one that comes to life when Of dies, or if that is
	// negative at the death of that number: -1 for the first in a run, -2 for
	// the second.
	Heir bool
	Of   int
	// Daemon is true for one that may wait for ever when all others are done.
	Daemon bool
	// Immortal is true for one that death spares.
	Immortal bool
}

// Op is one step of a script: usually one call of a method.
type Op struct {
	Name string
	Do   func(x *X, private any) Result
	// Writes says that payload is only written here, never read, so that
	// what stood there before makes no difference.
	Writes bool
}

// Do adapts a function on a particular kind of private memory.
func Do[T any](f func(x *X, p *T) Result) func(*X, any) Result {
	return func(x *X, p any) Result { return f(x, p.(*T)) }
}

// Result says how a script goes on after an operation: with the operation of
// that number, or one of these.
type Result int

// What an operation can say other than where to go.
const (
	Next Result = -1 - iota // the following operation
	Wait                    // this one again, once anything has changed
	Done                    // the script is over
)

// Event is something that an operation tells the ghost.
type Event struct {
	Kind int
	A, B uint64
}

// Ghost observes a run from outside the shared memory. Each state has its own;
// methods that return an error end the exploration with a violation. Body holds
// the shared memory as it is at that moment.
type Ghost interface {
	// Clone returns an independent copy.
	Clone() Ghost
	// Hash returns a fingerprint of all that can make a difference later.
	Hash() uint64
	// Begin is called before an operation's first access.
	Begin(actor, op int)
	// Commutes reports whether an access needs no place of its own in the
	// order of things: nobody else will touch the same bytes as long as it
	// matters, the ghost makes sure of that, and nobody looks at them if the
	// actor dies. Then it goes along with the access before or behind it.
	Commutes(actor int, a Access) bool
	// Access is called after each access took effect. It must not change the
	// ghost for loads and Bytes.
	Access(actor int, a Access) error
	// Event is called for what operations tell.
	Event(actor int, e Event) error
	// Death is called when a participant has died.
	Death(actor int)
	// End is called when nobody will ever move again. If it's not nil, stuck
	// says who waits and shouldn't; it is for the ghost to return it.
	End(stuck error) error
}

// Base is a ghost that sees nothing, to be embedded.
type Base struct{}

// Begin does nothing.
func (Base) Begin(int, int) {}

// Commutes says no.
func (Base) Commutes(int, Access) bool { return false }

// Access does nothing.
func (Base) Access(int, Access) error { return nil }

// Event does nothing.
func (Base) Event(int, Event) error { return nil }

// Death does nothing.
func (Base) Death(int) {}

// End does nothing else.
func (Base) End(stuck error) error { return stuck }

// X is what an operation sees of the explorer.
type X struct{ r *runner }

// Self returns the number of the participant whose operation it is.
func (x *X) Self() int { return x.r.self }

// Tell tells the ghost about e.
func (x *X) Tell(e Event) {
	r := x.r
	if r.replaying() {
		return
	}
	if err := r.ghostToChange().Event(r.self, e); err != nil {
		panic(violation{err.Error()})
	}
}

// Fail ends the exploration with a violation.
func (x *X) Fail(format string, a ...any) {
	panic(violation{fmt.Sprintf(format, a...)})
}

// Look is to be called before b, a part of the shared memory that an earlier
// operation got, is read or written again.
func (x *X) Look(b []byte) {
	if len(b) > 0 {
		x.r.look(b)
	}
}

// Dead reports whether a participant has died: what the operating system knows.
func (x *X) Dead(actor int) bool { return x.r.oracle(actor) }

// stop is what the hook panics with to end an operation that has gone far
// enough.
type stop struct{}

// violation is a panic that ends the exploration.
type violation struct{ text string }
