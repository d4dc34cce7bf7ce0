/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Coroutines that grow, shrink, allocate, hand lists to each other, move between threads and
 * collect, all at once; at random but the same each time for each of them.
 *
 * Every list and every chain of frames is checked.  Frames keep lists in locals and hand their
 * addresses down, so that a stack that is read while it moves, or from the wrong place, loses one;
 * the collector itself ends the program if it meets a coroutine whose stack is in flight.
 */
#include <stdint.h>

#include "check.h"

#define WORKERS	 40
#define ROUNDS	 60
#define CHANNELS 4
#define LENGTH	 20

struct item {
	struct item *next;
	uint64_t check;
};

static const struct co_type item_type = CO_TYPE(struct item, next);

struct frame {
	struct frame *up;
	struct item *list;
	uint64_t seed;
};

static struct co_chan *channels[CHANNELS], *done;
static uint64_t made, seen; /* atomic: lists */

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

static __attribute__((noinline)) struct item *make_list(uint64_t seed, int typed)
{
	struct item *list = NULL;
	int n;

	for (n = 0; n < LENGTH; n++) {
		struct item *i = typed ? co_alloc_typed(&item_type, 1 + n % 3)
				       : co_alloc(sizeof(*i) + 8 * n);

		if (!i)
			abort();
		i->next = list;
		i->check = seed + (uint64_t)n;
		list = i;
	}
	__atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
	return list;
}

static __attribute__((noinline)) void check_list(const struct item *i, uint64_t seed)
{
	int n = LENGTH;

	for (; i; i = i->next)
		if (i->check != seed + (uint64_t)--n)
			break;
	CHECK(!i && !n);
	__atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED);
}

/* The items carry the seed in their last one. */
static void check_any(const struct item *list)
{
	check_list(list, list->check - (LENGTH - 1));
}

static __attribute__((noinline)) void swap_lists(uint64_t r)
{
	struct co_chan *c = channels[r % CHANNELS];
	struct item *list = make_list(r, r & 1), *got = NULL;
	struct co_case cases[] = {
		{ .chan = c, .op = CO_SEND, .item = &list },
		{ .chan = channels[(r + 1) % CHANNELS], .op = CO_RECV, .item = &got },
		{ .op = CO_DEFAULT },
	};
	int i = co_select(cases, 3);

	if (i == 1)
		check_any(got);
	if (i != 0)
		check_list(list, r);
}

static __attribute__((noinline)) void descend(uint64_t *seed, int depth, struct frame *up)
{
	struct frame f = { .up = up, .seed = next(seed) };
	const struct frame *p;
	uint64_t r = f.seed;

	f.list = make_list(f.seed, (int)(r & 1));
	if (r % 7 == 0)
		co_yield();
	if (r % 5 == 0)
		swap_lists(r);
	if (r % 997 == 0)
		CHECK_EQUAL(co_gc(), 0);
	if (depth)
		descend(seed, depth - 1, &f);
	for (p = &f; p; p = p->up)
		check_list(p->list, p->seed);
}

static void worker(void *arg)
{
	uint64_t seed = (uint64_t)(uintptr_t)arg;
	int i;

	for (i = 0; i < ROUNDS; i++)
		descend(&seed, (int)(next(&seed) % 40), NULL);
	co_chan_send(done, NULL);
}

static void start(void *arg)
{
	struct co_heap_stats h;
	struct co_stats s;
	uint64_t i;

	(void)arg;
	co_chan_make(0, 0, &done);
	for (i = 0; i < CHANNELS; i++)
		co_chan_make(sizeof(void *), 3, &channels[i]);
	for (i = 1; i <= WORKERS; i++)
		CHECK_EQUAL(co_go(worker, (void *)(uintptr_t)(i * 7919)), 0);
	for (i = 1; i <= WORKERS; i++) {
		co_chan_recv(done, NULL);
		CHECK_EQUAL(co_gc(), 0);
	}
	co_heap_stats(&h);
	co_stats(&s);
	CHECK(h.collections > WORKERS && h.frees > 0 && seen > made);
	CHECK(s.growths > 0 || check_moving());
	if (!check_moving() && !getenv("CORUN_POLICY"))
		CHECK(s.shrinks > 0);
}

int main(void)
{
	check_run(start);
	return check_result();
}
