// What the programs of this directory share: options, processors, clocks, two
// processes or threads, and the line of JSON that a program prints.
//
//   --mode M          throughput, latency or paced; which of them, the program says
//   --size N          bytes of a message
//   --room N          messages that a queue holds
//   --batch N         push and pop N at a time; 1 is one by one
//   --duration MS     how long is measured
//   --rate N          paced: messages a second
//   --producers N, --consumers N   threads, where there can be more than one
//   --cpus A,B,...    processors; producers, then consumers are pinned to them in turn
//   --timeout S       seconds after which the program is ended by SIGALRM
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <sched.h>
#include <signal.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
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

struct options {
	std::string mode = "throughput";
	uint64_t size = 8, room = 65536, batch = 1, duration = 1000, rate = 0, producers = 1, consumers = 1, timeout = 60;
	std::vector<int> cpus;
	int cpu(size_t i) const { return cpus[i % cpus.size()]; }
	double warm() const { return duration * 1e6 / 5; }     // ns
	double measured() const { return duration * 1e6; }     // ns
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
	alarm(o.timeout);
	return o;
}

inline double now() {
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

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
template <typename T> T *shared() { return new (shared_bytes(sizeof(T))) T; }

// Both sides call it and leave it together.
struct gate {
	alignas(128) std::atomic<uint32_t> ready{0};
	void meet(uint32_t n = 2) {
		ready.fetch_add(1);
		for (unsigned i = 1; ready.load() < n; i++)
			if (i % 64 == 0) sched_yield();
			else relax();
	}
};

// Runs parent here and child in another process or thread, pinned unless they
// want to do that themselves.
inline void two(const options &o, bool processes, const std::function<void()> &parent, const std::function<void()> &child,
                bool pinned = true) {
	if (!processes) {
		std::thread other([&] {
			if (pinned) pin(o.cpu(1));
			child();
		});
		if (pinned) pin(o.cpu(0));
		parent();
		other.join();
		return;
	}
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0) die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(o.timeout);
		if (pinned) pin(o.cpu(1));
		child();
		_exit(0);
	}
	if (pinned) pin(o.cpu(0));
	parent();
	int status = 0;
	if (waitpid(pid, &status, 0) != pid || status != 0) die("the other process failed");
}

// What a run found.
struct outcome {
	uint64_t messages = 0;
	double ns = 0;
	std::vector<double> times; // of single messages, in ns
	bool wrong = false;        // something arrived that was not sent, or not in order
	double median() {
		if (times.empty()) return 0;
		std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
		return times[times.size() / 2];
	}
};

// Prints the line, with the times as pairs of a value, to three digits, and how
// often it was.
inline int print(const char *engine, const char *between, outcome r) {
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
	if (r.wrong) fprintf(stderr, "what arrived is not what was sent\n");
	return r.wrong;
}
