// Queues of many producers and many consumers, between threads of one process.
//
//   c++ -O3 -march=native -std=c++17 -pthread -DMOODYCAMEL -o mpmc mpmc.cpp
//
// One program for each engine, so that each needs its own headers only:
//
//   -DMOODYCAMEL    moodycamel::ConcurrentQueue  (Debian: libconcurrentqueue-dev)
//   -DBOOST_QUEUE   boost::lockfree::queue       (Debian: libboost-dev)
//   -DATOMIC_QUEUE  atomic_queue::AtomicQueue    (Debian: libatomic-queue-dev)
//
// The messages are 8-byte numbers, the queues have room for 65,536 of them.
//
// A thread that finds the queue full or empty executes a PAUSE, and yields its
// processor after 64 of them: a thread that spins away the time in which the
// other side could run makes any queue slow, and with more threads than
// processors there are many.
//
// It prints one line of JSON and exits with 1 when what was popped isn't what
// was pushed.
#include "common.hpp"
#include <memory>

namespace {

constexpr size_t capacity = 65536;

// What to do while the queue is full or empty.
struct wait {
	unsigned times = 0;
	void again() {
		relax();
		if (++times % 64 == 0) sched_yield();
	}
};

// An engine has a producer and a consumer, one for each thread. push and pop
// take and give at most n and return how many; one and any are those of one.
// This is push and pop of an engine that has none.
template <typename T> struct loops {
	size_t push(const uint64_t *v, size_t n) {
		size_t k = 0;
		while (k < n && static_cast<T *>(this)->one(v[k])) k++;
		return k;
	}
	size_t pop(uint64_t *v, size_t n) {
		size_t k = 0;
		while (k < n && static_cast<T *>(this)->any(v[k])) k++;
		return k;
	}
};

} // namespace

#if defined(MOODYCAMEL)
#if __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>
#elif __has_include(<concurrentqueue/moodycamel/concurrentqueue.h>)
#include <concurrentqueue/moodycamel/concurrentqueue.h>
#else
#include <concurrentqueue.h>
#endif

namespace {

// With tokens, the room is that of each producer. Larger blocks than usual, which
// the header advises where producers are few and messages many, made batches
// nearly twice as fast. try_enqueue, which would bound the queue without
// MAX_SUBQUEUE_SIZE, got stuck every few runs, with the producer finding no room
// and the consumers no message.
struct traits : moodycamel::ConcurrentQueueDefaultTraits {
	static const size_t BLOCK_SIZE = 256;
	static const size_t EXPLICIT_INITIAL_INDEX_SIZE = capacity / BLOCK_SIZE;
	static const size_t MAX_SUBQUEUE_SIZE = capacity;
};

struct engine {
	static constexpr const char *name = "moodycamel::ConcurrentQueue";
	using queue = moodycamel::ConcurrentQueue<uint64_t, traits>;
	queue q;
	explicit engine(const options &o) : q(capacity, o.producers, 0) {}

	struct producer {
		queue &q;
		moodycamel::ProducerToken token;
		explicit producer(engine &e) : q(e.q), token(e.q) {}
		bool one(uint64_t v) { return q.enqueue(token, v); }
		size_t push(const uint64_t *v, size_t n) { return q.enqueue_bulk(token, v, n) ? n : 0; }
	};
	struct consumer {
		queue &q;
		moodycamel::ConsumerToken token;
		explicit consumer(engine &e) : q(e.q), token(e.q) {}
		bool any(uint64_t &v) { return q.try_dequeue(token, v); }
		size_t pop(uint64_t *v, size_t n) { return q.try_dequeue_bulk(token, v, n); }
	};
};

} // namespace

#elif defined(BOOST_QUEUE)
#include <boost/lockfree/queue.hpp>

namespace {

struct engine {
	static constexpr const char *name = "boost::lockfree::queue";
	// A capacity that is compiled in makes it faster, and is at most 65,534.
	boost::lockfree::queue<uint64_t, boost::lockfree::capacity<capacity - 2>> q;
	explicit engine(const options &) {}

	struct side : loops<side> {
		engine &e;
		explicit side(engine &e) : e(e) {}
		bool one(uint64_t v) { return e.q.bounded_push(v); }
		bool any(uint64_t &v) { return e.q.pop(v); }
	};
	using producer = side;
	using consumer = side;
};

} // namespace

#elif defined(ATOMIC_QUEUE)
#include <atomic_queue/atomic_queue.h>

namespace {

struct engine {
	static constexpr const char *name = "atomic_queue::AtomicQueue";
	// AtomicQueue2, AtomicQueueB and the calls that wait, push and pop, weren't
	// clearly faster; and a consumer in pop can't be told that there is no more.
	atomic_queue::AtomicQueue<uint64_t, capacity> q;
	explicit engine(const options &) {}

	struct side : loops<side> {
		engine &e;
		explicit side(engine &e) : e(e) {}
		bool one(uint64_t v) { return e.q.try_push(v); }
		bool any(uint64_t &v) { return e.q.try_pop(v); }
	};
	using producer = side;
	using consumer = side;
};

} // namespace

#else
#error "say which engine: -DMOODYCAMEL, -DBOOST_QUEUE or -DATOMIC_QUEUE"
#endif

namespace {

struct control {
	// Written before and after, read all the time.
	alignas(128) std::atomic<bool> go{false}, stop{false}, done{false};
	// Written once or, at the end, a few times by each thread.
	alignas(128) std::atomic<size_t> ready{0}, finished{0};
	std::atomic<uint64_t> pushed{0}, pushed_sum{0}, popped{0}, popped_sum{0};
};

void meet(control &c) {
	c.ready++;
	while (!c.go.load()) sched_yield();
}

// Pushes numbers that no other producer pushes and that are not 0, which means
// nothing to one engine, until it is stopped.
void produce(const options &o, engine &e, control &c, size_t id) {
	engine::producer p(e);
	std::vector<uint64_t> buffer(o.batch);
	wait w;
	uint64_t sent = 0, sum = 0, next = (uint64_t(id) << 48) + 1;
	pin(o.cpu(id));
	meet(c);
	if (o.batch == 1) {
		for (; !c.stop.load(std::memory_order_relaxed); sent++, next++) {
			while (!p.one(next)) w.again();
			sum += next;
		}
	} else {
		while (!c.stop.load(std::memory_order_relaxed)) {
			size_t n = o.batch;
			for (size_t k = 0; k < n; k++) sum += buffer[k] = next++;
			for (size_t k = 0; k < n;) {
				size_t took = p.push(buffer.data() + k, n - k);
				if (took == 0) w.again();
				k += took;
			}
			sent += n;
		}
	}
	c.pushed += sent;
	c.pushed_sum += sum;
	if (++c.finished == o.producers) c.done = true;
}

// Pops until all producers have finished and all that they pushed is popped.
void consume(const options &o, engine &e, control &c, size_t id, double &end) {
	engine::consumer p(e);
	std::vector<uint64_t> buffer(o.batch);
	wait w;
	uint64_t got = 0, told = 0, sum = 0;
	pin(o.cpu(o.producers + id));
	meet(c);
	for (;;) {
		if (o.batch == 1) {
			for (uint64_t v; p.any(v); got++) sum += v;
		} else {
			for (size_t n; (n = p.pop(buffer.data(), o.batch)) > 0; got += n)
				for (size_t k = 0; k < n; k++) sum += buffer[k];
		}
		if (c.done.load(std::memory_order_acquire)) {
			if (c.popped.fetch_add(got - told) + got - told >= c.pushed) break;
			told = got;
		}
		w.again();
	}
	c.popped_sum += sum;
	end = now();
}

int run(const options &o) {
	auto e = std::make_unique<engine>(o);
	control c;
	std::vector<std::thread> threads;
	std::vector<double> ends(o.consumers);
	for (size_t i = 0; i < o.producers; i++) threads.emplace_back([&, i] { produce(o, *e, c, i); });
	for (size_t i = 0; i < o.consumers; i++) threads.emplace_back([&, i] { consume(o, *e, c, i, ends[i]); });
	while (c.ready.load() < threads.size()) sched_yield();
	double start = now();
	c.go = true;
	timespec t{time_t(o.duration / 1000), long(o.duration % 1000) * 1000000};
	while (nanosleep(&t, &t) != 0) {}
	c.stop = true;
	for (auto &t : threads) t.join();
	outcome r;
	r.messages = c.popped;
	r.ns = *std::max_element(ends.begin(), ends.end()) - start;
	r.wrong = c.popped != c.pushed || c.popped_sum != c.pushed_sum;
	return print(engine::name, "threads", r);
}

} // namespace

int main(int argc, char **argv) {
	options o = parse(argc, argv);
	if (o.mode != "throughput" || o.size != 8 || o.room != capacity)
		usage("--mode throughput --size 8 --room 65536 is all that was compiled in");
	return run(o);
}
