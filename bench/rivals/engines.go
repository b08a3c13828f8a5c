package rivals

import (
	"context"
	"fmt"
	"slices"
)

// Classes of rivals.
const (
	Cpp       = "C++"       // queues that spin, written in C++
	Go        = "Go"        // queues that are written in Go
	Messaging = "messaging" // what sleeps: libraries and sockets
)

// Engine is a rival.
type Engine struct {
	Name    string // for people who choose
	Title   string // what it is called in reports
	Class   string
	Between string // "processes" or "threads"

	build func(ctx context.Context, dir string) (path string, err error)
	args  []string
	can   func(Task) error
}

// Engines returns all rivals, those that can't be had included.
func Engines() []Engine { return slices.Clone(engines) }

// Find returns the engine of that name.
func Find(name string) (Engine, error) {
	for _, e := range engines {
		if e.Name == name {
			return e, nil
		}
	}
	return Engine{}, fmt.Errorf("rivals: engine %q: there are %s", name, names())
}

// Of returns the engines that can do a task, in order.
func Of(t Task) []Engine {
	return slices.DeleteFunc(Engines(), func(e Engine) bool { return e.Can(t) != nil })
}

var engines = []Engine{
	cpp("boost-spsc", "boost::lockfree::spsc_queue", Cpp, "processes", spins, program{
		source: "queues.cpp", define: "BOOST_SPSC", headers: []string{"boost/lockfree/spsc_queue.hpp"}, debian: "libboost-dev"}),
	cpp("readerwriter", "moodycamel::ReaderWriterQueue", Cpp, "threads", spins, program{
		source: "queues.cpp", define: "READERWRITER", headers: readerWriter, debian: "libreaderwriterqueue-dev"}),
	cpp("atomic-spsc", "atomic_queue::AtomicQueue2 (SPSC)", Cpp, "threads", spins, program{
		source: "queues.cpp", define: "ATOMIC_SPSC", headers: []string{"atomic_queue/atomic_queue.h"}, debian: "libatomic-queue-dev"}),
	cpp("moodycamel", "moodycamel::ConcurrentQueue", Cpp, "threads", crowds, program{
		source: "queues.cpp", define: "MOODYCAMEL", debian: "libconcurrentqueue-dev",
		headers: []string{"concurrentqueue/concurrentqueue.h", "concurrentqueue/moodycamel/concurrentqueue.h", "concurrentqueue.h"}}),
	cpp("boost-queue", "boost::lockfree::queue", Cpp, "threads", crowds, program{
		source: "queues.cpp", define: "BOOST_QUEUE", headers: []string{"boost/lockfree/queue.hpp"}, debian: "libboost-dev"}),
	cpp("atomic-queue", "atomic_queue::AtomicQueue", Cpp, "threads", crowds, program{
		source: "queues.cpp", define: "ATOMIC_QUEUE", headers: []string{"atomic_queue/atomic_queue.h"}, debian: "libatomic-queue-dev"}),
	peer("xsync-spsc", "xsync.SPSCQueue", Go, "threads", either(spins, func(t Task) bool { return t.Size == 8 && t.Room == 65536 || t.Mode == Latency })),
	peer("xsync", "xsync.MPMCQueue", Go, "threads", crowds),
	peer("channel", "Go channel", Go, "threads", goChannel),
	cpp("blocking-readerwriter", "moodycamel::BlockingReaderWriterQueue", Messaging, "threads", either(sleeps, func(t Task) bool { return t.Size <= 64 }), program{
		source: "messaging.cpp", define: "BLOCKING_RWQ", headers: readerWriter, debian: "libreaderwriterqueue-dev"}),
	cpp("message-queue", "boost::interprocess::message_queue", Messaging, "processes", sleeps, program{
		source: "messaging.cpp", define: "MESSAGE_QUEUE", library: "rt", headers: []string{"boost/interprocess/ipc/message_queue.hpp"}, debian: "libboost-dev"}),
	cpp("zeromq", "ZeroMQ (ipc)", Messaging, "processes", sleeps, program{
		source: "messaging.cpp", define: "ZEROMQ", library: "zmq", headers: []string{"zmq.h"}, debian: "libzmq3-dev"}),
	cpp("nng", "nng (ipc)", Messaging, "processes", sleeps, program{
		source: "messaging.cpp", define: "NNG", library: "nng", headers: []string{"nng/nng.h"}, debian: "libnng-dev"}),
	peer("shmipc", "shmipc-go", Messaging, "processes", sleeps),
	peer("grpc", "gRPC (unix socket)", Messaging, "processes", sleeps),
	peer("unix", "unix socket (Go net)", Messaging, "processes", sleeps),

	below("mangos", "mangos", "mangos (ipc)", Messaging, "processes", sleeps),
	below("disruptor", "go-disruptor", "go-disruptor", Go, "threads", disruptor),
	below("lfq", "lfq-spsc", "lfq.SPSC", Go, "threads", either(spins, func(t Task) bool { return t.Mode == Throughput && t.Size == 8 && t.Room == 65536 })),

	// It keeps its place, so that nobody takes its absence for a victory.
	missing("lfq", "lfq.MPMC", Go, crowds, "the module code.hybscloud.com/lfq with an MPMC that delivers all that it is sent: v0.1.3, built with the standard compiler, loses messages"),
}

var readerWriter = []string{"readerwriterqueue/readerwriterqueue.h", "readerwriterqueue.h"}

func cpp(name, title, class, between string, can func(Task) error, p program) Engine {
	p.name = name
	return Engine{Name: name, Title: title, Class: class, Between: between, build: p.build, can: can}
}

// peer is an engine of the program in bench/peers.
func peer(name, title, class, between string, can func(Task) error) Engine {
	return below("", name, title, class, between, can)
}

// below is one of the program in a directory below bench/peers.
func below(dir, name, title, class, between string, can func(Task) error) Engine {
	return Engine{Name: name, Title: title, Class: class, Between: between, build: goProgram(dir).build, args: []string{"--engine", name}, can: can}
}

func missing(name, title, class string, can func(Task) error, what string) Engine {
	return Engine{Name: name, Title: title, Class: class, Between: "threads", can: can,
		build: func(context.Context, string) (string, error) { return "", fmt.Errorf("%w: %s", ErrMissing, what) }}
}

// unless returns an error that says what is done, unless ok.
func unless(ok bool, what string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("it does %s", what)
}

// spins is what the queues of one producer and one consumer do.
func spins(t Task) error {
	one := t.Producers == 1 && t.Consumers == 1
	switch t.Mode {
	case Latency:
		return unless(one && t.Size == 64, "round trips of 64 bytes")
	case Throughput:
		compiled := t.Size == 8 && (t.Room == 65536 || t.Room == 8192) || t.Size == 64 && t.Room == 65536
		return unless(one && compiled, "throughput of 8 bytes in 8,192 or 65,536 slots and 64 bytes in 65,536, one to one")
	}
	return unless(false, "latency and throughput")
}

// crowds is what the queues of many producers and consumers do.
func crowds(t Task) error {
	return unless(t.Mode == Throughput && t.Size == 8 && t.Room == 65536, "throughput of 8 bytes in 65,536 slots")
}

// sleeps is what those do that sleep while there is nothing.
func sleeps(t Task) error {
	return unless(t.Producers == 1 && t.Consumers == 1 && t.Batch == 1 && t.Size <= 65536, "latency, throughput and paced up to 64 KiB, one to one")
}

// disruptor is what go-disruptor does: of several consumers, all see each message.
func disruptor(t Task) error {
	return unless(t.Mode == Throughput && t.Producers == 1 && t.Room == 65536 && (t.Size == 8 || t.Size == 64) && (t.Consumers == 1 || t.Broadcast),
		"throughput of 8 and 64 bytes of one producer in 65,536 slots, each message to all consumers")
}

func goChannel(t Task) error {
	if t.Mode == Throughput {
		return crowds(t)
	}
	return unless(t.Producers == 1 && t.Consumers == 1 && t.Size == 64, "throughput of 8 bytes, latency and paced of 64")
}

func either(can func(Task) error, also func(Task) bool) func(Task) error {
	return func(t Task) error {
		if err := can(t); err != nil || also(t) {
			return err
		}
		return unless(false, "not this size")
	}
}
