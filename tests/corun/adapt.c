/* SPDX-License-Identifier: Apache-2.0 */
/* First sizes that follow what coroutines of the same function used before. */
#include <stdint.h>

#include "check.h"

static size_t last_size;
static unsigned frames;

static __attribute__((noinline)) long deep(long n)
{
	volatile char room[500];

	room[0] = (char)n;
	return n ? deep(n - 1) + (room[0] == (char)n) : 0;
}

static void worker(void *arg)
{
	(void)arg;
	last_size = co_stack_size();
	CHECK_EQUAL(deep(frames), frames);
}

static void idler(void *arg)
{
	(void)arg;
	last_size = co_stack_size();
}

static void go(co_fn *fn)
{
	CHECK_EQUAL(co_go(fn, NULL), 0);
	co_yield();
}

static void start(void *arg)
{
	unsigned long before;
	int i;

	(void)arg;
	frames = 20;
	go(worker);
	CHECK_EQUAL(last_size, 2048);
	before = check_growths();
	CHECK(before > 0);
	/* From the second one on there is room at once, and others are not charged for it. */
	for (i = 0; i < 50; i++)
		go(worker);
	CHECK_EQUAL(last_size, 16384);
	CHECK_EQUAL(check_growths(), before);
	go(idler);
	CHECK_EQUAL(last_size, 2048);
	/* It takes many that use less to begin with less. */
	frames = 0;
	go(worker);
	CHECK_EQUAL(last_size, 16384);
	for (i = 0; i < 2000; i++)
		go(worker);
	CHECK_EQUAL(last_size, 2048);
	/* Not without bounds. */
	frames = 2000;
	go(worker);
	go(worker);
	CHECK_EQUAL(last_size, 131072);
}

int main(void)
{
	struct co_config config = { .stack_size = CO_ADAPTIVE };

	if (check_moving())
		return 0;
	CHECK_EQUAL(co_run(&config, start, NULL), 0);
	CHECK_EQUAL(co_run(&config, start, NULL), 0);
	return check_result();
}
