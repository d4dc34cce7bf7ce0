/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcache.h: memory of stacks: each P's own cache, the allocators behind it, and who owns what.
 *
 * A P takes and gives stacks without a lock or an atomic instruction; only the thread that has the
 * P may touch its cache, on g0.  The lists are arrays, last in first out: taking a stack does not
 * touch its memory, as a list through the stacks themselves would, so 64 of them cost 64 times one.
 */
#ifndef ST_RUNTIME_MCACHE_H
#define ST_RUNTIME_MCACHE_H

#include "runtime/mheap.h"
#include "runtime/sched.h"

/* In the lowest bits of struct stack's mem; from OWNER_USER on, the program's own allocators. */
enum stack_owner {
	OWNER_NONE,
	OWNER_PAGE,
	OWNER_MMAP,
	OWNER_CHECKED,	/* debugging: nothing is used twice */
	OWNER_RESERVED, /* a stack that grows where it is; see reserve.h */
	OWNER_USER,
	OWNERS = 16
};
#define OWNER_MASK 15ull

struct mcache_list {
	uint32_t used, room;
	uint64_t *slot;
};

/* What the P's own coroutines did; co_stats adds them up. */
struct stack_counts {
	uint64_t alloc[STACK_ORDERS], free[STACK_ORDERS];
	uint64_t growths, shrinks, bytes_copied;
	int64_t reserved;  /* bytes of stacks that do not move; one P may end what another began */
	uint64_t segments; /* entered, under the policy of this name */
};

#define MCACHE_SLOTS 456

struct mcache {
	struct mcache_list list[PACKED_ORDERS];
	uint32_t owner;	 /* whose stacks are in the lists */
	uint32_t cached; /* the same, or OWNER_NONE: nothing may be cached */
	struct stack_counts count;
	struct mcache *next;	 /* of all */
	struct heap_cache *heap; /* heap.h */
	uint64_t slots[MCACHE_SLOTS];
};

/* Of a new P; stays until stacks_reset.  NULL: no memory. */
struct mcache *mcache_new(void);
/* Of a P that goes: its free stacks to those that stay. */
void mcache_flush(struct mcache *c);
/* The program may have changed the allocator. */
void mcache_follow(struct mcache *c);
/* The cache of the P on which this runs; on G or on g0. */
static inline struct mcache *mcache_mine(void)
{
	return getp()->mcache;
}

int stackalloc_slow(struct mcache *c, uint64_t size, struct stack *ret);
void stackfree_slow(struct mcache *c, struct stack s);

static inline unsigned stack_order(uint64_t size)
{
	return (unsigned)__builtin_ctzll(size / STACK_MIN);
}

/* A power of two of at least STACK_MIN; -ENOMEM. */
static inline int stackalloc(struct mcache *c, uint64_t size, struct stack *ret)
{
	unsigned order = stack_order(size);
	struct mcache_list *l;

	if (unlikely(order >= PACKED_ORDERS || !c->list[order].used))
		return stackalloc_slow(c, size, ret);
	l = &c->list[order];
	COUNT(c->count.alloc[order], 1);
	ret->lo = l->slot[--l->used];
	ret->hi = ret->lo + size;
	ret->mem = ret->lo | c->owner;
	return 0;
}

static inline void stackfree(struct mcache *c, struct stack s)
{
	uint64_t size = s.hi - s.lo;
	unsigned order = stack_order(size);
	struct mcache_list *l;

	sanitize_unused(s);
	if (unlikely(order >= PACKED_ORDERS || (s.mem & OWNER_MASK) != c->cached ||
		     c->list[order].used == c->list[order].room)) {
		stackfree_slow(c, s);
		return;
	}
	l = &c->list[order];
	COUNT(c->count.free[order], 1);
	l->slot[l->used++] = s.lo;
}

/* Before anything else; settings have been read. */
void stacks_init(void);
/* Everything back to the system, and the counts kept. */
void stacks_reset(void);
/* Adds what all caches counted. */
void stacks_stats(struct co_stats *ret);

/* allocator.c */
const struct co_stack_allocator *allocator_of(unsigned owner);
unsigned allocator_present(void); /* the owner of what is allocated from now on */
void allocator_init(void);

/* checked.c: the allocator of OWNER_CHECKED */
int checked_alloc(size_t size, void **ret);
void checked_free(void *lo, size_t size);
bool checked_holds(uint64_t address);
void checked_reset(void);

#endif
