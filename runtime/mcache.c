/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcache.c: what the caches of the Ps do when they are empty or full.
 *
 * Half a list moves at a time, so that a P that goes up and down by one at the border does not go
 * to the central pool each time.
 */
#include "runtime/mcache.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/heap.h"
#include "runtime/large.h"
#include "runtime/lock.h"
#include "runtime/reserve.h"

#define POISON 0xfc

/* Stacks of each order that one P may keep: some 256 KiB of the small ones, few of the large. */
static const uint8_t rooms[PACKED_ORDERS] = { 128, 128, 64, 64, 32, 16, 8, 8, 4, 4 };
_Static_assert(128 + 128 + 64 + 64 + 32 + 16 + 8 + 8 + 4 + 4 == MCACHE_SLOTS, "rooms");

static struct lock list_lock;
static struct mcache *caches;
static struct stack_counts past; /* of caches that are gone */

struct mcache *mcache_new(void)
{
	struct mcache *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t *slot;
	unsigned i;

	if (c == MAP_FAILED)
		return NULL;
	c->heap = heap_cache_new();
	if (!c->heap) {
		munmap(c, sizeof(*c));
		return NULL;
	}
	slot = c->slots;
	for (i = 0; i < PACKED_ORDERS; i++) {
		c->list[i].slot = slot;
		c->list[i].room = rooms[i];
		slot += rooms[i];
	}
	lock(&list_lock);
	c->next = caches;
	caches = c;
	unlock(&list_lock);
	return c;
}

static void give(unsigned owner, unsigned order, const uint64_t *lo, unsigned n)
{
	unsigned i;

	if (owner == OWNER_PAGE && order < PACKED_ORDERS) {
		mcentral_give(order, lo, n);
		return;
	}
	for (i = 0; i < n; i++)
		allocator_of(owner)->free((void *)lo[i], (size_t)STACK_MIN << order);
}

void mcache_flush(struct mcache *c)
{
	unsigned i;

	for (i = 0; i < PACKED_ORDERS; i++) {
		if (c->list[i].used)
			give(c->owner, i, c->list[i].slot, c->list[i].used);
		c->list[i].used = 0;
	}
}

void mcache_follow(struct mcache *c)
{
	unsigned owner = allocator_present();

	if (c->owner == owner)
		return;
	mcache_flush(c);
	c->owner = owner;
	/* What is looked for by poisoning, unmapping or failing would hide in a list. */
	c->cached = owner == OWNER_CHECKED || settings.poison || settings.fail_at ? OWNER_NONE
										  : owner;
}

static int take_one(unsigned owner, uint64_t size, uint64_t *ret)
{
	void *lo = NULL;
	int rc = allocator_of(owner)->alloc(size, &lo);

	if (rc)
		return rc;
	*ret = (uint64_t)lo;
	if (!lo || *ret & (size - 1))
		fatal("the stack allocator '%s' gave %p, which is not aligned to the %llu bytes "
		      "that "
		      "it was asked for",
		      allocator_of(owner)->name, lo, (unsigned long long)size);
	return 0;
}

int stackalloc_slow(struct mcache *c, uint64_t size, struct stack *ret)
{
	unsigned order = stack_order(size);
	uint64_t lo;
	int rc;

	if (order >= STACK_ORDERS)
		return -ENOMEM;
	if (unlikely(settings.fail_at) && debug_fail())
		return -ENOMEM;
	mcache_follow(c);
	if (order < PACKED_ORDERS && c->cached == OWNER_PAGE) {
		struct mcache_list *l = &c->list[order];

		l->used = mcentral_take(order, l->slot, (l->room + 1) / 2);
		if (!l->used)
			return -ENOMEM;
		/* Taken from the end: lowest address first. */
		lo = l->slot[--l->used];
	} else {
		rc = take_one(c->owner, size, &lo);
		if (rc)
			return rc;
	}
	COUNT(c->count.alloc[order], 1);
	*ret = (struct stack){ lo, lo + size, lo | c->owner };
	return 0;
}

void stackfree_slow(struct mcache *c, struct stack s)
{
	unsigned order = stack_order(s.hi - s.lo), owner = s.mem & OWNER_MASK;
	struct mcache_list *l;

	COUNT(c->count.free[order], 1);
	if (settings.poison)
		memset((void *)s.lo, POISON, s.hi - s.lo);
	if (owner != c->cached || order >= PACKED_ORDERS) {
		give(owner, order, &s.lo, 1);
	} else {
		unsigned half;

		l = &c->list[order];
		half = l->used / 2;
		/* Those that lie longest are the coldest. */
		give(owner, order, l->slot, half);
		memmove(l->slot, l->slot + half, (l->used - half) * sizeof(*l->slot));
		l->used -= half;
		l->slot[l->used++] = s.lo;
	}
}

static void add(struct stack_counts *to, const struct stack_counts *from)
{
	unsigned i;

	for (i = 0; i < STACK_ORDERS; i++) {
		to->alloc[i] += GET(from->alloc[i]);
		to->free[i] += GET(from->free[i]);
	}
	to->growths += GET(from->growths);
	to->shrinks += GET(from->shrinks);
	to->bytes_copied += GET(from->bytes_copied);
	to->segments += GET(from->segments);
	to->reserved += GET(from->reserved);
}

/* Other Ps may count meanwhile; each figure is one that was true a moment ago. */
void stacks_stats(struct co_stats *ret)
{
	struct stack_counts sum;
	struct mcache *c;
	unsigned i;

	lock(&list_lock);
	sum = past;
	for (c = caches; c; c = c->next)
		add(&sum, &c->count);
	unlock(&list_lock);
	ret->growths = sum.growths;
	ret->shrinks = sum.shrinks;
	ret->bytes_copied = sum.bytes_copied;
	ret->segments = sum.segments;
	ret->stack_in_use = (uint64_t)sum.reserved;
	for (i = 0; i < STACK_ORDERS; i++) {
		ret->stackalloc[i] = sum.alloc[i];
		ret->stackfree[i] = sum.free[i];
		ret->stack_in_use += (sum.alloc[i] - sum.free[i]) * STACK_MIN << i;
	}
	ret->stack_mapped = mheap_mapped() + large_mapped() + reserve_mapped();
}

void stacks_init(void)
{
	past = (struct stack_counts){ 0 };
	allocator_init();
	reserve_init();
	adapt_reset();
}

void stacks_reset(void)
{
	struct mcache *c;

	while ((c = caches)) {
		caches = c->next;
		mcache_flush(c);
		add(&past, &c->count);
		munmap(c->heap, sizeof(*c->heap));
		munmap(c, sizeof(*c));
	}
	mcentral_reset();
	mheap_reset();
	large_reset();
	checked_reset();
	reserve_reset();
}
