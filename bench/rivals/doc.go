// Package rivals builds and runs the programs that Ringway is measured against.
// They are not part of Ringway's module: most are C++, compiled on the machine
// that measures, with
//
//	c++ -O3 -march=native -std=c++17
//
// because a rival deserves its best build, and the others are the Go module in
// bench/peers, compiled with the go command. Each program checks what arrives and
// prints one line of JSON. Built programs are kept below
// os.UserCacheDir()/ringway/rivals, under a name made of the source, the
// compiler's version, the flags and the processor's abilities, so that a stale
// one is never run.
//
// # One producer, one consumer
//
// Boost's queue, in cpp/boost_spsc.cpp, between two processes that share it.
// RunBoostThroughput and RunBoostLatency run it.
//
// # Many producers, many consumers
//
// RunMPMC runs the engines that MPMC names, between threads of one process: none
// of these queues is made for several processes, which spares them what Ringway
// has to do for that.
//
//	moodycamel    moodycamel::ConcurrentQueue  libconcurrentqueue-dev
//	boost-queue   boost::lockfree::queue       libboost-dev
//	atomic-queue  atomic_queue::AtomicQueue    libatomic-queue-dev
//	xsync         xsync.MPMCQueue              a Go module
//	lfq           lfq.MPMC                     a Go module, not to be had
//	channel       chan uint64                  Go itself
//
// All have room for MPMCCapacity messages, except that moodycamel's has it for
// each producer, and Boost's for two less. moodycamel's keeps the order of one
// producer's messages only, and alone has calls for several messages.
//
// The threads are pinned, and wait by trying again; a thread yields its processor
// after each 64 attempts in vain, except that channels wait as they always do.
// With more threads than processors the system's scheduler decides much of the
// figures, and little of them is the queue's doing.
//
// lfq is code.hybscloud.com/lfq. The module could not be had when this was
// written, so RunMPMC says that it is missing; another library of the same name
// would not have been the same rival.
//
// # What is needed
//
// Linux, and a C++ compiler (Debian: g++) and the headers of the packages above,
// which scripts/install-peers installs; for the rivals written in Go, the go
// command, Ringway's source tree and, the first time, a way to get their modules.
// Where one is missing, ErrMissing says which.
package rivals
