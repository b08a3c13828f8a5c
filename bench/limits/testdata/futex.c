// The round trip of a bare futex between two forked processes that both sleep:
// what package limits measures as its wire "futex", in C. Prints the median in
// nanoseconds.
//
//	cc -O2 -o futex futex.c && ./futex CPU CPU ROUNDS
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pin(int cpu) {
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof set, &set);
}

static void wake(_Atomic uint32_t *word) {
	atomic_fetch_add(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, 0, 0, 0);
}

static void await(_Atomic uint32_t *word, uint32_t seen) {
	while (atomic_load(word) == seen)
		syscall(SYS_futex, word, FUTEX_WAIT, seen, 0, 0, 0);
}

static int less(const void *a, const void *b) {
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv) {
	int a = atoi(argv[1]), b = atoi(argv[2]), rounds = atoi(argv[3]);
	char *mem = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	_Atomic uint32_t *there = (void *)mem, *back = (void *)(mem + 128);
	int64_t *ns = malloc(rounds * sizeof *ns);
	pid_t child = fork();
	if (child == 0) {
		pin(b);
		for (int i = 0; i < rounds; i++) {
			await(there, i);
			wake(back);
		}
		_exit(0);
	}
	pin(a);
	for (int i = 0; i < rounds; i++) {
		struct timespec t0, t1;
		clock_gettime(CLOCK_MONOTONIC, &t0);
		wake(there);
		await(back, i);
		clock_gettime(CLOCK_MONOTONIC, &t1);
		ns[i] = (t1.tv_sec - t0.tv_sec) * 1000000000L + t1.tv_nsec - t0.tv_nsec;
	}
	waitpid(child, 0, 0);
	qsort(ns, rounds, sizeof *ns, less);
	printf("%ld\n", (long)ns[rounds / 2]);
}
