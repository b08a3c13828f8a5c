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
//   --producers N, --consumers N   threads
//   --cpus A,B,...   processors; producers, then consumers are pinned to them in turn
//   --batch N        push and pop N at a time where the engine can; 1 is one by one
//   --duration MS    how long is pushed; what is in the queue then is popped
//   --messages N     push N in all instead
//   --timeout S      seconds after which the program is ended by SIGALRM
//
// A thread that finds the queue full or empty executes a PAUSE, and yields its
// processor after 64 of them: a thread that spins away the time in which the
// other side could run makes any queue slow, and with more threads than
// processors there are many.
//
// It prints one line of JSON and exits with 1 when what was popped isn't what
// was pushed.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sched.h>
#include <string>
#include <thread>
#include <time.h>
#include <unistd.h>
#include <vector>
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
static inline void relax() { _mm_pause(); }
#elif defined(__aarch64__)
static inline void relax() { asm volatile("yield" ::: "memory"); }
#else
static inline void relax() {}
#endif

namespace {

constexpr size_t capacity = 65536;

struct options {
	size_t producers = 1, consumers = 1, batch = 1;
	uint64_t messages = 0, duration = 1000;
	std::vector<int> cpus;
	unsigned timeout = 60;
};

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

double now() {
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

void die(const char *what) {
	perror(what);
	exit(2);
}

void pin(const options &o, size_t thread) {
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(o.cpus[thread % o.cpus.size()], &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0) die("mpmc: pin");
}

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
// nothing to one engine, until it has pushed quota or is stopped.
void produce(const options &o, engine &e, control &c, size_t id, uint64_t quota) {
	engine::producer p(e);
	std::vector<uint64_t> buffer(o.batch);
	wait w;
	uint64_t sent = 0, sum = 0, next = (uint64_t(id) << 48) + 1;
	pin(o, id);
	meet(c);
	if (o.batch == 1) {
		for (; sent < quota && !c.stop.load(std::memory_order_relaxed); sent++, next++) {
			while (!p.one(next)) w.again();
			sum += next;
		}
	} else {
		while (sent < quota && !c.stop.load(std::memory_order_relaxed)) {
			size_t n = std::min<uint64_t>(o.batch, quota - sent);
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
	pin(o, o.producers + id);
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
	std::vector<double> ends(o.consumers);
	std::vector<std::thread> threads;
	for (size_t i = 0; i < o.producers; i++) {
		uint64_t quota = o.messages == 0 ? UINT64_MAX : o.messages / o.producers + (i < o.messages % o.producers);
		threads.emplace_back([&, i, quota] { produce(o, *e, c, i, quota); });
	}
	for (size_t i = 0; i < o.consumers; i++)
		threads.emplace_back([&, i] { consume(o, *e, c, i, ends[i]); });
	while (c.ready.load() < threads.size()) sched_yield();
	double start = now();
	c.go = true;
	if (o.messages == 0) {
		timespec t{time_t(o.duration / 1000), long(o.duration % 1000) * 1000000};
		while (nanosleep(&t, &t) != 0) {}
		c.stop = true;
	}
	for (auto &t : threads) t.join();
	double seconds = *std::max_element(ends.begin(), ends.end()) - start;
	printf("{\"engine\":\"%s\",\"message_bytes\":8,\"producers\":%zu,\"consumers\":%zu,\"batch\":%zu,"
	       "\"messages\":%llu,\"seconds\":%.9f,\"msgs_per_sec\":%.1f}\n",
	       engine::name, o.producers, o.consumers, o.batch, (unsigned long long)c.popped, seconds, c.popped / seconds);
	if (c.popped != c.pushed || c.popped_sum != c.pushed_sum) {
		fprintf(stderr, "mpmc: pushed %llu, popped %llu, and their sums are %s\n", (unsigned long long)c.pushed,
		        (unsigned long long)c.popped, c.pushed_sum == c.popped_sum ? "equal" : "not equal");
		return 1;
	}
	return 0;
}

int usage(const std::string &why) {
	fprintf(stderr, "mpmc: %s\n", why.c_str());
	return 2;
}

} // namespace

int main(int argc, char **argv) {
	options o;
	for (int i = 1; i + 1 < argc; i += 2) {
		std::string name = argv[i], value = argv[i + 1];
		char *end;
		uint64_t number = strtoull(value.c_str(), &end, 10);
		if (name == "--cpus") {
			for (const char *p = value.c_str();; p = end + 1) {
				o.cpus.push_back(strtol(p, &end, 10));
				if (end == p || o.cpus.back() < 0 || o.cpus.back() >= CPU_SETSIZE || (*end != ',' && *end != 0))
					return usage("--cpus wants A,B,...");
				if (*end == 0) break;
			}
			continue;
		}
		if (value.empty() || *end != 0 || value[0] == '-') return usage(name + " wants a number");
		if (name == "--producers") o.producers = number;
		else if (name == "--consumers") o.consumers = number;
		else if (name == "--batch") o.batch = number;
		else if (name == "--messages") o.messages = number;
		else if (name == "--duration") o.duration = number;
		else if (name == "--timeout") o.timeout = number;
		else return usage("unknown option " + name);
	}
	if (argc % 2 == 0) return usage("an option without a value");
	if (o.producers < 1 || o.producers > 1024) return usage("--producers wants 1 to 1024");
	if (o.consumers < 1 || o.consumers > 1024) return usage("--consumers wants 1 to 1024");
	if (o.batch < 1 || o.batch > capacity / 64) return usage("--batch wants 1 to 1024");
	if (o.duration < 1) return usage("--duration wants at least 1");
	if (o.cpus.empty()) o.cpus = {0, 1};
	alarm(o.timeout);
	return run(o);
}
