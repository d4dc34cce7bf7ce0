/* SPDX-License-Identifier: Apache-2.0 */
/* check.h: what the programs that test corun share. */
#ifndef ST_TESTS_CORUN_CHECK_H
#define ST_TESTS_CORUN_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corun.h"

static int check_failures;

/* Stacks then have more room below the guard, see runtime/sanitize.h, and address space goes by
 * terabytes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHECK_SANITIZED 1
#else
#define CHECK_SANITIZED 0
#endif

/* What is checked is in variables that all share, and in which order who runs matters: one P. */
static __attribute__((constructor)) void check_one_p(void)
{
	setenv("GOMAXPROCS", "1", 0);
}

/* Some programs check on several threads. */
#define CHECK_FAILED() __atomic_fetch_add(&check_failures, 1, __ATOMIC_RELAXED)

#define CHECK(cond)                                                                        \
	do {                                                                               \
		if (!(cond)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond); \
			CHECK_FAILED();                                                    \
		}                                                                          \
	} while (0)

/* Both are integers. */
#define CHECK_EQUAL(got, want)                                                                     \
	do {                                                                                       \
		long long got_ = (long long)(got), want_ = (long long)(want);                      \
		if (got_ != want_) {                                                               \
			fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, \
				got_, want_);                                                      \
			CHECK_FAILED();                                                            \
		}                                                                                  \
	} while (0)

/* Stops the compiler from knowing what a value is. */
#define OPAQUE(x)                                               \
	__extension__({                                         \
		__typeof__(x) opaque_ = (x);                    \
		__asm__ volatile("" : "+m"(opaque_)::"memory"); \
		opaque_;                                        \
	})

static inline unsigned long check_growths(void)
{
	struct co_stats s;

	co_stats(&s);
	return s.growths + s.segments;
}

static inline int check_moving(void)
{
	const char *s = getenv("CORUN_DEBUG");

	return s && strstr(s, "move");
}

static inline void check_run(co_fn *fn)
{
	int rc = co_run(NULL, fn, NULL);

	if (rc) {
		fprintf(stderr, "co_run: %s\n", strerror(-rc));
		exit(1);
	}
}

static inline int check_result(void)
{
	if (check_failures)
		fprintf(stderr, "%d checks failed\n", check_failures);
	return check_failures != 0;
}

#endif
