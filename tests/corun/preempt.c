/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A coroutine that neither parks nor grows is stopped at a call it makes: it ends only when the
 * collection has been made that waits for it.
 */
#include <unistd.h>

#include "check.h"

static int started, collected; /* atomic */
static long calls;

static __attribute__((noinline)) long count(long n)
{
	volatile char room[100];

	room[0] = 1;
	return OPAQUE(n) + room[0];
}

/* Calls with more to save: the check must find everything as it was. */
static __attribute__((noinline)) double mix(long a, double b, long c, double d, long e, long f,
					    long g, long h)
{
	return (double)(a + c + e + f + g + h) + b + d;
}

static void busy(void *arg)
{
	long n = 0;

	(void)arg;
	__atomic_store_n(&started, 1, __ATOMIC_RELEASE);
	do {
		n = count(n);
		CHECK(mix(1, 2.5, 3, 4.5, 5, 6, 7, 8) == 37.0);
	} while (!__atomic_load_n(&collected, __ATOMIC_ACQUIRE));
	__atomic_store_n(&calls, n, __ATOMIC_RELEASE);
}

static void start(void *arg)
{
	struct co_heap_stats s;
	int i;

	(void)arg;
	CHECK_EQUAL(co_go(busy, NULL), 0);
	/* The other thread takes it, since this one is not to be had. */
	for (i = 0; i < 5000 && !__atomic_load_n(&started, __ATOMIC_ACQUIRE); i++)
		usleep(1000);
	CHECK_EQUAL(started, 1);
	for (i = 0; i < 20; i++)
		CHECK_EQUAL(co_gc(), 0);
	co_heap_stats(&s);
	CHECK_EQUAL(s.forced, 20);
	__atomic_store_n(&collected, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&calls, __ATOMIC_ACQUIRE))
		co_yield();
}

int main(void)
{
	setenv("GOMAXPROCS", "2", 1);
	check_run(start);
	return check_result();
}
