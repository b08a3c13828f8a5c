// Peers measures queues of many producers and many consumers that are written
// in Go, between threads of one process, for package rivals of the module
// around this one. It is a module of its own so that Ringway's doesn't depend
// on what Ringway is measured against.
//
//	go run . --engine xsync --producers 2 --consumers 2 --cpus 0,1
//
// The engines:
//
//	xsync    MPMCQueue of github.com/puzpuzpuz/xsync/v4
//	channel  a buffered channel
//
// A third, the MPMC queue of code.hybscloud.com/lfq, is missing: the module was
// not to be had where this was written, so nothing here was tried with it.
//
// The messages are 8-byte numbers, the queues have room for 65,536 of them, and
// neither engine takes or gives several at a time, so a batch is a loop. Each
// producer and consumer is a goroutine locked to a thread that is pinned to one
// processor, and there is a P for each: a goroutine that spins must not have to
// be preempted before another can run. A goroutine that finds a queue full or
// empty tries again, and yields its processor after 64 attempts.
//
// The program prints one line of JSON and exits with 1 when what was received
// isn't what was sent. It pins threads on Linux only.
package main
