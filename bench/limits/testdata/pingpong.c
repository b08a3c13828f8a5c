// The raw round trip in C11, to hold the Go package against.
//
//   cc -O3 -march=native -std=gnu11 -o pingpong pingpong.c
//   ./pingpong BYTES MILLISECONDS CPU CPU
//
// Two forked processes, pinned to the two processors, bounce a payload of
// BYTES and an 8-byte flag over MAP_SHARED memory: the layout, the order of
// stores, the turns with and without PAUSE and the time stamp per round are
// those of package limits, and its size is known to the compiler. It prints the
// speed of the counter in ticks per nanosecond, and then how often each number
// of ticks was seen: "spin TICKS COUNT", "pause TICKS COUNT", "held TICKS COUNT".
#define _GNU_SOURCE
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

typedef uint64_t vec __attribute__((vector_size(16)));
typedef _Atomic uint64_t word;

// The address is read from memory, twice removed, on purpose; see doc.go.
static inline __attribute__((always_inline)) void send(char *volatile *volatile *where, int bytes, uint64_t v) {
	char *area = **where;
	word *w = (word *)area;
	int n = bytes / 8;
	if (n <= 8) {
#pragma GCC unroll 8
		for (int i = n; i > 1; i--) atomic_store_explicit(&w[i], v, memory_order_relaxed);
	} else {
		if (n % 2 == 0) atomic_store_explicit(&w[n], v, memory_order_relaxed);
#pragma GCC unroll 8
		for (int i = (n - 1) / 2; i > 0; i--) ((volatile vec *)area)[i] = (vec){v, v};
	}
	atomic_store_explicit(&w[1], v, memory_order_relaxed);
	atomic_store_explicit(&w[0], v, memory_order_release);
}

static inline __attribute__((always_inline)) uint64_t receive(char *area, int bytes, uint64_t v, int pause, uint64_t hold) {
	word *w = (word *)area;
	int n = bytes / 8;
	for (; hold; hold--) __asm__ volatile("");
	while (atomic_load_explicit(&w[0], memory_order_acquire) != v)
		if (pause) _mm_pause();
	uint64_t sum = atomic_load_explicit(&w[1], memory_order_relaxed);
	if (n <= 8) {
#pragma GCC unroll 8
		for (int i = 2; i <= n; i++) sum += atomic_load_explicit(&w[i], memory_order_relaxed);
		return sum;
	}
	if (n % 2 == 0) sum += atomic_load_explicit(&w[n], memory_order_relaxed);
	vec s[4] = {{0}, {0}, {0}, {0}};
#pragma GCC unroll 8
	for (int i = 1; i <= (n - 1) / 2; i++) s[i % 4] += ((volatile vec *)area)[i];
	vec t = s[0] + s[1] + s[2] + s[3];
	return sum + t[0] + t[1];
}

// One series: rounds numbered from first, ticks per round into t when pinging.
static inline __attribute__((always_inline)) void series(char *out, char *in, int bytes, int pause, uint64_t hold, uint64_t first, int rounds, uint32_t *t) {
	uint64_t sum = 0, want = 0, last = 0;
	char *volatile out_address = out, *volatile *volatile where = &out_address;
	for (uint64_t v = first; v < first + rounds; v++) {
		if (t) {
			send(&where, bytes, v);
			uint64_t now = __rdtsc(), d = now - last;
			*t++ = d > UINT32_MAX ? UINT32_MAX : d;
			last = now;
			sum += receive(in, bytes, v, pause, hold);
		} else {
			sum += receive(in, bytes, v, pause, v == first ? 0 : hold);
			send(&where, bytes, v);
		}
	}
	for (uint64_t v = first; v < first + rounds; v++) want += v * (bytes / 8);
	if (sum != want) { fprintf(stderr, "corrupt\n"); exit(2); }
}

#define KIND(B) \
	static __attribute__((noinline)) void ping##B(char *o, char *i, int p, uint64_t h, uint64_t f, int n, uint32_t *t) { if (p) series(o, i, B, 1, h, f, n, t); else series(o, i, B, 0, h, f, n, t); } \
	static __attribute__((noinline)) void pong##B(char *o, char *i, int p, uint64_t h, uint64_t f, int n) { if (p) series(o, i, B, 1, h, f, n, NULL); else series(o, i, B, 0, h, f, n, NULL); }
KIND(8) KIND(32) KIND(64) KIND(256) KIND(1024) KIND(4096)

static struct {
	int bytes;
	void (*ping)(char *, char *, int, uint64_t, uint64_t, int, uint32_t *);
	void (*pong)(char *, char *, int, uint64_t, uint64_t, int);
} kinds[] = {
	{8, ping8, pong8}, {32, ping32, pong32}, {64, ping64, pong64}, {256, ping256, pong256}, {1024, ping1024, pong1024}, {4096, ping4096, pong4096}};

static const int pauses[3] = {0, 1, 1};
static const uint64_t holds[] = {30, 50, 80, 100, 110, 120, 130, 150, 180, 220, 280, 360, 480};
static const uint64_t tries = sizeof holds / sizeof *holds;
static const int rounds = 2048;

// Series are counted from 1. The first ones try how long to hold; then the
// three ways to poll (0 spin, 1 pause, 2 held) take turns.
static int way(uint64_t s) { return s <= tries ? 2 : s % 3; }
static int length(uint64_t s) { return s <= tries ? 512 : rounds; }

static void pin(int cpu) {
	cpu_set_t s;
	CPU_ZERO(&s);
	CPU_SET(cpu, &s);
	if (sched_setaffinity(0, sizeof s, &s)) { perror("pin"); exit(2); }
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void print(const char *name, uint32_t *t, size_t n) {
	qsort(t, n, sizeof *t, ascending);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && t[j] == t[i]; j++) {}
		printf("%s %u %zu\n", name, t[i], j - i);
	}
}

int main(int argc, char **argv) {
	if (argc != 5) { fprintf(stderr, "usage: pingpong BYTES MILLISECONDS CPU CPU\n"); return 2; }
	int bytes = atoi(argv[1]), k = 0, most = 4 << 20;
	double limit = atof(argv[2]) * 1e6;
	while (kinds[k].bytes != bytes)
		if (++k == sizeof kinds / sizeof *kinds) { fprintf(stderr, "no loop for %d bytes\n", bytes); return 2; }
	char *mem = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED) { perror("mmap"); return 2; }
	alarm(10 + atoi(argv[2]) / 1000); // whatever happens, end
	int distance = (bytes + 8 + 127) / 128 * 128 + 128;
	word *order = (word *)(mem + 12288); // [0] counts series, [8] acknowledges, [16] ends, [24] holds
	char *a = mem, *b = mem + distance;
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(atoi(argv[4]));
		for (uint64_t s = 1;; s++) {
			while (atomic_load(&order[0]) < s) _mm_pause();
			if (atomic_load(&order[16])) _exit(0);
			atomic_store(&order[8], s);
			kinds[k].pong(b, a, pauses[way(s)], atomic_load(&order[24]), 1 + s * rounds, length(s));
		}
	}
	pin(atoi(argv[3]));
	uint32_t *t[3], *one = malloc(4l * rounds);
	for (int i = 0; i < 3; i++) t[i] = malloc(4l * (most + rounds));
	size_t n[3] = {0, 0, 0};
	uint64_t fastest = 0, hold = 0;
	double start = now();
	uint64_t ticks = __rdtsc(), s = 1;
	double end = 0;
	for (; s <= tries || ((now() < end || !n[0] || !n[1] || !n[2]) && n[1] < (size_t)most); s++) {
		if (s == tries + 1) end = now() + limit; // the trying is over
		int kind = way(s), now_rounds = length(s);
		uint64_t h = s <= tries ? holds[s - 1] : kind == 2 ? hold : 0;
		atomic_store(&order[24], h);
		atomic_store(&order[0], s);
		while (atomic_load(&order[8]) < s) _mm_pause();
		kinds[k].ping(a, b, pauses[kind], h, 1 + s * rounds, now_rounds, one);
		if (s > tries) {
			for (int i = 1; i < now_rounds; i++) t[kind][n[kind]++] = one[i]; // the first is none
		} else {
			qsort(one, now_rounds, sizeof *one, ascending);
			uint64_t middle = 0; // the clock has steps: the mean of the middle half
			for (int i = now_rounds / 4; i < now_rounds * 3 / 4; i++) middle += one[i];
			if (!fastest || middle < fastest) fastest = middle, hold = h;
		}
	}
	printf("speed %.9f\n", (double)(__rdtsc() - ticks) / (now() - start));
	atomic_store(&order[16], 1);
	atomic_store(&order[0], s);
	print("spin", t[0], n[0]);
	print("pause", t[1], n[1]);
	print("held", t[2], n[2]);
	int status;
	waitpid(child, &status, 0);
	return status != 0;
}
