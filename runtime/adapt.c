/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapt.c: how large a stack begins, by what earlier coroutines of the same function used.
 *
 * Go takes one average over all goroutines at each collection; a server with a million idle readers
 * and a few deep workers gets a size that suits neither.  Here each entry function has its own.
 *
 * One growth is enough to begin with more next time; it takes CALM coroutines in a row that would
 * have done with half to begin with less, since use is seen at switches and growths only, and a
 * stack that never grew may have been used more than was seen.
 *
 * A slot is one word that is read and written whole, without order: two Ps may overwrite each
 * other's count, which costs nothing but a count.
 */
#include "runtime/mcache.h"

#define SLOTS	  1024
#define CALM	  200
#define MAX_ORDER 6 /* 128 KiB: what is larger need not be held by everybody who waits */
#define PC_BITS	  48

static uint64_t slots[SLOTS]; /* address of the function | order << 48 | calm << 56 */

static uint64_t *slot_of(uint64_t entry)
{
	return &slots[(entry * 0x9e3779b97f4a7c15ull) >> 54];
}

static bool is_of(uint64_t slot, uint64_t entry)
{
	return (slot & ((1ull << PC_BITS) - 1)) == entry;
}

uint64_t adapt_size(uint64_t entry)
{
	uint64_t slot = __atomic_load_n(slot_of(entry), __ATOMIC_RELAXED);
	uint64_t size = STACK_MIN;

	if (is_of(slot, entry))
		size = (uint64_t)STACK_MIN << (slot >> PC_BITS & 0xff);
	return size > settings.max_stack ? STACK_MIN : size;
}

void adapt_learn(const struct g *gp)
{
	uint64_t entry = (uint64_t)gp->entry, *at = slot_of(entry);
	uint64_t slot = __atomic_load_n(at, __ATOMIC_RELAXED), order = 0, calm = 0, had = 0;

	while (order < MAX_ORDER &&
	       (uint64_t)STACK_MIN << order < gp->use_max + guard_room(gp) + STACK_TOP_RESERVED)
		order++;
	if (is_of(slot, entry)) {
		had = slot >> PC_BITS & 0xff;
		calm = slot >> (PC_BITS + 8);
	}
	if (order < had) {
		calm++;
		order = calm < CALM ? had : had - 1;
		calm %= CALM;
	} else {
		calm = 0;
	}
	__atomic_store_n(at, entry | order << PC_BITS | calm << (PC_BITS + 8), __ATOMIC_RELAXED);
}

void adapt_reset(void)
{
	unsigned i;

	for (i = 0; i < SLOTS; i++)
		slots[i] = 0;
}
