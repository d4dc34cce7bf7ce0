/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists.h: lists in the collected heap, whose items carry their number, so that one that was freed
 * and used again shows.  What goes is counted by co_heap_stats; a few words on stacks may look like
 * addresses, so a list of ITEMS that went may have SLACK left.
 */
#ifndef ST_TESTS_CORUN_LISTS_H
#define ST_TESTS_CORUN_LISTS_H

#include <stdint.h>

#include "check.h"

#define ITEMS 1000
#define SLACK 20

struct item {
	struct item *next;
	long number;
	struct item *self;
	void *none;
};

static const struct co_type item_type __attribute__((unused)) = CO_TYPE(struct item, next);

static __attribute__((noinline, unused)) struct item *make_list(long n)
{
	struct item *list = NULL;

	for (; n; n--) {
		struct item *i = co_alloc(sizeof(*i));

		CHECK(i && !i->next && !i->number && !i->self);
		*i = (struct item){ .next = list, .number = n, .self = i };
		list = i;
	}
	return list;
}

static __attribute__((noinline, unused)) void check_list(const struct item *i)
{
	long n = 0;

	for (; i; i = i->next) {
		n++;
		if (i->number != n || i->self != i)
			break;
	}
	CHECK(!i);
	CHECK_EQUAL(n, ITEMS);
}

/* Overwrites what calls left below on this stack, so that nothing there is taken for an address. */
static __attribute__((noinline, unused)) void wipe(void)
{
	volatile char room[6000];

	memset((char *)room, 0, sizeof(room));
}

static inline uint64_t objects(void)
{
	struct co_heap_stats s;

	co_heap_stats(&s);
	return s.objects;
}

static __attribute__((noinline, unused)) void churn(void)
{
	int i;

	for (i = 0; i < 3 * ITEMS; i++) {
		long *p = co_alloc(sizeof(struct item));

		memset(p, 0x55, sizeof(struct item));
	}
}

/* A collection, and garbage of the same size that takes the place of what was freed by mistake. */
static inline void collect(void)
{
	wipe();
	CHECK_EQUAL(co_gc(), 0);
	churn();
	wipe();
	CHECK_EQUAL(co_gc(), 0);
}

#endif
