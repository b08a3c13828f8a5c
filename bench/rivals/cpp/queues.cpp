// Queues that spin.
//
//   c++ -O3 -march=native -std=c++17 -pthread -DBOOST_SPSC -o queues queues.cpp
//
// One program for each engine, so that each needs its own headers only. Of one
// producer and one consumer:
//
//   -DBOOST_SPSC     boost::lockfree::spsc_queue       (Debian: libboost-dev), between two
//                    processes: with a fixed capacity it holds no pointer
//   -DREADERWRITER   moodycamel::ReaderWriterQueue     (Debian: libreaderwriterqueue-dev), threads
//   -DATOMIC_SPSC    atomic_queue::AtomicQueue2, SPSC  (Debian: libatomic-queue-dev), threads
//
// and of any number of them, all between threads:
//
//   -DMOODYCAMEL    moodycamel::ConcurrentQueue  (Debian: libconcurrentqueue-dev)
//   -DBOOST_QUEUE   boost::lockfree::queue       (Debian: libboost-dev)
//   -DATOMIC_QUEUE  atomic_queue::AtomicQueue    (Debian: libatomic-queue-dev)
//
//   --mode throughput   messages of 8 or 64 bytes one way; counted is what consumers
//                       received while the clock ran
//   --mode latency      messages of 64 bytes there and back, through two queues
//
// The rooms that are compiled in: 65536 and 8192 of 8 bytes, 65536 and 1024 of 64
// for one producer and one consumer, 65536 of 8 bytes for more.
//
// A thread that finds the queue full or empty tries again, with or without a
// PAUSE, whichever was better in the rehearsal. With more threads than processors
// it yields its processor after 64 attempts, otherwise after 4096: one that spins
// away the time in which the other side could run makes any queue slow.
#include "common.hpp"

struct line64 {
	uint64_t word[8];
	line64() = default;
	line64(uint64_t v) {
		for (auto &w : word) w = v;
	}
	operator uint64_t() const { return word[0] == word[7] ? word[0] : ~0ull; }
};

// A thread's side of an engine that needs nothing for it. One and any are of one
// message; push and pop take and give at most n and return how many, in one call
// if the engine has such calls.
template <typename E, typename T> struct side {
	E &e;
	side(E &e, size_t) : e(e) {}
	bool one(const T &v) { return e.push(v); }
	bool any(T &v) { return e.pop(v); }
	size_t push(const T *v, size_t n) {
		if constexpr (E::bulk) return e.push(v, n);
		else {
			size_t k = 0;
			while (k < n && e.push(v[k])) k++;
			return k;
		}
	}
	size_t pop(T *v, size_t n) {
		if constexpr (E::bulk) return e.pop(v, n);
		else {
			size_t k = 0;
			while (k < n && e.pop(v[k])) k++;
			return k;
		}
	}
};

#if defined(BOOST_SPSC)
#include <boost/lockfree/spsc_queue.hpp>
constexpr const char *name = "boost::lockfree::spsc_queue", *between = "processes";
template <typename T, size_t N> struct engine {
	static constexpr bool bulk = true;
	boost::lockfree::spsc_queue<T, boost::lockfree::capacity<N>> q;
	explicit engine(const options &) {}
	bool push(const T &v) { return q.push(v); }
	bool pop(T &v) { return q.pop(v); }
	size_t push(const T *v, size_t n) { return q.push(v, n); }
	size_t pop(T *v, size_t n) { return q.pop(v, n); }
	using producer = side<engine, T>;
	using consumer = side<engine, T>;
};

#elif defined(READERWRITER)
#if __has_include(<readerwriterqueue/readerwriterqueue.h>)
#include <readerwriterqueue/readerwriterqueue.h>
#else
#include <readerwriterqueue.h>
#endif
constexpr const char *name = "moodycamel::ReaderWriterQueue", *between = "threads";
template <typename T, size_t N> struct engine {
	static constexpr bool bulk = false;
	moodycamel::ReaderWriterQueue<T> q{N};
	explicit engine(const options &) {}
	bool push(const T &v) { return q.try_enqueue(v); }
	bool pop(T &v) { return q.try_dequeue(v); }
	using producer = side<engine, T>;
	using consumer = side<engine, T>;
};

#elif defined(ATOMIC_SPSC)
#include <atomic_queue/atomic_queue.h>
constexpr const char *name = "atomic_queue::AtomicQueue2 (SPSC)", *between = "threads";
template <typename T, size_t N> struct engine {
	static constexpr bool bulk = false;
	// MINIMIZE_CONTENTION, MAXIMIZE_THROUGHPUT, TOTAL_ORDER, SPSC
	atomic_queue::AtomicQueue2<T, N, true, true, false, true> q;
	explicit engine(const options &) {}
	bool push(const T &v) { return q.try_push(v); }
	bool pop(T &v) { return q.try_pop(v); }
	using producer = side<engine, T>;
	using consumer = side<engine, T>;
};

#elif defined(MOODYCAMEL)
#define MANY
#if __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>
#elif __has_include(<concurrentqueue/moodycamel/concurrentqueue.h>)
#include <concurrentqueue/moodycamel/concurrentqueue.h>
#else
#include <concurrentqueue.h>
#endif
constexpr const char *name = "moodycamel::ConcurrentQueue", *between = "threads";

// Larger blocks than usual, which the header advises where producers are few and
// messages many, made batches nearly twice as fast.
//
// The queue itself knows no bound that works here: with MAX_SUBQUEUE_SIZE alone
// enqueue goes on beyond it, and try_enqueue got stuck every few runs, with the
// producer finding no room and the consumers no message. So that no more messages
// are under way than in the other queues, a producer that has sent 256 looks at
// how many all have sent and received, and a consumer says so after as many.
template <typename T, size_t N> struct engine {
	struct traits : moodycamel::ConcurrentQueueDefaultTraits {
		static const size_t BLOCK_SIZE = 256;
		static const size_t EXPLICIT_INITIAL_INDEX_SIZE = N / BLOCK_SIZE;
	};
	struct alignas(128) count {
		std::atomic<uint64_t> n{0};
	};
	moodycamel::ConcurrentQueue<T, traits> q;
	const size_t producers, consumers;
	std::vector<count> promised, received; // by each
	const uint64_t lot;
	explicit engine(const options &o)
		: q(N, o.producers, 0), producers(o.producers), consumers(o.consumers), promised(producers), received(consumers),
		  lot(std::max<uint64_t>(1, std::min<uint64_t>(256, N / 2 / producers))) {}

	struct producer {
		engine &e;
		moodycamel::ProducerToken token;
		count &mine;
		uint64_t left = 0; // it may send so many
		bool asked = false;
		producer(engine &e, size_t id) : e(e), token(e.q), mine(e.promised[id]) {}
		bool may() {
			if (!asked) mine.n.store(mine.n.load(std::memory_order_relaxed) + e.lot), asked = true;
			uint64_t got = 0, sent = 0;
			for (auto &c : e.received) got += c.n.load();
			for (auto &c : e.promised) sent += c.n.load();
			if (sent - got > N) return false;
			left = e.lot, asked = false;
			return true;
		}
		bool one(const T &v) {
			if (left == 0 && !may()) return false;
			left--;
			return e.q.enqueue(token, v);
		}
		size_t push(const T *v, size_t n) {
			if (left == 0 && !may()) return 0;
			n = std::min<size_t>(n, left);
			left -= n;
			return e.q.enqueue_bulk(token, v, n) ? n : 0;
		}
	};
	struct consumer {
		engine &e;
		moodycamel::ConsumerToken token;
		count &mine;
		uint64_t n = 0, told = 0;
		consumer(engine &e, size_t id) : e(e), token(e.q), mine(e.received[id]) {}
		void took(size_t k) {
			n += k;
			if (n - told >= e.lot || (k == 0 && n != told)) mine.n.store(told = n);
		}
		bool any(T &v) {
			bool ok = e.q.try_dequeue(token, v);
			took(ok);
			return ok;
		}
		size_t pop(T *v, size_t max) {
			size_t k = e.q.try_dequeue_bulk(token, v, max);
			took(k);
			return k;
		}
	};
};

#elif defined(BOOST_QUEUE)
#define MANY
#include <boost/lockfree/queue.hpp>
constexpr const char *name = "boost::lockfree::queue", *between = "threads";
template <typename T, size_t N> struct engine {
	static constexpr bool bulk = false;
	// A capacity that is compiled in makes it faster, and is at most 65,534.
	boost::lockfree::queue<T, boost::lockfree::capacity<N - 2>> q;
	explicit engine(const options &) {}
	bool push(const T &v) { return q.bounded_push(v); }
	bool pop(T &v) { return q.pop(v); }
	using producer = side<engine, T>;
	using consumer = side<engine, T>;
};

#elif defined(ATOMIC_QUEUE)
#define MANY
#define UNORDERED // two producers that wait for one slot, a lap apart, can get it in any order
#include <atomic_queue/atomic_queue.h>
constexpr const char *name = "atomic_queue::AtomicQueue", *between = "threads";
template <typename T, size_t N> struct engine {
	static constexpr bool bulk = false;
	// AtomicQueue2, AtomicQueueB and the calls that wait, push and pop, weren't
	// clearly faster; and a consumer in pop can't be told that there is no more.
	atomic_queue::AtomicQueue<T, N> q;
	explicit engine(const options &) {}
	bool push(const T &v) { return q.try_push(v); }
	bool pop(T &v) { return q.try_pop(v); }
	using producer = side<engine, T>;
	using consumer = side<engine, T>;
};

#else
#error "say which engine: -DBOOST_SPSC, -DREADERWRITER, -DATOMIC_SPSC, -DMOODYCAMEL, -DBOOST_QUEUE or -DATOMIC_QUEUE"
#endif

namespace {

// What to do while the queue is full or empty.
template <bool pause> struct waiting {
	const unsigned patience;
	unsigned times = 0;
	void again() {
		if (pause) relax();
		if (++times % patience == 0) sched_yield();
	}
};

unsigned patience(const options &o) { return o.producers + o.consumers > o.cpus.size() ? 64 : 4096; }

// Numbers of a producer begin with its own and are never 0, which means nothing to
// one engine.
constexpr int number_bits = 48;

// Sends numbers until the first producer, which does the same, says stop.
template <bool pause, typename T, typename P> void produce(const options &o, crew &s, P &p, std::vector<T> &buffer, uint64_t &next, size_t id) {
	waiting<pause> w{patience(o)};
	tally &t = s.tallies[id];
	const uint64_t first = next, lot = o.size > 8 ? 1024 : 4096;
	uint64_t sum = 0;
	if (id == 0) s.c.start();
	do {
		if (o.batch == 1) {
			for (uint64_t until = next + lot; next < until; next++) {
				while (!p.one(T(next))) w.again();
				sum += next;
			}
			continue;
		}
		for (uint64_t until = next + lot; next < until; next += o.batch) {
			for (size_t k = 0; k < o.batch; k++) buffer[k] = T(next + k), sum += next + k;
			for (size_t done = 0; done < o.batch;) {
				size_t k = p.push(buffer.data() + done, o.batch - done);
				if (k == 0) w.again();
				done += k;
			}
		}
	} while (id == 0 ? s.c.goes_on() : s.c.at.load(std::memory_order_relaxed) < stop);
	t.sent = next - first, t.sent_sum = sum;
	s.c.stopped.fetch_add(1);
}

// Receives until all producers have stopped and all that they sent is received.
// What comes from one producer has to come in order, unless the engine promises
// none, and if there is no other consumer, all of it to this one.
template <bool pause, typename T, typename C> void consume(const options &o, crew &s, C &c, std::vector<T> &buffer, std::vector<uint64_t> &due, size_t id) {
	waiting<pause> w{patience(o)};
	tally &t = s.tallies[id];
	[[maybe_unused]] const bool all = o.consumers == 1;
	bool wrong = false;
	uint64_t got = 0, told = 0, sum = 0;
	auto check = [&](uint64_t v) {
		size_t from = v >> number_bits;
		if (from >= due.size()) {
			wrong = true;
			return;
		}
#if !defined(UNORDERED)
		wrong |= all ? v != due[from] : v < due[from];
#endif
		due[from] = v + 1;
		sum += v;
	};
	auto look = [&] { t.got = got, s.c.look(t); };
	for (T v;;) {
		if (o.batch == 1) {
			while (c.any(v)) {
				if (got++ % 32 == 0) t.got = got - 1, s.c.look(t);
				check(uint64_t(v));
			}
		} else {
			for (size_t n; (n = c.pop(buffer.data(), o.batch)) > 0; got += n) {
				look();
				for (size_t k = 0; k < n; k++) check(uint64_t(buffer[k]));
			}
		}
		if (s.c.stopped.load(std::memory_order_acquire) == o.producers) {
			uint64_t sent = 0;
			for (size_t i = 0; i < o.producers; i++) sent += s.tallies[i].sent;
			if (s.c.taken.fetch_add(got - told) + got - told >= sent) break;
			told = got;
		}
		w.again();
	}
	look();
	t.got_sum = sum, t.wrong = wrong;
}

template <typename T, size_t N> int throughput(const options &o) {
	using queue = engine<T, N>;
	crew s(o, o.producers + o.consumers);
	auto *q = shared<queue>(o);
	return s.run(
		name, between, true,
		[&](size_t id) {
			pin(o.cpu(id));
			std::vector<T> buffer(o.batch);
			if (id < o.producers) {
				typename queue::producer p(*q, id);
				uint64_t next = (uint64_t(id) << number_bits) + 1;
				for (; s.next(id); s.finish())
					if (s.c.pause) produce<true, T>(o, s, p, buffer, next, id);
					else produce<false, T>(o, s, p, buffer, next, id);
				return;
			}
			typename queue::consumer c(*q, id - o.producers);
			std::vector<uint64_t> due(o.producers);
			for (size_t i = 0; i < o.producers; i++) due[i] = (uint64_t(i) << number_bits) + 1;
			for (; s.next(id); s.finish())
				if (s.c.pause) consume<true, T>(o, s, c, buffer, due, id);
				else consume<false, T>(o, s, c, buffer, due, id);
		},
		[&] {
			outcome r;
			uint64_t sent = 0, got = 0, sum = 0;
			for (size_t i = 0; i < o.producers + o.consumers; i++) {
				const tally &t = s.tallies[i];
				r.messages += t.counted, r.wrong |= t.wrong;
				sent += t.sent, got += t.got, sum += t.sent_sum - t.got_sum;
			}
			r.ns = s.c.ns, r.wrong |= sent != got || sum != 0;
			return r;
		});
}

constexpr uint64_t over = UINT64_MAX - 1;

template <bool pause, typename T, typename P, typename C>
size_t ping(crew &s, P &out, C &in, const stopwatch &clock, float *times, size_t most) {
	waiting<pause> w{4096};
	tally &t = s.tallies[0];
	T got(0);
	size_t n = 0;
	double start = clock.read(), last = start;
	for (uint64_t i = 0;; i++) {
		while (!out.one(T(i))) w.again();
		while (!in.any(got)) w.again();
		double now = clock.read();
		t.wrong |= uint64_t(got) != i;
		if (now - start > s.c.warm_ns) times[n++] = now - last;
		last = now;
		if (now - start > s.c.warm_ns + s.c.measured_ns || n == most) break;
	}
	while (!out.one(T(over))) w.again();
	return n;
}

template <bool pause, typename T, typename P, typename C> void pong(P &out, C &in) {
	waiting<pause> w{4096};
	for (T m(0);;) {
		while (!in.any(m)) w.again();
		if (uint64_t(m) == over) return;
		while (!out.one(m)) w.again();
	}
}

template <typename T, size_t N> int latency(const options &o) {
	using queue = engine<T, N>;
	constexpr size_t most = 2 << 20;
	crew s(o, 2);
	const stopwatch clock;
	auto *there = shared<queue>(o), *back = shared<queue>(o);
	auto *times = static_cast<float *>(shared_bytes(most * sizeof(float)));
	return s.run(
		name, between, true,
		[&](size_t id) {
			pin(o.cpu(id));
			typename queue::producer out(id == 0 ? *there : *back, 0);
			typename queue::consumer in(id == 0 ? *back : *there, 0);
			for (; s.next(id); s.finish()) {
				if (id == 0) s.tallies[0].sent = s.c.pause ? ping<true, T>(s, out, in, clock, times, most) : ping<false, T>(s, out, in, clock, times, most);
				else if (s.c.pause) pong<true, T>(out, in);
				else pong<false, T>(out, in);
			}
		},
		[&] {
			outcome r;
			r.times.assign(times, times + s.tallies[0].sent);
			r.messages = 2 * r.times.size(), r.wrong = s.tallies[0].wrong;
			for (double t : r.times) r.ns += t;
			return r;
		});
}

} // namespace

int main(int argc, char **argv) {
	options o = parse(argc, argv);
	if (o.mode == "throughput" && o.size == 8 && o.room == 65536) {
#if !defined(MANY)
		if (o.producers != 1 || o.consumers != 1) usage("it has one producer and one consumer");
#endif
		return throughput<uint64_t, 65536>(o);
	}
#if !defined(MANY)
	if (o.producers != 1 || o.consumers != 1) usage("it has one producer and one consumer");
	if (o.mode == "throughput" && o.size == 8 && o.room == 8192) return throughput<uint64_t, 8192>(o);
	if (o.mode == "throughput" && o.size == 64 && o.room == 65536) return throughput<line64, 65536>(o);
	if (o.mode == "latency" && o.size == 64) return latency<line64, 1024>(o);
#endif
	usage("no queue of this mode, size and room was compiled in");
}
