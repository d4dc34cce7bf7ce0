/* SPDX-License-Identifier: Apache-2.0 */
/* late.h: calls that wait for us, tokens that are canceled, and what comes in its own time. */
#ifndef ST_TESTS_CORUN_LATE_H
#define ST_TESTS_CORUN_LATE_H

#include <dirent.h>
#include <unistd.h>

#include "check.h"

#define MS   1000000ll
#define SOON (100 * MS) /* but not before the call begins, on a busy machine */

static struct co_wg wg;

static inline unsigned entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

/* What others do in their own time. */
#define EVENTUALLY(cond)                                                                       \
	do {                                                                                   \
		int tries_ = 0;                                                                \
		while (!(cond) && ++tries_ < 10000)                                            \
			usleep(1000);                                                          \
		if (tries_ == 10000) {                                                         \
			fprintf(stderr, "%s:%d: never came: %s\n", __FILE__, __LINE__, #cond); \
			CHECK_FAILED();                                                        \
		}                                                                              \
	} while (0)

static __attribute__((noinline, unused)) long deep(long n)
{
	volatile char room[200];

	room[0] = (char)n;
	return n ? deep(n - 1) + room[0] : room[0];
}

static struct co_cancel *token;

static inline void cancels(void *arg)
{
	co_cancel_set(NULL);
	co_sleep(*(int64_t *)arg);
	CHECK_EQUAL(co_cancel(token), 0);
	co_wg_done(&wg);
}

/* The caller's token is canceled after a while. */
static inline void cancel_soon(void)
{
	static int64_t ns = SOON;

	CHECK_EQUAL(co_cancel_make(NULL, CO_FOREVER, &token), 0);
	co_wg_add(&wg, 1);
	co_go(cancels, &ns);
	co_cancel_set(token);
}

static inline void cancel_done(void)
{
	co_cancel_set(NULL);
	CHECK_EQUAL(co_wg_wait(&wg), 0);
	co_cancel_free(token);
	token = NULL;
}

/* Calls of co_syscall_until that read the gate.  Each byte lets one go on. */
static int gate[2];

struct job {
	long n, result;
};
static long dropped, made;

static inline void waits_at_gate(void *arg)
{
	struct job *j = arg;
	char ch;

	__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&j->result, read(gate[0], &ch, 1) == 1 ? j->n * 2 : -1, __ATOMIC_RELAXED);
}

static inline void drops(void *arg)
{
	(void)arg;
	__atomic_add_fetch(&dropped, 1, __ATOMIC_RELEASE);
}

static inline long count(long *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void open_gate(long n)
{
	while (n--)
		CHECK_EQUAL(write(gate[1], "x", 1), 1);
}

#endif
