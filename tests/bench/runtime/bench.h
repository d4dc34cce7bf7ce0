/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h: what the programs of `make bench-runtime` share.
 *
 * Each runs one work, warms it up, and prints every trial as "ROW<tab>VALUE": nanoseconds for one
 * operation, or bytes.  runtime.sh runs them in turns, with those of the peers, and makes the
 * table.
 */
#ifndef ST_TESTS_BENCH_RUNTIME_BENCH_H
#define ST_TESTS_BENCH_RUNTIME_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The compiler can neither know a value that went through it nor leave out what it needs. */
#define OPAQUE(x)                                               \
	__extension__({                                         \
		__typeof__(x) opaque_ = (x);                    \
		__asm__ volatile("" : "+r"(opaque_)::"memory"); \
		opaque_;                                        \
	})

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void print_trial(const char *row, double value)
{
	printf("%s\t%.3f\n", row, value);
}

/* Runs work(ops) so many times, the first one for warmth. */
static inline void run_trials(const char *row, unsigned trials, uint64_t ops,
			      void (*work)(uint64_t))
{
	unsigned i;

	for (i = 0; i <= trials; i++) {
		uint64_t begin = now_ns(), end;

		work(ops);
		end = now_ns();
		if (i)
			print_trial(row, (double)(end - begin) / (double)ops);
	}
}

static inline uint64_t resident_bytes(void)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*u %llu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * 4096;
}

#endif
