// What the programs of this directory share: options, processors, clocks, the
// threads or processes that do the work, and the line of JSON that a program
// prints.
//
// A program starts its workers, rehearses, and then waits. For each line on its
// standard input it runs a slice of --duration, a fifth of that before it to get
// warm, and prints a line. Between two slices all that it has started sleeps, so
// that others can be measured by turns with it. It ends with its standard input.
//
//   --mode M          throughput, latency or paced; which of them, the program says
//   --size N          bytes of a message
//   --room N          messages that a queue holds
//   --batch N         push and pop N at a time; 1 is one by one
//   --duration MS     how long is measured
//   --rate N          paced: messages a second
//   --producers N, --consumers N   threads, where there can be more than one
//   --cpus A,B,...    processors; producers, then consumers are pinned to them in turn
//   --timeout S       seconds after which a slice that isn't done ends the program by SIGALRM
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <linux/futex.h>
#include <new>
#include <sched.h>
#include <signal.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <time.h>
#include <unistd.h>
#include <vector>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#include <immintrin.h>
static inline void relax() { _mm_pause(); }
#elif defined(__aarch64__)
static inline void relax() { asm volatile("yield" ::: "memory"); }
#else
static inline void relax() {}
#endif

struct options {
	std::string mode = "throughput";
	uint64_t size = 8, room = 65536, batch = 1, duration = 1000, rate = 0, producers = 1, consumers = 1, timeout = 60;
	std::vector<int> cpus;
	int cpu(size_t i) const { return cpus[i % cpus.size()]; }
};

[[noreturn]] inline void usage(const std::string &why) {
	fprintf(stderr, "%s\n", why.c_str());
	exit(2);
}

[[noreturn]] inline void die(const char *what) {
	perror(what);
	exit(2);
}

inline options parse(int argc, char **argv) {
	options o;
	if (argc % 2 == 0) usage("an option without a value");
	for (int i = 1; i + 1 < argc; i += 2) {
		std::string name = argv[i], value = argv[i + 1];
		if (name == "--mode") {
			o.mode = value;
			continue;
		}
		char *end;
		if (name == "--cpus") {
			for (const char *p = value.c_str();; p = end + 1) {
				o.cpus.push_back(strtol(p, &end, 10));
				if (end == p || o.cpus.back() < 0 || o.cpus.back() >= CPU_SETSIZE || (*end != ',' && *end != 0))
					usage("--cpus wants A,B,...");
				if (*end == 0) break;
			}
			continue;
		}
		uint64_t number = strtoull(value.c_str(), &end, 10);
		if (value.empty() || *end != 0 || value[0] == '-') usage(name + " wants a number");
		if (name == "--size") o.size = number;
		else if (name == "--room") o.room = number;
		else if (name == "--batch") o.batch = number;
		else if (name == "--duration") o.duration = number;
		else if (name == "--rate") o.rate = number;
		else if (name == "--producers") o.producers = number;
		else if (name == "--consumers") o.consumers = number;
		else if (name == "--timeout") o.timeout = number;
		else usage("unknown option " + name);
	}
	if (o.producers < 1 || o.producers > 1024) usage("--producers wants 1 to 1024");
	if (o.consumers < 1 || o.consumers > 1024) usage("--consumers wants 1 to 1024");
	if (o.batch < 1 || o.batch > 1024) usage("--batch wants 1 to 1024");
	if (o.duration < 1 || o.timeout < 1) usage("--duration and --timeout want at least 1");
	if (o.mode == "paced" && o.rate < 1) usage("--mode paced wants a --rate");
	if (o.cpus.empty()) o.cpus = {0, 1};
	// Pages of 4 KiB, like Ringway's unless it is asked for others.
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	alarm(o.timeout);
	return o;
}

inline double now() {
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

// The fastest clock: the time stamp counter where it runs at one speed. Round
// trips are timed with it, as Ringway's are.
class stopwatch {
	double per_ns = 0; // 0: there is none

public:
	stopwatch() {
#if defined(__x86_64__)
		unsigned a, b, c, d = 0;
		if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & 1 << 8)) return;
		double t0 = now();
		uint64_t before = __rdtsc();
		usleep(20000);
		double t1 = now();
		per_ns = double(__rdtsc() - before) / (t1 - t0);
#endif
	}
	double read() const { // ns
#if defined(__x86_64__)
		if (per_ns > 0) return double(__rdtsc()) / per_ns;
#endif
		return now();
	}
};

inline void pin(int cpu) {
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0) die("pin");
}

// Memory that a forked child shares, with its pages there.
inline void *shared_bytes(size_t n) {
	void *p = mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (p == MAP_FAILED) die("mmap");
	return p;
}
template <typename T, typename... A> T *shared(A &&...a) { return new (shared_bytes(sizeof(T))) T(std::forward<A>(a)...); }

// What one worker says of a slice.
struct alignas(128) tally {
	uint64_t sent = 0, sent_sum = 0; // by this producer
	uint64_t got = 0, got_sum = 0;   // by this consumer
	uint64_t counted = 0;            // of these, while it counted
	uint64_t first = 0;              // of a consumer: what it had got when that began
	uint32_t seen = 0;               // the stage it knows of
	bool wrong = false;              // something came that was not sent, or out of order
};

enum stage : uint32_t { warm, measure, stop };

// What all workers share; the words that many look at have lines of their own.
struct control {
	// How many slices have begun, on which workers sleep, and how many workers
	// are done with this one, on which the program does.
	alignas(128) std::atomic<uint32_t> turn{0};
	alignas(128) std::atomic<uint32_t> done{0};
	alignas(128) std::atomic<uint32_t> met{0};
	alignas(128) std::atomic<uint32_t> at{warm};
	alignas(128) std::atomic<uint32_t> stopped{0}; // producers
	alignas(128) std::atomic<uint64_t> taken{0};   // by consumers that look for the end
	// Written while all sleep.
	alignas(128) bool over = false, pause = false;
	double warm_ns = 0, measured_ns = 0;
	// Written by the first producer.
	double began = 0, ns = 0;

	// Called by the first producer when a slice starts and every so often; false
	// is the end.
	void start() { began = now(); }
	bool goes_on() {
		double t = now();
		if (at.load(std::memory_order_relaxed) == warm) {
			if (t - began > warm_ns) at = measure, began = t;
			return true;
		}
		if (t - began <= measured_ns) return true;
		at = stop, ns = t - began;
		return false;
	}
	// Called by consumers now and then.
	void look(tally &t) {
		uint32_t now = at.load(std::memory_order_relaxed);
		if (now == t.seen) return;
		if (t.seen == warm) t.first = t.got;
		if (now == stop) t.counted = t.got - t.first;
		t.seen = now;
	}
};

inline void sleep_while(std::atomic<uint32_t> &word, uint32_t value) {
	syscall(SYS_futex, &word, FUTEX_WAIT, value, nullptr, nullptr, 0);
}
inline void wake_all(std::atomic<uint32_t> &word) { syscall(SYS_futex, &word, FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0); }

// What a slice found.
struct outcome {
	uint64_t messages = 0;
	double ns = 0;
	std::vector<double> times; // of single messages, in ns
	bool wrong = false;
	// The greater the better.
	double merit() {
		if (times.empty()) return messages / ns;
		std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
		return -times[times.size() / 2];
	}
};

// Prints the line, with the times as pairs of a value, to three digits, and how
// often it was.
inline void print(const char *engine, const char *between, outcome r) {
	printf("{\"engine\":\"%s\",\"between\":\"%s\",\"messages\":%llu,\"seconds\":%.9f,\"times\":[", engine, between,
	       (unsigned long long)r.messages, r.ns / 1e9);
	for (auto &t : r.times) {
		double unit = 1;
		while (t >= 2000 * unit) unit *= 10;
		t = unit * (double)(uint64_t)(t / unit + 0.5);
	}
	std::sort(r.times.begin(), r.times.end());
	for (size_t i = 0, k; i < r.times.size(); i = k) {
		for (k = i; k < r.times.size() && r.times[k] == r.times[i]; k++) {}
		printf("%s[%.0f,%zu]", i ? "," : "", r.times[i], k - i);
	}
	printf("]}\n");
	fflush(stdout);
}

// The workers: threads, or processes, numbered from 0.
class crew {
	const options &o;
	const size_t size;

public:
	control &c = *shared<control>();
	tally *const tallies = static_cast<tally *>(shared_bytes(1024 * 2 * sizeof(tally)));

	crew(const options &o, size_t size) : o(o), size(size) {}

	// A worker calls it for each slice and leaves it together with the others;
	// false is the end.
	bool next(size_t id) {
		uint32_t had = turns[id]++;
		while (c.turn.load() == had) sleep_while(c.turn, had);
		if (c.over) return false;
		new (&tallies[id]) tally;
		c.met.fetch_add(1);
		for (unsigned i = 1; c.met.load() < size; i++)
			if (i % 64 == 0) sched_yield();
			else relax();
		return true;
	}
	// And when it is done with it.
	void finish() {
		if (c.done.fetch_add(1) + 1 == size) wake_all(c.done);
	}

	// Starts the workers and runs slices of which collect says what they found.
	// With both, each way to wait, with and without a PAUSE, is tried a few times
	// first, and the better one kept.
	int run(const char *engine, const char *between, bool both, const std::function<void(size_t)> &work,
	        const std::function<outcome()> &collect) {
		std::vector<std::thread> threads;
		bool processes = std::string(between) == "processes";
		for (size_t id = 0; id < size; id++) {
			if (!processes) {
				threads.emplace_back(work, id);
				continue;
			}
			fflush(stdout);
			pid_t pid = fork();
			if (pid < 0) die("fork");
			if (pid > 0) continue;
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(id);
			_exit(0);
		}
		if (processes) signal(SIGCHLD, [](int) { _exit(2); }); // a worker that failed has said why
		bool fine = rehearse(both, collect);
		alarm(0);
		char line[64];
		while (fine && fgets(line, sizeof line, stdin)) {
			alarm(o.timeout);
			outcome r = slice(o.duration * 1e6, collect);
			alarm(0);
			if ((fine = !r.wrong)) print(engine, between, std::move(r));
		}
		if (!fine) fprintf(stderr, "what arrived is not what was sent\n");
		signal(SIGCHLD, SIG_DFL);
		begin(true, 0);
		for (auto &t : threads) t.join();
		while (wait(nullptr) > 0) {}
		return !fine;
	}

private:
	uint32_t turns[1024 * 2] = {}; // each worker's own

	void begin(bool over, double ns) {
		c.over = over, c.measured_ns = ns, c.warm_ns = ns / 5, c.ns = 0;
		c.done = 0, c.met = 0, c.at = warm, c.stopped = 0, c.taken = 0;
		c.turn++;
		wake_all(c.turn);
	}
	outcome slice(double ns, const std::function<outcome()> &collect) {
		begin(false, ns);
		for (uint32_t n; (n = c.done.load()) < size;) sleep_while(c.done, n);
		return collect();
	}
	bool rehearse(bool both, const std::function<outcome()> &collect) {
		std::vector<double> merits[2];
		for (int i = 0; i < (both ? 10 : 1); i++) {
			c.pause = i % 2;
			outcome r = slice(both ? 10e6 : o.duration * 1e6, collect);
			if (r.wrong) return false;
			if (i > 1) merits[i % 2].push_back(r.merit());
		}
		c.pause = false;
		if (both) {
			for (auto &m : merits) std::sort(m.begin(), m.end());
			c.pause = merits[1][merits[1].size() / 2] > merits[0][merits[0].size() / 2];
		}
		return true;
	}
};
