// Package peer is what programs have in common that measure rivals written in Go:
// flags, slices, the threads that work in them, and what is printed. The programs are
// modules of their own below bench/peers, which nothing here depends on, so that a
// module that can't be had takes no other one with it. Package rivals runs them.
//
// For each line on its standard input a program measures a slice and prints a line of
// JSON; in between it sleeps. It exits with 1 when what was received isn't what was
// sent.
//
// # Queues between threads
//
// The messages are numbers of 8 bytes, or of 64 with a number at their beginning, and
// there is room for 65,536. Each producer and consumer is a goroutine locked to a thread
// that is pinned to one processor, and there is a P for each: a goroutine that spins
// must not have to be preempted before another can run. Where an engine leaves that to
// its user, a goroutine that finds a queue full or empty tries again, and yields its
// processor after 64 attempts if there are more threads than processors, and otherwise
// after 4,096. Rates are those of messages that consumers received.
//
// # Messages between processes
//
// All threads of each process are pinned to one processor. A message is sent from
// the sender's buffer and read where it lies, if the engine lets its user do
// that; who sends it back sends it from there. The number at its beginning is
// checked. The clock of paced runs is one that both share; the sender keeps to its
// schedule whatever happens, and each message is timed from when it was due.
package peer
