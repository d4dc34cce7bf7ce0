/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mheap.c: the page heap below the stacks.
 *
 * Address space comes in chunks of 4 MiB, aligned to that, so that the chunk of a stack is found by
 * masking its address.  A chunk is divided into slots of 32 KiB; a span is one slot, full of small
 * stacks without gaps or guard pages between them, or a run of slots that is one larger stack.
 * What is known of the spans stands in the first slot, whose other pages are never touched: 0.2 %
 * of what the chunk holds.
 *
 * A new chunk is asked for right below the last one, where it is aligned by itself and the kernel
 * joins the mappings: a million stacks are one.
 *
 * Objects of the heap lie in the same chunks, in spans of one or more slots; those that no chunk
 * holds get whole chunks of their own.  The collector asks what an arbitrary word points to, so a
 * table says which chunks there are; who has a stack masks its address.  Slots that the heap gives
 * back stay resident and are taken first.
 *
 * Rejected: headers in the stacks: they share the cache lines of the guard, and a stack that is
 * overrun would break the heap, too.
 *
 * One lock.  It is taken once for 16 small stacks or one large one.
 */
#include "runtime/mheap.h"

#include <string.h>
#include <sys/mman.h>

#include "runtime/lock.h"
#include "runtime/runtime.h"

static struct lock heap_lock;
static struct chunk *chunks; /* newest first */
static struct chunk *avail;  /* got slots back from the heap; the newest first */
static struct chunk *huge;   /* mappings of one object each */
/* Where the last of this order was; all before are full. */
static struct chunk *hint[PACKED_ORDERS];
static uint64_t mapped;
static struct mheap_bytes bytes;

uint32_t *chunk_table[1 << TABLE_ROOT_BITS];
uint64_t chunks_lo, chunks_hi;

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

/* Enters n chunks that begin at lo into the table, or takes them out.  false: no memory. */
static bool table_set(uint64_t lo, uint64_t n, bool is)
{
	uint64_t i, at;

	for (i = 0; i < n; i++) {
		uint32_t **leaf;

		at = (lo >> 22) + i;
		leaf = &chunk_table[at >> TABLE_LEAF_BITS];
		if (!*leaf && is)
			*leaf = (uint32_t *)map_pages(4ull << TABLE_LEAF_BITS,
						      PROT_READ | PROT_WRITE);
		if (!*leaf)
			return false;
		(*leaf)[at & ((1u << TABLE_LEAF_BITS) - 1)] = is ? (uint32_t)i + 1 : 0;
	}
	if (is && (lo < chunks_lo || !chunks_hi))
		chunks_lo = lo;
	if (is && lo + n * CHUNK > chunks_hi)
		chunks_hi = lo + n * CHUNK;
	return true;
}

static void table_reset(void)
{
	unsigned i;

	for (i = 0; i < 1 << TABLE_ROOT_BITS; i++)
		if (chunk_table[i])
			munmap(chunk_table[i], 4ull << TABLE_LEAF_BITS);
	memset(chunk_table, 0, sizeof(chunk_table));
	chunks_lo = chunks_hi = 0;
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
	if (!table_set(lo, 1, true)) {
		munmap((void *)lo, size);
		return NULL;
	}
	c = (struct chunk *)lo;
	c->next = chunks;
	c->size = size;
	c->busy = 1;
	chunks = c;
	mapped += CHUNK;
	return c;
}

/*
 * From where this order had the last one, then from the newest; a chunk that was freed into is
 * found late.
 */
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

/* Marks free slots as taken; how many of them were resident. */
static unsigned take_slots(struct chunk *c, unsigned first, unsigned n)
{
	unsigned __int128 set = slot_set(first, n), dirty = c->dirty & set;
	unsigned count = (unsigned)(__builtin_popcountll((uint64_t)dirty) +
				    __builtin_popcountll((uint64_t)(dirty >> 64)));

	c->busy |= set;
	c->dirty &= ~dirty;
	bytes.idle -= count * SLOT;
	return count;
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
		take_slots(c, first, n);
		s = &c->span[first];
		memset(s, 0, sizeof(*s));
		s->kind = SPAN_STACKS;
		bytes.stacks += n * SLOT;
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
	bytes.stacks -= n * SLOT;
	s->kind = SPAN_FREE;
	c->busy &= ~slot_set(first, n);
	unlock(&heap_lock);
}

static void unlist_avail(struct chunk *c)
{
	if (c->prev_avail)
		c->prev_avail->next_avail = c->next_avail;
	else
		avail = c->next_avail;
	if (c->next_avail)
		c->next_avail->prev_avail = c->prev_avail;
	c->avail = false;
}

static void list_avail(struct chunk *c)
{
	c->prev_avail = NULL;
	c->next_avail = avail;
	if (avail)
		avail->prev_avail = c;
	avail = c;
	c->avail = true;
}

/* n free slots anywhere in the chunk, or 0. */
static unsigned find_slots(const struct chunk *c, unsigned n)
{
	unsigned i = 1, k;

	while (i + n <= CHUNK_SLOTS) {
		for (k = 0; k < n && !(c->busy >> (i + k) & 1); k++)
			;
		if (k == n)
			return i;
		i += k + 1;
	}
	return 0;
}

/* Where the heap gave slots back; where it took the last from; a new chunk. */
static struct chunk *find_avail(unsigned n, unsigned *ret_first)
{
	static struct chunk *last;
	struct chunk *c, *next;

	if (!chunks)
		last = NULL;
	for (c = avail; c; c = next) {
		next = c->next_avail;
		*ret_first = find_slots(c, n);
		if (*ret_first)
			return c;
		if (!find_slots(c, 1))
			unlist_avail(c);
	}
	if (last && (*ret_first = find_slots(last, n)))
		return last;
	c = chunks;
	if (!c || !(*ret_first = find_slots(c, n))) {
		c = new_chunk();
		*ret_first = 1;
	}
	last = c;
	return c;
}

static void init_span(struct span *s, uint64_t slots, bool dirty)
{
	uint64_t i;

	memset(s, 0, sizeof(*s));
	s->kind = SPAN_OBJECTS;
	s->o.slots = (uint32_t)slots;
	s->o.dirty = dirty;
	for (i = 1; i < slots && i < CHUNK_SLOTS - 1; i++) {
		s[i].kind = SPAN_MORE;
		s[i].back = (uint8_t)i;
	}
	bytes.objects += slots * SLOT;
}

/* A mapping for one object, which looks like a chunk that goes on. */
static struct span *take_huge(uint64_t slots)
{
	uint64_t size = (slots * SLOT + SLOT + CHUNK - 1) & ~(CHUNK - 1);
	uint64_t at = map(0, size + CHUNK, PROT_READ | PROT_WRITE), lo;
	struct chunk *c;

	if (!at)
		return NULL;
	lo = (at + CHUNK - 1) & ~(CHUNK - 1);
	if (lo > at)
		munmap((void *)at, lo - at);
	if (at + CHUNK > lo)
		munmap((void *)(lo + size), at + CHUNK - lo);
	if (!table_set(lo, size / CHUNK, true)) {
		table_set(lo, size / CHUNK, false);
		munmap((void *)lo, size);
		return NULL;
	}
	c = (struct chunk *)lo;
	c->size = size;
	c->next = huge;
	if (huge)
		huge->prev_avail = c;
	huge = c;
	mapped += size;
	init_span(&c->span[1], slots, false);
	return &c->span[1];
}

static void give_huge(struct span *s)
{
	struct chunk *c = (struct chunk *)((uint64_t)s & ~(CHUNK - 1));

	if (c->prev_avail)
		c->prev_avail->next = c->next;
	else
		huge = c->next;
	if (c->next)
		c->next->prev_avail = c->prev_avail;
	table_set((uint64_t)c, c->size / CHUNK, false);
	mapped -= c->size;
	munmap(c, c->size);
}

struct span *mheap_take_slots(uint64_t slots)
{
	struct span *s = NULL;
	struct chunk *c;
	unsigned first;

	if (slots > UINT32_MAX)
		return NULL;
	lock(&heap_lock);
	if (slots >= CHUNK_SLOTS) {
		s = take_huge(slots);
	} else {
		c = find_avail((unsigned)slots, &first);
		if (c) {
			bool dirty = take_slots(c, first, (unsigned)slots) > 0;

			s = &c->span[first];
			init_span(s, slots, dirty);
		}
	}
	unlock(&heap_lock);
	return s;
}

void mheap_give_slots(struct span *s)
{
	struct chunk *c = (struct chunk *)((uint64_t)s & ~(CHUNK - 1));
	unsigned n = s->o.slots, i;

	lock(&heap_lock);
	bytes.objects -= n * SLOT;
	if (n >= CHUNK_SLOTS) {
		give_huge(s);
	} else {
		unsigned __int128 set = slot_set((unsigned)(s - c->span), n);

		for (i = 0; i < n; i++)
			s[i].kind = SPAN_FREE;
		c->busy &= ~set;
		c->dirty |= set;
		bytes.idle += n * SLOT;
		if (!c->avail)
			list_avail(c);
	}
	unlock(&heap_lock);
}

/* Dirty slots that follow each other, taken so that nobody else takes them; how many. */
static unsigned take_dirty(struct chunk *c, unsigned *ret_first)
{
	unsigned i = *ret_first, n;

	while (i < CHUNK_SLOTS && !(c->dirty >> i & 1))
		i++;
	for (n = 0; i + n < CHUNK_SLOTS && c->dirty >> (i + n) & 1; n++)
		;
	*ret_first = i;
	if (n)
		take_slots(c, i, n);
	return n;
}

uint64_t mheap_release(uint64_t keep)
{
	uint64_t released = 0;
	struct chunk *c;
	unsigned first, n;

	lock(&heap_lock);
	for (c = chunks; c && bytes.idle > keep; c = c->next) {
		for (first = 1; (n = take_dirty(c, &first)); first += n) {
			/* Chunks stay while co_run lasts, and new ones come in front. */
			unlock(&heap_lock);
			madvise((char *)c + first * SLOT, n * SLOT, MADV_DONTNEED);
			released += n * SLOT;
			lock(&heap_lock);
			c->busy &= ~slot_set(first, n);
		}
	}
	unlock(&heap_lock);
	return released;
}

struct chunk *mheap_chunks(void)
{
	return chunks;
}

struct chunk *mheap_huge(void)
{
	return huge;
}

struct mheap_bytes mheap_bytes(void)
{
	struct mheap_bytes b;

	lock(&heap_lock);
	b = bytes;
	unlock(&heap_lock);
	return b;
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
	while ((c = huge)) {
		huge = c->next;
		munmap(c, c->size);
	}
	table_reset();
	memset(hint, 0, sizeof(hint));
	avail = NULL;
	bytes = (struct mheap_bytes){ 0 };
	mapped = 0;
}
