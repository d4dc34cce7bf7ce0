/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events RATE SECONDS: so many records a second, from two spawners: a coroutine is two, its birth
 * and its end.
 *
 * A spawner that is late does not catch up, so that the rate is never higher; what it was is
 * printed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <corun.h>

#define SPAWNERS 2
#define STEP_NS	 1000000

static unsigned long each_step, steps;
static struct co_wg spawners;
static unsigned long ended;

static void one(void *arg)
{
	__atomic_fetch_add(&ended, 1, __ATOMIC_RELAXED);
	co_wg_done(arg);
}

static void spawn(void *arg)
{
	struct co_wg *group = calloc(1, sizeof(*group));
	int64_t next = co_now();

	(void)arg;
	for (unsigned long s = 0; group && s < steps; s++) {
		for (unsigned long i = 0; i < each_step; i++) {
			co_wg_add(group, 1);
			if (co_go(one, group))
				abort();
		}
		co_wg_wait(group);
		next += STEP_NS;
		if (next > co_now())
			co_sleep_until(next);
		else
			next = co_now();
	}
	free(group);
	co_wg_done(&spawners);
}

static void start(void *arg)
{
	int64_t begin = co_now();

	(void)arg;
	co_wg_add(&spawners, SPAWNERS);
	for (int i = 0; i < SPAWNERS; i++)
		if (co_go(spawn, NULL))
			abort();
	co_wg_wait(&spawners);
	printf("%.0f\n", 2 * (double)ended * 1e9 / (double)(co_now() - begin));
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	each_step = strtoul(argv[1], NULL, 10) / 1000 / SPAWNERS / 2;
	steps = strtoul(argv[2], NULL, 10) * 1000;
	return co_run(NULL, start, NULL) != 0;
}
