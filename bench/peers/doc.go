// Peers measures rivals that are written in Go, for package rivals of the module
// around this one. It is a module of its own so that Ringway's doesn't depend on
// what Ringway is measured against.
//
//	echo | go run . --engine xsync --producers 2 --consumers 2 --cpus 0,1
//
// The engines:
//
//	xsync       MPMCQueue of github.com/puzpuzpuz/xsync/v4; threads
//	xsync-spsc  SPSCQueue of the same; threads
//	channel     a buffered channel; threads
//	shmipc      github.com/cloudwego/shmipc-go; processes
//	grpc        a stream of google.golang.org/grpc over a unix socket; processes
//	unix        a unix stream socket; processes
//
// Missing are the MPMC queue of code.hybscloud.com/lfq, smarty's go-disruptor and
// mangos: the modules were not to be had where this was written, so nothing here
// was tried with them.
//
// In the queues between threads the messages are 8-byte numbers, or 64 bytes for
// round trips. The queues have room for 65,536, and none takes or gives several
// at a time, so a batch is a loop. Each producer and consumer is a goroutine
// locked to a thread that is pinned to one processor, and there is a P for each:
// a goroutine that spins must not have to be preempted before another can run. A
// goroutine that finds a queue full or empty tries again, and yields its
// processor after 64 attempts if there are more threads than processors, and
// otherwise after 4,096.
//
// Between processes all threads of each are pinned to one processor. The clock
// of paced runs is one that both share; the sender keeps to its schedule whatever
// happens, and each message is timed from when it was due.
//
// For each line on its standard input the program measures a slice and prints a
// line of JSON; in between it sleeps. Rates are those of messages that consumers
// received. It exits with 1 when what was received isn't what was sent. Package
// rivals runs it on Linux only.
package main
