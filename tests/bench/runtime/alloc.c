/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alloc: taking a stack, writing to its top, giving it back; one at a time and 64 at a time.
 *
 *	alloc corun	the runtime's per-P cache
 *	alloc malloc	the malloc that this was linked with
 *	alloc tiers	what each level behind the cache takes
 */
#include "runtime/mcache.h"
#include "tests/bench/runtime/bench.h"

#define TRIALS 15
#define BATCH  64

static struct mcache *cache;
static uint64_t size;
static unsigned order;

static void touch(uint64_t hi)
{
	*(volatile uint64_t *)(hi - 8) = hi;
}

static void corun_pair(uint64_t ops)
{
	while (ops--) {
		struct stack s;

		if (stackalloc(cache, OPAQUE(size), &s))
			abort();
		touch(s.hi);
		stackfree(cache, s);
	}
}

static void corun_batch(uint64_t ops)
{
	struct stack s[BATCH];
	unsigned i;

	for (; ops; ops -= BATCH) {
		for (i = 0; i < BATCH; i++) {
			if (stackalloc(cache, OPAQUE(size), &s[i]))
				abort();
			touch(s[i].hi);
		}
		for (i = 0; i < BATCH; i++)
			stackfree(cache, s[i]);
	}
}

static void malloc_pair(uint64_t ops)
{
	while (ops--) {
		char *p = malloc(OPAQUE(size));

		touch((uint64_t)p + size);
		free(OPAQUE(p));
	}
}

static void malloc_batch(uint64_t ops)
{
	char *p[BATCH];
	unsigned i;

	for (; ops; ops -= BATCH) {
		for (i = 0; i < BATCH; i++) {
			p[i] = malloc(OPAQUE(size));
			touch((uint64_t)p[i] + size);
		}
		for (i = 0; i < BATCH; i++)
			free(OPAQUE(p[i]));
	}
}

static void mcentral_one(uint64_t ops)
{
	uint64_t lo;

	while (ops--) {
		if (mcentral_take(order, &lo, 1) != 1)
			abort();
		mcentral_give(order, &lo, 1);
	}
}

/* As the caches do it: half a list at a time. */
static void mcentral_many(uint64_t ops)
{
	uint64_t lo[BATCH];

	for (; ops; ops -= BATCH) {
		if (mcentral_take(order, lo, BATCH) != BATCH)
			abort();
		mcentral_give(order, lo, BATCH);
	}
}

static void mheap_one(uint64_t ops)
{
	while (ops--) {
		struct span *s = mheap_take(order);

		if (!s)
			abort();
		mheap_give(s);
	}
}

static void tiers(void)
{
	run_trials("tier-mcache", TRIALS, 1 << 20, corun_pair);
	run_trials("tier-mcentral", TRIALS, 1 << 17, mcentral_one);
	run_trials("tier-mcentral-64", TRIALS, 1 << 17, mcentral_many);
	run_trials("tier-mheap", TRIALS, 1 << 13, mheap_one);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char row[32];

	cache = mcache_new();
	if (!cache)
		return 1;
	size = STACK_MIN;
	if (!strcmp(what, "tiers")) {
		tiers();
		return 0;
	}
	for (; size <= 4 * STACK_MIN; size *= 4) {
		order = stack_order(size);
		snprintf(row, sizeof(row), "alloc-%uk-pair", (unsigned)(size >> 10));
		run_trials(row, TRIALS, 1 << 20, *what == 'c' ? corun_pair : malloc_pair);
		snprintf(row, sizeof(row), "alloc-%uk-batch", (unsigned)(size >> 10));
		run_trials(row, TRIALS, 1 << 17, *what == 'c' ? corun_batch : malloc_batch);
	}
	return 0;
}
