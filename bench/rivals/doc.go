// Package rivals builds and runs the programs that Ringway is measured against.
// They are not part of Ringway's module: most are C++, compiled on the machine
// that measures, with
//
//	c++ -O3 -march=native -std=c++17 -pthread
//
// because a rival deserves its best build, and the others are the Go module in
// bench/peers, compiled with the go command. Each program checks what arrives and
// prints one line of JSON. Built programs are kept below
// os.UserCacheDir()/ringway/rivals, under a name made of the source, the
// compiler's version, the flags and the processor's abilities, so that a stale
// one is never run.
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
//	channel       a Go channel                       threads    Go itself
//
// The queues of one producer and one consumer are measured with and without a
// PAUSE after an attempt in vain; the better one counts. In the others a thread
// yields its processor after each 64 attempts in vain, except that channels wait
// as they always do. With more threads than processors the system's scheduler
// decides much of the figures, and little of them is the queue's doing.
// moodycamel's ConcurrentQueue keeps the order of one producer's messages only,
// and has room for as many messages for each producer as others for all.
//
// # What sleeps
//
//	blocking-readerwriter  moodycamel::BlockingReaderWriterQueue  threads    libreaderwriterqueue-dev
//	message-queue          boost::interprocess::message_queue     processes  libboost-dev
//	zeromq, nng            PAIR over ipc                          processes  libzmq3-dev, libnng-dev
//	shmipc                 shmipc-go                              processes  a Go module
//	grpc                   a gRPC stream over a unix socket       processes  a Go module
//	unix                   a unix stream socket, by Go's net      processes  Go itself
//
// The threads that send and receive are pinned, those that libraries start beside
// them are not, except that a Go program has one processor for all of its own.
//
// # What is needed
//
// Linux, and a C++ compiler (Debian: g++) and the packages above, which
// scripts/install-peers installs; for the rivals written in Go, the go command,
// Ringway's source tree and, the first time, a way to get their modules. Where one
// is missing, ErrMissing says which.
//
// Always missing are lfq (code.hybscloud.com/lfq), go-disruptor (of smarty) and
// mangos: the modules could not be had when this was written. They keep their
// places in the list, so that nobody takes their absence for a victory; another
// library of the same name would not have been the same rival.
package rivals
