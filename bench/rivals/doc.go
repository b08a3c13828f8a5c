// Package rivals builds and runs the programs that Ringway is measured against.
// They are not part of Ringway's module: most are C++, compiled on the machine
// that measures, with
//
//	c++ -O3 -march=native -std=c++17 -pthread
//
// because a rival deserves its best build, and the others are the Go modules in
// and below bench/peers, compiled with the go command. Built programs are kept below
// os.UserCacheDir()/ringway/rivals, under a name made of the source, the
// compiler's version, the flags and the processor's abilities, so that a stale
// one is never run.
//
// # Slices
//
// A program starts its workers once and then measures slice by slice, on request,
// of some 40 ms each. In between all its threads sleep on a futex or a channel. So
// engines are measured by turns within a fraction of a second, which is how long
// one can rely on a virtual machine to stay as it is.
//
// All engines are measured alike, Ringway included:
//
//	what counts   messages that consumers have received while the clock ran, which
//	              producers start and stop; and when it stops, all that was sent
//	              must have been received, each message once: numbers are added up,
//	              and those of one producer must come in order
//	room          65,536 messages are under way at most, or as many bytes as in
//	              Ringway's ring where the case is about bytes
//	warming up    a fifth of the slice before it begins to count
//	processors    the same ones, producers and consumers pinned alike
//	memory        pages of 4 KiB, there before they are needed
//	calls         one call a message, inlined by C++ as it would be for a user; or of
//	              32 messages, and a loop where an engine has no such call
//	clock         the time stamp counter for round trips
//
// # Queues that spin
//
// Those that can be are measured between two processes that share them, as
// Ringway is; the others between threads of one process, which spares them what
// Ringway has to do for that.
//
//	boost-spsc    boost::lockfree::spsc_queue        processes  libboost-dev
//	readerwriter  moodycamel::ReaderWriterQueue      threads    libreaderwriterqueue-dev
//	atomic-spsc   atomic_queue::AtomicQueue2         threads    libatomic-queue-dev
//	moodycamel    moodycamel::ConcurrentQueue        threads    libconcurrentqueue-dev
//	boost-queue   boost::lockfree::queue             threads    libboost-dev
//	atomic-queue  atomic_queue::AtomicQueue          threads    libatomic-queue-dev
//	xsync, -spsc  xsync.MPMCQueue, xsync.SPSCQueue   threads    a Go module
//	lfq-spsc      lfq.SPSC                           threads    a Go module
//	go-disruptor  smarty's go-disruptor              threads    a Go module
//	channel       a Go channel                       threads    Go itself
//
// What a thread does after an attempt in vain is its user's business in these
// queues, where Ringway's wait strategies have receivers nap. The C++ queues are tried
// with and without a PAUSE there, ten times by turns before anything counts, and the
// better way is kept; go-disruptor likewise with its own sleeps, with runtime.Gosched and
// with neither. With more
// threads than processors a thread yields its processor after each 64 attempts in
// vain, otherwise after 4,096; channels wait as they always do. With more threads
// than processors the system's scheduler decides much of the figures, and little of
// them is the queue's doing.
//
// moodycamel's ConcurrentQueue grows as long as there is memory, and would win by
// filling it. Here its producers look after each 256 messages at how many were sent
// and received, and wait while 65,536 are under way. It is used with tokens, with its
// bulk calls for batches, and keeps the order of one producer's messages only;
// atomic_queue keeps none when two producers wait for one slot.
//
// # What sleeps
//
//	blocking-readerwriter  moodycamel::BlockingReaderWriterQueue  threads    libreaderwriterqueue-dev
//	message-queue          boost::interprocess::message_queue     processes  libboost-dev
//	zeromq, nng            PAIR over ipc                          processes  libzmq3-dev, libnng-dev
//	mangos                 PAIR over ipc                          processes  a Go module
//	shmipc                 shmipc-go                              processes  a Go module
//	grpc                   a gRPC stream over a unix socket       processes  a Go module
//	unix                   a unix stream socket, by Go's net      processes  Go itself
//
// The threads that send and receive are pinned, those that libraries start beside
// them are not, except that a Go program has one processor for all of its own. What is
// received is read where it lies if the engine lets its user do that.
//
// # What is needed
//
// Linux, and a C++ compiler (Debian: g++) and the packages above, which
// scripts/install-peers installs; for the rivals written in Go, the go command,
// Ringway's source tree and, the first time, a way to get their modules. Where one
// is missing, ErrMissing says which.
//
// Always missing is lfq's queue of any number of producers and consumers: what is
// received has to be what was sent, and bench/peers/lfq says why it isn't. It keeps
// its place in the list, so that nobody takes its absence for a victory.
package rivals
