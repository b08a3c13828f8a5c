// Queues of one producer and one consumer, that spin.
//
//   c++ -O3 -march=native -std=c++17 -pthread -DBOOST_SPSC -o spsc spsc.cpp
//
// One program for each engine, so that each needs its own headers only:
//
//   -DBOOST_SPSC     boost::lockfree::spsc_queue       (Debian: libboost-dev), between two
//                    processes: with a fixed capacity it holds no pointer
//   -DREADERWRITER   moodycamel::ReaderWriterQueue     (Debian: libreaderwriterqueue-dev), threads
//   -DATOMIC_SPSC    atomic_queue::AtomicQueue2, SPSC  (Debian: libatomic-queue-dev), threads
//
//   --mode throughput   messages of 8 or 64 bytes one way
//   --mode latency      messages of 64 bytes there and back, through two queues
//
// Each mode is measured twice, with and without a PAUSE after an attempt that
// found the queue full or empty; the better one counts. The rooms that are
// compiled in: 65536 and 8192 of 8 bytes, 65536 and 1024 of 64.
#include "common.hpp"

struct line64 {
	uint64_t word[8];
	line64() = default;
	line64(uint64_t v) {
		for (auto &w : word) w = v;
	}
	operator uint64_t() const { return word[0] == word[7] ? word[0] : ~0ull; }
};

#if defined(BOOST_SPSC)
#include <boost/lockfree/spsc_queue.hpp>
constexpr const char *name = "boost::lockfree::spsc_queue", *between = "processes";
template <typename T, size_t N> struct engine {
	boost::lockfree::spsc_queue<T, boost::lockfree::capacity<N>> q;
	bool push(const T &v) { return q.push(v); }
	bool pop(T &v) { return q.pop(v); }
	size_t push(const T *v, size_t n) { return q.push(v, n); }
	size_t pop(T *v, size_t n) { return q.pop(v, n); }
};

#elif defined(READERWRITER)
#if __has_include(<readerwriterqueue/readerwriterqueue.h>)
#include <readerwriterqueue/readerwriterqueue.h>
#else
#include <readerwriterqueue.h>
#endif
constexpr const char *name = "moodycamel::ReaderWriterQueue", *between = "threads";
#define LOOPS

template <typename T, size_t N> struct engine {
	moodycamel::ReaderWriterQueue<T> q{N};
	bool push(const T &v) { return q.try_enqueue(v); }
	bool pop(T &v) { return q.try_dequeue(v); }
#elif defined(ATOMIC_SPSC)
#include <atomic_queue/atomic_queue.h>
constexpr const char *name = "atomic_queue::AtomicQueue2 (SPSC)", *between = "threads";
#define LOOPS

template <typename T, size_t N> struct engine {
	// MINIMIZE_CONTENTION, MAXIMIZE_THROUGHPUT, TOTAL_ORDER, SPSC
	atomic_queue::AtomicQueue2<T, N, true, true, false, true> q;
	bool push(const T &v) { return q.try_push(v); }
	bool pop(T &v) { return q.try_pop(v); }
#else
#error "say which engine: -DBOOST_SPSC, -DREADERWRITER or -DATOMIC_SPSC"
#endif
#if defined(LOOPS) // an engine without calls for several
	size_t push(const T *v, size_t n) {
		size_t k = 0;
		while (k < n && push(v[k])) k++;
		return k;
	}
	size_t pop(T *v, size_t n) {
		size_t k = 0;
		while (k < n && pop(v[k])) k++;
		return k;
	}
};
#endif

namespace {

const bool processes = std::string(between) == "processes";

struct control : gate {
	alignas(128) std::atomic<uint64_t> sent{UINT64_MAX}; // all, once they are
	alignas(128) std::atomic<bool> wrong{false};
};

template <bool pause> struct waiting {
	unsigned times = 0;
	void again() {
		if (pause) relax();
		if (++times % 4096 == 0) sched_yield(); // for when somebody else needs the processor
	}
};

// The rate at which the producer gets rid of messages once it is warm; the queue
// is too small to matter.
template <typename T, size_t N, bool pause> outcome throughput(const options &o) {
	using queue = engine<T, N>;
	auto *q = shared<queue>();
	auto *c = shared<control>();
	outcome r;
	two(
		o, processes,
		[&] {
			std::vector<T> buffer(o.batch);
			waiting<pause> w;
			uint64_t i = 0, first = 0;
			double began = 0;
			c->meet();
			for (double start = now();;) {
				uint64_t until = i + 8192;
				if (o.batch == 1) {
					for (; i < until; i++)
						while (!q->push(T(i))) w.again();
				} else
					while (i < until) {
						for (size_t k = 0; k < o.batch; k++) buffer[k] = T(i + k);
						for (size_t done = 0; done < o.batch;) {
							size_t k = q->push(buffer.data() + done, o.batch - done);
							if (k == 0) w.again();
							done += k;
						}
						i += o.batch;
					}
				double t = now();
				if (began == 0 && t - start > o.warm()) began = t, first = i;
				else if (began != 0 && t - began > o.measured()) {
					r.messages = i - first, r.ns = t - began;
					break;
				}
			}
			c->sent = i;
		},
		[&] {
			std::vector<T> buffer(o.batch);
			waiting<pause> w;
			bool wrong = false;
			T v;
			c->meet();
			for (uint64_t i = 0;;) {
				if (o.batch == 1) {
					for (; q->pop(v); i++) wrong |= uint64_t(v) != i;
				} else
					for (size_t n; (n = q->pop(buffer.data(), o.batch)) > 0; i += n)
						for (size_t k = 0; k < n; k++) wrong |= uint64_t(buffer[k]) != i + k;
				if (i >= c->sent.load(std::memory_order_relaxed)) break;
				w.again();
			}
			c->wrong = wrong;
		});
	r.wrong = c->wrong;
	return r;
}

template <typename T, size_t N, bool pause> outcome latency(const options &o) {
	using queue = engine<T, N>;
	auto *there = shared<queue>(), *back = shared<queue>();
	auto *c = shared<control>();
	outcome r;
	r.times.reserve(4 << 20);
	two(
		o, processes,
		[&] {
			waiting<pause> w;
			T m(0), got(0);
			c->meet();
			double start = now(), last = start;
			for (uint64_t i = 0;; i++) {
				m = T(i);
				while (!there->push(m)) w.again();
				while (!back->pop(got)) w.again();
				r.wrong |= uint64_t(got) != i;
				double t = now();
				if (t - start > o.warm()) r.times.push_back(t - last);
				last = t;
				if (t - start > o.warm() + o.measured() || r.times.size() == r.times.capacity()) break;
			}
			m = T(UINT64_MAX - 1);
			while (!there->push(m)) w.again();
		},
		[&] {
			waiting<pause> w;
			T m(0);
			c->meet();
			for (;;) {
				while (!there->pop(m)) w.again();
				if (uint64_t(m) == UINT64_MAX - 1) break;
				while (!back->push(m)) w.again();
			}
		});
	r.messages = 2 * r.times.size();
	for (double t : r.times) r.ns += t;
	return r;
}

template <typename T, size_t N> outcome rate(const options &o) {
	outcome plain = throughput<T, N, false>(o), paused = throughput<T, N, true>(o);
	bool better = paused.messages / paused.ns > plain.messages / plain.ns;
	plain.wrong = paused.wrong |= plain.wrong;
	return better ? paused : plain;
}

template <typename T, size_t N> outcome round_trips(const options &o) {
	outcome plain = latency<T, N, false>(o), paused = latency<T, N, true>(o);
	plain.wrong = paused.wrong |= plain.wrong;
	return paused.median() < plain.median() ? paused : plain;
}

} // namespace

int main(int argc, char **argv) {
	options o = parse(argc, argv);
	o.duration = (o.duration + 1) / 2; // two ways to wait
	if (o.mode == "throughput") {
		if (o.size == 8 && o.room == 65536) return print(name, between, rate<uint64_t, 65536>(o));
		if (o.size == 8 && o.room == 8192) return print(name, between, rate<uint64_t, 8192>(o));
		if (o.size == 64 && o.room == 65536) return print(name, between, rate<line64, 65536>(o));
	} else if (o.mode == "latency") {
		if (o.size == 64) return print(name, between, round_trips<line64, 1024>(o));
	} else usage("--mode wants throughput or latency");
	usage("no queue of this size and room was compiled in");
}
