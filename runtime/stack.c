/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack.c: memory of stacks.
 *
 * A stack of order n has STACK_MIN << n bytes and is aligned to its size.  Free stacks of an order
 * lie on an array, last in first out: taking one does not touch its memory, as a list through the
 * stacks themselves would.  Stacks of up to LARGEST_PACKED are cut, without gaps or guard pages,
 * from chunks of address space; a few thousand 2 KiB stacks so share their pages and their TLB
 * entries.  Larger ones are mapped one by one.
 *
 * Grown stacks stay on the free list, still resident: the next coroutine that grows pays neither
 * a system call nor page faults.  Go gives them back and pays both.  What the free lists hold of
 * single mappings is bounded by LARGE_CACHE; the rest returns to the system.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/runtime.h"

#define LARGEST_PACKED (1ull << 20)
#define BATCH	       (32ull << 10) /* bytes cut at once for a small order */
#define CHUNK_MIN      (1ull << 20)
#define CHUNK_MAX      (64ull << 20)
#define LARGE_CACHE    (256ull << 20)
#define TAIL	       4096 /* readable behind the highest stack: __corun_call_args reads past it */
#define POISON	       0xfc

struct freelist {
	uint64_t *slot;
	uint32_t used, room;
};

/* Address ranges to unmap in the end. */
struct ranges {
	struct stack *slot;
	uint32_t used, room;
};

static struct freelist freelists[CO_ORDERS];
static struct ranges chunks;
static struct stack chunk; /* what is not cut yet */
static uint64_t chunk_size = CHUNK_MIN;
static uint64_t large_free;

static unsigned order_of(uint64_t size)
{
	return (unsigned)__builtin_ctzll(size / STACK_MIN);
}

static void *map(uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Makes room for one more element in a mapped array. */
static int reserve(void **slot, uint32_t used, uint32_t *room, size_t item)
{
	uint32_t bigger = *room ? *room * 2 : (uint32_t)(4096 / item);
	void *p;

	if (used < *room)
		return 0;
	p = map((uint64_t)bigger * item);
	if (!p)
		return -ENOMEM;
	if (*room) {
		memcpy(p, *slot, used * item);
		munmap(*slot, *room * item);
	}
	*slot = p;
	*room = bigger;
	return 0;
}

/* A mapping of size bytes, aligned to them, and a readable tail. */
static int map_aligned(uint64_t size, struct stack *ret)
{
	uint64_t lo, at;
	void *p;

	if (size * 2 + TAIL < size)
		return -ENOMEM;
	p = map(size * 2 + TAIL);
	if (!p)
		return -ENOMEM;
	lo = (uint64_t)p;
	at = (lo + size - 1) & ~(size - 1);
	if (at > lo)
		munmap(p, at - lo);
	if (lo + size > at)
		munmap((void *)(at + size + TAIL), lo + size - at);
	ret->lo = at;
	ret->hi = at + size;
	return 0;
}

static void unmap(struct stack s)
{
	munmap((void *)s.lo, s.hi - s.lo + TAIL);
}

static int new_chunk(uint64_t size)
{
	struct stack fresh;
	int rc;

	rc = reserve((void **)&chunks.slot, chunks.used, &chunks.room, sizeof(*chunks.slot));
	if (rc)
		return rc;
	if (size > chunk_size)
		chunk_size = size;
	while (map_aligned(chunk_size, &fresh)) {
		/* An address space limit: be content with less. */
		if (chunk_size / 2 < size)
			return -ENOMEM;
		chunk_size /= 2;
	}
	chunks.slot[chunks.used++] = fresh;
	chunk = fresh;
	if (chunk_size < CHUNK_MAX)
		chunk_size *= 2;
	return 0;
}

/* Cuts a batch of stacks; all but one go to the free list. */
static int cut(uint64_t size, struct stack *ret)
{
	uint64_t batch = size > BATCH ? size : BATCH, at;
	struct freelist *l = &freelists[order_of(size)];
	int rc;

	at = (chunk.lo + batch - 1) & ~(batch - 1);
	if (!chunk.lo || at + batch > chunk.hi) {
		rc = new_chunk(batch);
		if (rc)
			return rc;
		at = chunk.lo;
	}
	chunk.lo = at + batch;
	ret->lo = at;
	ret->hi = at + size;
	/* Highest first onto the list, so that they are taken in ascending order. */
	for (at += batch - size; at > ret->lo; at -= size) {
		rc = reserve((void **)&l->slot, l->used, &l->room, sizeof(*l->slot));
		if (rc)
			break; /* address space lost, nothing worse */
		l->slot[l->used++] = at;
	}
	return 0;
}

int stackalloc(uint64_t size, struct stack *ret)
{
	unsigned order = order_of(size);
	struct freelist *l = &freelists[order];
	int rc = 0;

	if (l->used) {
		ret->lo = l->slot[--l->used];
		ret->hi = ret->lo + size;
		if (size > LARGEST_PACKED)
			large_free -= size;
	} else {
		rc = size > LARGEST_PACKED ? map_aligned(size, ret) : cut(size, ret);
		if (rc)
			return rc;
	}
	stats.stackalloc[order]++;
	return 0;
}

void stackfree(struct stack s)
{
	uint64_t size = s.hi - s.lo;
	unsigned order = order_of(size);
	struct freelist *l = &freelists[order];

	stats.stackfree[order]++;
	if (unlikely(settings.poison))
		memset((void *)s.lo, POISON, size);
	if (size > LARGEST_PACKED) {
		if (large_free + size > LARGE_CACHE) {
			unmap(s);
			return;
		}
		large_free += size;
	}
	if (reserve((void **)&l->slot, l->used, &l->room, sizeof(*l->slot))) {
		if (size > LARGEST_PACKED) {
			large_free -= size;
			unmap(s);
		}
		return;
	}
	l->slot[l->used++] = s.lo;
}

/* Everything back to the system.  Stacks in use must have been freed. */
void stackfree_all(void)
{
	uint32_t i, k;

	for (i = 0; i < CO_ORDERS; i++) {
		struct freelist *l = &freelists[i];
		uint64_t size = (uint64_t)STACK_MIN << i;

		for (k = 0; size > LARGEST_PACKED && k < l->used; k++)
			unmap((struct stack){ l->slot[k], l->slot[k] + size });
		if (l->room)
			munmap(l->slot, l->room * sizeof(*l->slot));
		memset(l, 0, sizeof(*l));
	}
	for (k = 0; k < chunks.used; k++)
		unmap(chunks.slot[k]);
	if (chunks.room)
		munmap(chunks.slot, chunks.room * sizeof(*chunks.slot));
	memset(&chunks, 0, sizeof(chunks));
	memset(&chunk, 0, sizeof(chunk));
	chunk_size = CHUNK_MIN;
	large_free = 0;
}

void set_stack(struct g *gp, struct stack s)
{
	gp->stack = s;
	gp->stackguard = settings.move ? UINT64_MAX : s.lo + STACK_GUARD;
}
