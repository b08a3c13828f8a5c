// What each choice in the raw round trip is worth: the figures of doc.go.
//
//   c++ -O3 -march=native -std=c++17 -o variants variants.cpp
//   ./variants SECONDS CPU CPU
//
// Two forked, pinned processes bounce a payload as package limits does, in
// short series that take turns between all variants. A series counts when the
// series of the package's own loop before and after it agree within 20 %; its
// figure is the median over groups of 16 rounds (one group spans many steps of
// the clock), divided by the mean of those two. Printed are the medians of these
// ratios, apart for series where the package's own loop took less than 55 ns
// (near), less than 200 ns, or 700 ns for 1,024 bytes (usual), and more (far).
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <signal.h>
#include <string>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <vector>
#include <x86intrin.h>

typedef uint64_t u64;
#define FENCE() asm volatile("" ::: "memory")

enum order { DESCENDING, ASCENDING, FLAG_LAST };
struct variant {
	order ord;
	bool late, vector, combined, pause, one_area, read_only, prefetch;
	int hold, lines, pauses;
};
static char *rw, *ro; // the same memory, mapped twice
static volatile u64 *ctl;
static const int FAR = 16384;

// Out of line on purpose: the address of the area is loaded through two pointers.
static char *volatile *volatile areas[2];

template <const variant &V, int B> static inline void send(char *early, int side, int at, u64 v) {
	const int n = B / 8;
	char *a = V.late ? areas[side][0] + at : early + at;
	volatile u64 *w = (volatile u64 *)a;
	if (V.ord == FLAG_LAST) {
		for (int i = 0; i < n; i++) w[i] = v;
		w[n] = v;
	} else if (V.vector) {
		if (n % 2 == 0) w[n] = v;
#pragma GCC unroll 8
		for (int i = (n - 1) / 2; i > 0; i--) { _mm_store_si128((__m128i *)a + i, _mm_set1_epi64x(v)); FENCE(); }
		if (V.combined) _mm_store_si128((__m128i *)a, _mm_set1_epi64x(v));
		else { w[1] = v; w[0] = v; }
	} else {
#pragma GCC unroll 8
		for (int i = 1; i <= n; i++) w[V.ord == ASCENDING ? i : n + 1 - i] = v;
		w[0] = v;
	}
	FENCE();
}

template <const variant &V, int B> static inline u64 receive(char *a, u64 v) {
	const int n = B / 8, flag = V.ord == FLAG_LAST ? n : 0;
	volatile u64 *w = (volatile u64 *)a;
	for (long h = V.hold; h; h--) asm volatile("");
	while (w[flag] != v)
		for (int i = 0; i < V.pauses; i++) _mm_pause();
	FENCE();
	u64 sum = 0;
	if (V.vector) {
		__m128i s = _mm_setzero_si128();
#pragma GCC unroll 8
		for (int i = 1; i <= (n - 1) / 2; i++) s = _mm_add_epi64(s, _mm_load_si128((__m128i *)a + i));
		sum = w[1] + (n % 2 == 0 ? w[n] : 0) + _mm_cvtsi128_si64(s) + _mm_extract_epi64(s, 1);
	} else
		for (int i = 0; i <= n; i++) sum += i == flag ? 0 : w[i];
	FENCE();
	return sum;
}

template <const variant &V, int B> static void run(bool ping, int rounds, u64 base, uint32_t *t) {
	int side = !ping && !V.one_area;
	char *out = rw + side * FAR, *in = (V.read_only ? ro : rw) + (!side && !V.one_area) * FAR;
	u64 sum = 0, want = 0, prev = __rdtsc();
	int at = 0, step = V.lines > 1 ? (B + 8 + 127) / 128 * 128 : 0;
	for (int i = 0; i < rounds; i++) {
		u64 v = base + 2 * i, answer = V.one_area ? v + 1 : v;
		if (ping) {
			send<V, B>(out, side, at, v);
			if (i % 16 == 15) { u64 now = __rdtsc(); t[i / 16] = now - prev; prev = now; }
			sum += receive<V, B>(in + at, answer);
			want += answer * (B / 8);
		} else {
			sum += receive<V, B>(in + at, v);
			want += v * (B / 8);
			if (V.prefetch)
				for (int i = 0; i < B + 8; i += 64) __builtin_prefetch(out + at + i, 1);
			send<V, B>(out, side, at, answer);
		}
		at = (at + step) % (step ? step * V.lines : 1);
	}
	if (sum != want) { fprintf(stderr, "corrupt\n"); exit(2); }
}

struct entry { std::string name; int bytes; void (*f)(bool, int, u64, uint32_t *); };
static std::vector<entry> all;
//                                order      late   vector combined pause one   ro     prefetch hold lines pauses
#define LIST(X, VEC) \
	X(own,                 DESCENDING, true,  VEC,   false, true, false, false, false, 0, 1, 1) \
	X(no_pause,            DESCENDING, true,  VEC,   false, true, false, false, false, 0, 1, 0) \
	X(two_pauses,          DESCENDING, true,  VEC,   false, true, false, false, false, 0, 1, 2) \
	X(early_address,       DESCENDING, false, VEC,   false, true, false, false, false, 0, 1, 1) \
	X(early_no_pause,      DESCENDING, false, VEC,   false, true, false, false, false, 0, 1, 0) \
	X(early_held_120,      DESCENDING, false, VEC,   false, true, false, false, false, 120, 1, 1) \
	X(other_move_width,    DESCENDING, true,  !VEC,  false, true, false, false, false, 0, 1, 1) \
	X(ascending_8,         ASCENDING,  true,  false, false, true, false, false, false, 0, 1, 1) \
	X(flag_last_8,         FLAG_LAST,  true,  false, false, true, false, false, false, 0, 1, 1) \
	X(flag_with_word_16,   DESCENDING, true,  true,  true,  true, false, false, false, 0, 1, 1) \
	X(prefetch_for_write,  DESCENDING, true,  VEC,   false, true, false, false, true,  0, 1, 1) \
	X(eight_slots,         DESCENDING, true,  VEC,   false, true, false, false, false, 0, 8, 1) \
	X(one_area,            DESCENDING, true,  VEC,   false, true, true,  false, false, 0, 1, 1) \
	X(poll_read_only_page, DESCENDING, true,  VEC,   false, true, false, true,  false, 0, 1, 1)
#define S(name, ...) static constexpr variant small_##name{__VA_ARGS__};
#define L(name, ...) static constexpr variant large_##name{__VA_ARGS__};
LIST(S, false)
LIST(L, true)

static void pin(int cpu) {
	cpu_set_t s;
	CPU_ZERO(&s);
	CPU_SET(cpu, &s);
	if (sched_setaffinity(0, sizeof s, &s)) { perror("pin"); exit(2); }
}

int main(int argc, char **argv) {
	if (argc != 4) { fprintf(stderr, "usage: variants SECONDS CPU CPU\n"); return 2; }
#define A(name, ...) all.push_back({#name, 8, run<small_##name, 8>});
#define B(name, ...) all.push_back({#name, 64, run<small_##name, 64>});
#define C(name, ...) all.push_back({#name, 1024, run<large_##name, 1024>});
	LIST(A, ) LIST(B, ) LIST(C, )
	int seconds = atoi(argv[1]), rounds = 4096, count = all.size(), per = count / 3, fd = memfd_create("variants", 0);
	alarm(seconds * 2 + 30);
	if (ftruncate(fd, 2 * FAR)) return 2;
	rw = (char *)mmap(nullptr, 2 * FAR, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ro = (char *)mmap(nullptr, 2 * FAR, PROT_READ, MAP_SHARED, fd, 0);
	ctl = (u64 *)mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static char *volatile base[2] = {rw, rw + FAR};
	areas[0] = &base[0], areas[1] = &base[1];
	pid_t child = fork();
	for (int i = 0; i < 2 * FAR; i += 128) __atomic_fetch_add((u64 *)(rw + i), 0, __ATOMIC_SEQ_CST);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(atoi(argv[3]));
		for (u64 last = 0, k;;) {
			while ((k = ctl[0]) == last) _mm_pause();
			last = k;
			auto f = all[ctl[8]].f;
			ctl[16] = k;
			f(false, rounds, 1 + k * 65536, nullptr);
		}
	}
	pin(atoi(argv[2]));
	u64 k = 0, tick0 = __rdtsc();
	timespec t0, t1;
	clock_gettime(CLOCK_MONOTONIC, &t0);
	usleep(50000);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	double speed = (__rdtsc() - tick0) / ((t1.tv_sec - t0.tv_sec) * 1e9 + t1.tv_nsec - t0.tv_nsec);
	std::vector<uint32_t> t(rounds / 16);
	auto series = [&](int i) {
		ctl[8] = i;
		FENCE();
		ctl[0] = ++k;
		while (ctl[16] != k) _mm_pause();
		all[i].f(true, rounds, 1 + k * 65536, t.data());
		std::sort(t.begin(), t.end());
		return t[t.size() / 2] / 16. / speed;
	};
	std::vector<std::vector<double>> ratio[3] = {std::vector<std::vector<double>>(count), std::vector<std::vector<double>>(count), std::vector<std::vector<double>>(count)}, ns[3] = {ratio[0], ratio[0], ratio[0]};
	std::mt19937 random(1);
	for (time_t end = time(nullptr) + seconds; time(nullptr) < end;)
		for (int s = 0; s < count; s += per) { // one payload after the other; its first entry is the package's own loop
			std::vector<int> o;
			for (int i = 0; i < per; i++) o.push_back(s + i);
			std::shuffle(o.begin(), o.end(), random);
			double before = series(s);
			for (int i : o) {
				double x = series(i), after = series(s), mean = (before + after) / 2;
				int g = mean < 55 ? 0 : mean < (s < 2 * per ? 200 : 700) ? 1 : 2;
				if (std::max(before, after) < std::min(before, after) * 1.2) ratio[g][i].push_back(x / mean), ns[g][i].push_back(x);
				before = after;
			}
		}
	kill(child, SIGKILL);
	auto middle = [](std::vector<double> &v) { std::sort(v.begin(), v.end()); return v[v.size() / 2]; };
	for (int g = 0; g < 3; g++)
		for (int i = 0; i < count; i++)
			if (ratio[g][i].size() > 4)
				printf("%-5s %4d B  %-20s %.2f of the package's own, %4.0f ns (%zu series)\n", (const char *[]){"near", "usual", "far"}[g], all[i].bytes, all[i].name.c_str(), middle(ratio[g][i]), middle(ns[g][i]), ns[g][i].size());
}
