// boost::lockfree::spsc_queue between two processes.
//
//   c++ -O3 -march=native -std=c++17 -o boost_spsc boost_spsc.cpp
//
// needs Boost's headers only (Debian: libboost-dev). The queue has a fixed
// capacity, so it holds no pointer and can live in MAP_SHARED | MAP_ANONYMOUS
// memory; producer (the parent) and consumer (a forked child) are pinned.
//
//   --mode throughput   8-byte numbers one way (the default)
//   --mode latency      64-byte structures there and back, two queues
//   --messages N        numbers, or round trips
//   --capacity-bytes N  of a queue's slots: 524288 or 8388608 for throughput,
//                       65536 or 8388608 for latency
//   --batch N           push and pop N at a time; 1 is one by one (throughput)
//   --cpus A,B          producer, consumer
//   --pause 0|1         PAUSE after an attempt that found the queue full or empty
//   --timeout N         seconds after which the program is ended by SIGALRM
//
// It prints one line of JSON, rates in messages per second, times in
// nanoseconds, and exits with 1 when the numbers don't arrive in order.
#include <algorithm>
#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sched.h>
#include <signal.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vector>
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
static inline void relax() { _mm_pause(); }
#else
static inline void relax() {}
#endif

namespace {

struct options {
	std::string mode = "throughput";
	uint64_t messages = 0, capacity_bytes = 0;
	size_t batch = 1;
	int cpu_a = 0, cpu_b = 1, pause = 0;
	unsigned timeout = 60;
};

struct line64 {
	uint64_t word[8];
};

// Beside the queues: who is ready, and what the consumer found.
struct control {
	alignas(128) std::atomic<uint32_t> ready{0};
	alignas(128) std::atomic<uint64_t> wrong{0};
	double end = 0;
};

double now() {
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

void die(const char *what) {
	perror(what);
	exit(2);
}

void pin(int cpu) {
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0) die("pin");
}

template <typename T> T *shared() {
	void *p = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) die("mmap");
	memset(p, 0, sizeof(T)); // have the pages before the clock runs
	return new (p) T;
}

// Both sides call it and leave it together.
void meet(control *c) {
	c->ready.fetch_add(1);
	while (c->ready.load() < 2) relax();
}

// Forks, runs child there pinned to b, and parent here pinned to a.
template <typename P, typename C> void two(const options &o, P parent, C child) {
	pid_t pid = fork();
	if (pid < 0) die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(o.cpu_b);
		child();
		_exit(0);
	}
	pin(o.cpu_a);
	parent();
	int status = 0;
	if (waitpid(pid, &status, 0) != pid || status != 0) die("consumer");
}

template <size_t N> int throughput(const options &o) {
	using queue = boost::lockfree::spsc_queue<uint64_t, boost::lockfree::capacity<N>>;
	auto *q = shared<queue>();
	auto *c = shared<control>();
	double start = 0;
	two(
		o,
		[&] {
			std::vector<uint64_t> buffer(o.batch);
			meet(c);
			start = now();
			if (o.batch == 1) {
				for (uint64_t i = 0; i < o.messages; i++)
					while (!q->push(i))
						if (o.pause) relax();
				return;
			}
			for (uint64_t i = 0; i < o.messages;) {
				size_t n = std::min<uint64_t>(o.batch, o.messages - i);
				for (size_t k = 0; k < n; k++) buffer[k] = i + k;
				for (size_t done = 0; done < n;) {
					size_t k = q->push(buffer.data() + done, n - done);
					if (k == 0 && o.pause) relax();
					done += k;
				}
				i += n;
			}
		},
		[&] {
			std::vector<uint64_t> buffer(o.batch);
			uint64_t wrong = 0;
			meet(c);
			if (o.batch == 1) {
				for (uint64_t i = 0, v = 0; i < o.messages; i++) {
					while (!q->pop(v))
						if (o.pause) relax();
					wrong += v != i;
				}
			} else {
				for (uint64_t i = 0; i < o.messages;) {
					size_t k = q->pop(buffer.data(), o.batch);
					if (k == 0 && o.pause) relax();
					for (size_t j = 0; j < k; j++) wrong += buffer[j] != i + j;
					i += k;
				}
			}
			c->end = now();
			c->wrong = wrong;
		});
	double seconds = (c->end - start) / 1e9;
	printf("{\"engine\":\"boost::lockfree::spsc_queue\",\"mode\":\"throughput\",\"message_bytes\":8,\"capacity_bytes\":%zu,"
	       "\"batch\":%zu,\"messages\":%llu,\"seconds\":%.9f,\"msgs_per_sec\":%.1f}\n",
	       N * 8, o.batch, (unsigned long long)o.messages, seconds, o.messages / seconds);
	return c->wrong != 0;
}

// The value below which the share q of the sorted times lies, each time spread
// evenly between half-way to its neighbours, at most 5 ns: the clock may step by
// 10 ns, as limits.Summarize in the Go sources explains.
double percentile(const std::vector<double> &sorted, double q) {
	double rank = q * sorted.size();
	double v = sorted[std::min(size_t(rank), sorted.size() - 1)];
	auto first = std::lower_bound(sorted.begin(), sorted.end(), v), next = std::upper_bound(first, sorted.end(), v);
	double below = first == sorted.begin() ? 5 : std::min(5.0, (v - first[-1]) / 2);
	double above = next == sorted.end() ? below : std::min(5.0, (*next - v) / 2);
	if (first == sorted.begin()) below = above;
	return v - below + (rank - (first - sorted.begin())) / (next - first) * (below + above);
}

template <size_t N> int latency(const options &o) {
	using queue = boost::lockfree::spsc_queue<line64, boost::lockfree::capacity<N>>;
	auto *there = shared<queue>(), *back = shared<queue>();
	auto *c = shared<control>();
	const uint64_t warm = std::min<uint64_t>(10000, o.messages);
	std::vector<double> times(o.messages);
	uint64_t wrong = 0;
	double start = 0;
	two(
		o,
		[&] {
			line64 m, r;
			meet(c);
			for (uint64_t i = 0; i < warm + o.messages; i++) {
				double t = now();
				if (i == warm) start = t;
				for (auto &w : m.word) w = i;
				while (!there->push(m))
					if (o.pause) relax();
				while (!back->pop(r))
					if (o.pause) relax();
				if (i >= warm) times[i - warm] = now() - t;
				wrong += memcmp(&m, &r, sizeof m) != 0;
			}
		},
		[&] {
			line64 m;
			meet(c);
			for (uint64_t i = 0; i < warm + o.messages; i++) {
				while (!there->pop(m))
					if (o.pause) relax();
				while (!back->push(m))
					if (o.pause) relax();
			}
			c->end = now();
		});
	double seconds = (c->end - start) / 1e9;
	std::sort(times.begin(), times.end());
	printf("{\"engine\":\"boost::lockfree::spsc_queue\",\"mode\":\"latency\",\"message_bytes\":64,\"capacity_bytes\":%zu,"
	       "\"messages\":%llu,\"seconds\":%.9f,\"p50_ns\":%.1f,\"p90_ns\":%.1f,\"p99_ns\":%.1f,\"p999_ns\":%.1f,\"max_ns\":%.1f}\n",
	       N * 64, (unsigned long long)o.messages, seconds, percentile(times, 0.5), percentile(times, 0.9),
	       percentile(times, 0.99), percentile(times, 0.999), times.back());
	return wrong != 0;
}

int usage(const char *why) {
	fprintf(stderr, "boost_spsc: %s\n", why);
	return 2;
}

} // namespace

int main(int argc, char **argv) {
	options o;
	for (int i = 1; i + 1 < argc; i += 2) {
		std::string name = argv[i], value = argv[i + 1];
		if (name == "--mode") o.mode = value;
		else if (name == "--messages") o.messages = strtoull(value.c_str(), nullptr, 10);
		else if (name == "--capacity-bytes") o.capacity_bytes = strtoull(value.c_str(), nullptr, 10);
		else if (name == "--batch") o.batch = strtoull(value.c_str(), nullptr, 10);
		else if (name == "--pause") o.pause = atoi(value.c_str());
		else if (name == "--timeout") o.timeout = atoi(value.c_str());
		else if (name == "--cpus") {
			if (sscanf(value.c_str(), "%d,%d", &o.cpu_a, &o.cpu_b) != 2) return usage("--cpus wants A,B");
		} else return usage(("unknown option " + name).c_str());
	}
	if (argc % 2 == 0) return usage("an option without a value");
	if (o.batch < 1 || o.batch > 1 << 20) return usage("--batch wants 1 to 1048576");
	alarm(o.timeout);
	if (o.mode == "throughput") {
		if (o.messages == 0) o.messages = 100000000;
		if (o.capacity_bytes == 524288) return throughput<65536>(o);
		if (o.capacity_bytes == 8388608 || o.capacity_bytes == 0) return throughput<1048576>(o);
	} else if (o.mode == "latency") {
		if (o.messages == 0) o.messages = 1000000;
		if (o.capacity_bytes == 65536 || o.capacity_bytes == 0) return latency<1024>(o);
		if (o.capacity_bytes == 8388608) return latency<131072>(o);
	} else return usage("--mode wants throughput or latency");
	return usage("no queue of this capacity was compiled in");
}
