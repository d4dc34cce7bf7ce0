/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mheap.c: the page heap below the stacks.
 *
 * Address space comes in chunks of 4 MiB, aligned to that, so that the chunk of a stack is found by
 * masking its address.  A chunk is divided into slots of 32 KiB; a span is one slot, full of small
 * stacks without gaps or guard pages between them, or a run of slots that is one larger stack. What
 * is known of the spans stands in the first slot, whose other pages are never touched: 0.2 % of
 * what the chunk holds.
 *
 * A new chunk is asked for right below the last one, where it is aligned by itself and the kernel
 * joins the mappings: a million stacks are one.
 *
 * Rejected: a table from addresses to chunks, as Go has; with aligned chunks there is nothing to
 * look up.  Rejected: headers in the stacks: they share the cache lines of the guard, and a stack
 * that is overrun would break the heap, too.
 *
 * One lock.  It is taken once for 16 small stacks or one large one.
 */
#include "runtime/mheap.h"

#include <string.h>
#include <sys/mman.h>

#include "runtime/lock.h"
#include "runtime/runtime.h"

#define CHUNK	    (4ull << 20)
#define SLOT	    (32ull << 10)
#define CHUNK_SLOTS (CHUNK / SLOT)

struct chunk {
	struct chunk *next;
	uint64_t size;		/* of the mapping */
	unsigned __int128 busy; /* slots; the first is ours */
	struct span span[CHUNK_SLOTS];
};
_Static_assert(sizeof(struct chunk) <= SLOT, "fits");
_Static_assert(CHUNK_SLOTS == 128, "fits into the set");

static struct lock heap_lock;
static struct chunk *chunks; /* newest first */
static struct chunk
	*hint[PACKED_ORDERS]; /* where the last of this order was; all before are full */
static uint64_t mapped;

static uint64_t map(uint64_t at, uint64_t size, int prot)
{
	void *p = mmap((void *)at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? 0 : (uint64_t)p;
}

uint64_t map_pages(uint64_t size, int prot)
{
	return map(0, size, prot);
}

uint64_t map_aligned(uint64_t size, int prot, uint64_t at)
{
	uint64_t lo, begin;

	if (size * 2 + STACK_TAIL < size)
		return 0;
	if (at) {
		lo = map(at, size + STACK_TAIL, prot);
		if (lo && !(lo & (size - 1)))
			return lo;
		if (lo)
			munmap((void *)lo, size + STACK_TAIL);
	}
	begin = map(0, size * 2 + STACK_TAIL, prot);
	if (!begin)
		return 0;
	lo = (begin + size - 1) & ~(size - 1);
	if (lo > begin)
		munmap((void *)begin, lo - begin);
	if (begin + size > lo)
		munmap((void *)(lo + size + STACK_TAIL), begin + size - lo);
	return lo;
}

void unmap_aligned(uint64_t lo, uint64_t size)
{
	munmap((void *)lo, size + STACK_TAIL);
}

static unsigned slots_of(unsigned order)
{
	return order < 4 ? 1 : 1u << (order - 4);
}

static unsigned __int128 slot_set(unsigned first, unsigned n)
{
	return ((((unsigned __int128)1) << n) - 1) << first;
}

/* The first free, aligned run of n slots, or 0. */
static unsigned find_run(const struct chunk *c, unsigned n)
{
	unsigned i;

	for (i = n; i < CHUNK_SLOTS; i += n)
		if (!(c->busy & slot_set(i, n)))
			return i;
	return 0;
}

/* A new chunk right below the last one, or 0 if something else is there. */
static uint64_t map_below(void)
{
	uint64_t lo = chunks ? map((uint64_t)chunks - CHUNK, CHUNK, PROT_READ | PROT_WRITE) : 0;

	if (lo && (lo & (CHUNK - 1))) {
		munmap((void *)lo, CHUNK);
		return 0;
	}
	return lo;
}

static struct chunk *new_chunk(void)
{
	uint64_t lo = map_below(), size = CHUNK;
	struct chunk *c;

	if (!lo) {
		/* The one above is the tail of the one below; this one has its own. */
		lo = map_aligned(CHUNK, PROT_READ | PROT_WRITE, 0);
		size += STACK_TAIL;
	}
	if (!lo)
		return NULL;
	c = (struct chunk *)lo;
	c->next = chunks;
	c->size = size;
	c->busy = 1;
	chunks = c;
	mapped += CHUNK;
	return c;
}

/* From where this order had the last one, then from the newest; a chunk that was freed into is
 * found late. */
static struct chunk *find_chunk(unsigned order, unsigned n)
{
	struct chunk *c;

	for (c = hint[order]; c; c = c->next)
		if (find_run(c, n))
			return c;
	for (c = chunks; c && c != hint[order]; c = c->next)
		if (find_run(c, n))
			return c;
	return new_chunk();
}

struct span *mheap_take(unsigned order)
{
	unsigned n = slots_of(order), first;
	struct span *s = NULL;
	struct chunk *c;

	lock(&heap_lock);
	c = find_chunk(order, n);
	if (c) {
		hint[order] = c;
		first = find_run(c, n);
		c->busy |= slot_set(first, n);
		s = &c->span[first];
		memset(s, 0, sizeof(*s));
		s->order = (uint8_t)order;
		s->count = order < 4 ? (uint8_t)(16u >> order) : 1;
		s->free = (1u << s->count) - 1;
	}
	unlock(&heap_lock);
	return s;
}

void mheap_give(struct span *s)
{
	struct chunk *c = (struct chunk *)((uint64_t)s & ~(CHUNK - 1));
	unsigned first = (unsigned)(s - c->span), n = slots_of(s->order);

	/* While it is still ours. */
	madvise((void *)mheap_span_begin(s), n * SLOT, MADV_DONTNEED);
	lock(&heap_lock);
	c->busy &= ~slot_set(first, n);
	unlock(&heap_lock);
}

struct span *mheap_span_of(uint64_t lo)
{
	struct chunk *c = (struct chunk *)(lo & ~(CHUNK - 1));

	return &c->span[(lo & (CHUNK - 1)) / SLOT];
}

uint64_t mheap_span_begin(const struct span *s)
{
	const struct chunk *c = (const struct chunk *)((uint64_t)s & ~(CHUNK - 1));

	return (uint64_t)c + (uint64_t)(s - c->span) * SLOT;
}

uint64_t mheap_mapped(void)
{
	uint64_t n;

	lock(&heap_lock);
	n = mapped;
	unlock(&heap_lock);
	return n;
}

void mheap_reset(void)
{
	struct chunk *c;

	while ((c = chunks)) {
		chunks = c->next;
		munmap(c, c->size);
	}
	memset(hint, 0, sizeof(hint));
	mapped = 0;
}
