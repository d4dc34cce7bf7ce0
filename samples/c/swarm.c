/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swarm: very many coroutines that live very short.
 *
 *	swarm [-v] [COROUTINES [AT_ONCE]]
 *
 * COROUTINES are started, AT_ONCE at a time; every eighth needs more than the 2 KiB that it starts
 * with, and grows once.
 */
#include "sample.h"

static struct sample_number numbers[] = {
	{ "COROUTINES", 20000, 100000000 },
	{ "AT_ONCE", 100, 1000000 },
};
#define COROUTINES numbers[0].value
#define AT_ONCE	   numbers[1].value

static unsigned long sum, growths;

static __attribute__((noinline)) unsigned char touch(unsigned long n)
{
	volatile unsigned char room[1600];

	room[0] = (unsigned char)n;
	room[sizeof(room) - 1] = 1;
	return room[0] + room[sizeof(room) - 1];
}

static void add(unsigned long *to, unsigned long n)
{
	__atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

static void small(void *arg)
{
	add(&sum, (unsigned long)arg);
}

static void large(void *arg)
{
	unsigned char want = (unsigned char)((unsigned long)arg + 1);

	if (touch((unsigned long)arg) == want)
		add(&sum, (unsigned long)arg);
	if (co_stack_size() == 4096)
		add(&growths, 1);
}

static void start(void *arg)
{
	unsigned long i;
	int rc;

	(void)arg;
	for (i = 1; i <= COROUTINES; i++) {
		rc = i % 8 ? co_go(small, (void *)i) : co_go(large, (void *)i);
		if (rc)
			sample_fail("co_go", rc);
		if (i % AT_ONCE == 0)
			sample_wait(i);
	}
	sample_wait(COROUTINES);
}

int main(int argc, char **argv)
{
	unsigned long expected;
	int rc;

	sample_read(argc, argv, numbers, 2);
	rc = co_run(NULL, start, NULL);
	if (rc)
		sample_fail("co_run", rc);
	expected = COROUTINES % 2 ? (COROUTINES + 1) / 2 * COROUTINES
				  : COROUTINES / 2 * (COROUTINES + 1);
	sample_say("coroutines", COROUTINES + 1);
	sample_say("growths", COROUTINES / 8);
	sample_say("sum", sum);
	sample_say_runtime();
	if (sum != expected || growths != COROUTINES / 8)
		fprintf(stderr,
			"swarm: the sum is %lu, not %lu, and %lu coroutines grew, not %lu\n", sum,
			expected, growths, COROUTINES / 8);
	return sum != expected || growths != COROUTINES / 8;
}
