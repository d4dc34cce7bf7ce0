/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storm: several spawners start coroutines as fast as they can.
 *
 *	storm [-v] [SPAWNERS [COROUTINES [AT_ONCE]]]
 *
 * Each spawner starts COROUTINES, AT_ONCE of them before it waits for those; every fourth grows
 * once, from 2 to 8 KiB.  So the free stacks of both sizes go back and forth between the caches of
 * the processors and the pools behind them, whose locks are what `stacktrace run --locks` shows.
 */
#include "sample.h"

static struct sample_number numbers[] = {
	{ "SPAWNERS", 8, 10000 },
	{ "COROUTINES", 5000, 100000000 },
	{ "AT_ONCE", 500, 1000000 },
};
#define SPAWNERS   numbers[0].value
#define COROUTINES numbers[1].value
#define AT_ONCE	   numbers[2].value

static struct co_wg spawners;
static unsigned long ran, growths;

static __attribute__((noinline)) unsigned char touch(void)
{
	volatile unsigned char room[4000];

	room[0] = 1;
	room[sizeof(room) - 1] = 2;
	return room[0] + room[sizeof(room) - 1];
}

static void small(void *arg)
{
	__atomic_fetch_add(&ran, 1, __ATOMIC_RELAXED);
	co_wg_done(arg);
}

static void large(void *arg)
{
	if (touch() == 3)
		__atomic_fetch_add(&ran, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&growths, co_stack_size() == 8192, __ATOMIC_RELAXED);
	co_wg_done(arg);
}

static void spawn(void *arg)
{
	struct co_wg *group = calloc(1, sizeof(*group));
	unsigned long i;
	int rc;

	(void)arg;
	if (!group)
		sample_fail("calloc", -12);
	for (i = 0; i < COROUTINES; i++) {
		co_wg_add(group, 1);
		rc = co_go(i % 4 ? small : large, group);
		if (rc)
			sample_fail("co_go", rc);
		if (i % AT_ONCE == AT_ONCE - 1)
			co_wg_wait(group);
	}
	co_wg_wait(group);
	free(group);
	co_wg_done(&spawners);
}

static void start(void *arg)
{
	unsigned long i;
	int rc;

	(void)arg;
	for (i = 0; i < SPAWNERS; i++) {
		co_wg_add(&spawners, 1);
		rc = co_go(spawn, NULL);
		if (rc)
			sample_fail("co_go", rc);
	}
	co_wg_wait(&spawners);
	co_yield();
}

int main(int argc, char **argv)
{
	int rc;

	sample_read(argc, argv, numbers, 3);
	rc = co_run(NULL, start, NULL);
	if (rc)
		sample_fail("co_run", rc);
	sample_say("coroutines", SPAWNERS * (COROUTINES + 1) + 1);
	sample_say("growths", growths);
	sample_say("ran", ran);
	sample_say_runtime();
	return ran != SPAWNERS * COROUTINES || growths != SPAWNERS * ((COROUTINES + 3) / 4);
}
