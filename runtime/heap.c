/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.c: co_alloc.
 *
 * A P takes 64 objects of a span at once: their bits move from the span to its cache, and what is
 * to be zeroed is zeroed in one go while it is small.  Then an object is a bit and a
 * multiplication. A collection takes back the bits that are left.
 *
 * All but refill and large runs on G, without a check of the stack: frames are small.  The
 * collector finds the caller's registers saved on its stack, because mcall leaves a coroutine as if
 * it parked.
 *
 * Rejected: free lists through the objects.  They touch memory that is not wanted yet, and one
 * stray write into a free object breaks the heap.
 */
#include "runtime/heap.h"

#include <string.h>
#include <sys/mman.h>

#include "runtime/gc.h"
#include "runtime/mcache.h"
#include "runtime/proc.h"

/* Objects up to this are zeroed with their group. */
#define ZERO_TOGETHER 128

enum refill { REFILLED, COLLECT_FIRST, NO_MEMORY };

/* call_amd64.S: the same, on g0 */
enum refill refill_g0(struct heap_slot *e, unsigned span_class);
void *large_g0(size_t size, enum scan scan, const struct co_type *type, bool collected);
enum refill refill(struct heap_slot *e, unsigned span_class);
void *large(size_t size, enum scan scan, const struct co_type *type, bool collected);
static char collect_first; /* what large returns then */

struct heap_cache *heap_cache_new(void)
{
	void *p = mmap(NULL, sizeof(struct heap_cache), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static struct heap_cache *mine(void)
{
	return getm()->p->mcache->heap;
}

static void zero_runs(uint64_t base, uint64_t size, uint64_t bits)
{
	while (bits) {
		unsigned first = (unsigned)__builtin_ctzll(bits), n;

		n = ~(bits >> first) ? (unsigned)__builtin_ctzll(~(bits >> first)) : GROUP;
		memset((void *)(base + first * size), 0, n * size);
		bits &= n + first == GROUP ? (1ull << first) - 1 : ~0ull << (first + n);
	}
}

/* Takes the next group with free objects of the slot's span, from the given one on. */
static bool take_group(struct heap_slot *e, unsigned from)
{
	const struct span *s = e->span;
	unsigned groups = span_groups(s), i;

	for (i = from; i < groups; i++) {
		uint64_t bits = ~s->o.group[i].alloc & group_valid(s, i);
		struct heap_cache *h = mine();
		uint64_t n;

		if (!bits)
			continue;
		s->o.group[i].alloc |= bits;
		n = (uint64_t)__builtin_popcountll(bits);
		h->objects += n;
		h->bytes += n * s->o.size;
		e->group = i;
		e->base = span_base(s) + i * GROUP * s->o.size;
		e->zero = s->o.dirty && s->o.size > ZERO_TOGETHER;
		if (s->o.dirty && !e->zero)
			zero_runs(e->base, s->o.size, bits);
		e->bits = bits;
		return true;
	}
	return false;
}

/* On g0: another span for the slot. */
enum refill refill(struct heap_slot *e, unsigned span_class)
{
	struct heap_cache *h = mine();
	uint64_t news = h->bytes - h->told;

	h->told = h->bytes;
	if (pace_allocated(news))
		return COLLECT_FIRST;
	do {
		e->span = hcentral_take(span_class);
		if (!e->span)
			return NO_MEMORY;
		e->size = (uint32_t)e->span->o.size;
	} while (!take_group(e, 0));
	return REFILLED;
}

/* On g0. */
void *large(size_t size, enum scan scan, const struct co_type *type, bool collected)
{
	struct heap_cache *h = mine();
	struct span *s;

	if (!collected && pace_wants(size))
		return &collect_first;
	s = large_object(size, scan, type);
	if (!s)
		return collected ? NULL : &collect_first;
	pace_allocated(s->o.size);
	h->objects++;
	h->bytes += s->o.size;
	h->told += s->o.size;
	if (s->o.dirty)
		memset((void *)span_base(s), 0, s->o.size);
	return (void *)span_base(s);
}

/* May come back on another P. */
static __attribute__((noinline)) struct heap_slot *fill(unsigned span_class)
{
	bool collected = false;

	for (;;) {
		struct heap_slot *e = &mine()->slot[span_class];
		enum refill rc;

		if (e->bits || (e->span && take_group(e, e->group + 1)))
			return e;
		e->span = NULL;
		rc = refill_g0(e, span_class);
		if (rc == REFILLED)
			return e;
		if (rc == NO_MEMORY && collected)
			return NULL;
		gc_collect(false);
		collected = true;
	}
}

static __attribute__((noinline)) void *alloc_large(size_t size, enum scan scan,
						   const struct co_type *type)
{
	void *p;

	if (size > PTRDIFF_MAX)
		return NULL;
	p = large_g0(size, scan, type, false);
	if (p == &collect_first) {
		gc_collect(false);
		p = large_g0(size, scan, type, true);
	}
	return p;
}

static inline void *alloc(size_t size, enum scan scan, const struct co_type *type)
{
	struct heap_slot *e;
	unsigned class;
	void *p;

	if (unlikely(!may_ready()))
		return NULL;
	if (unlikely(settings.fail_at) && debug_fail())
		return NULL;
	if (unlikely(size > SMALL_MAX))
		return alloc_large(size, scan, type);
	class = class_of(size);
	e = &mine()->slot[class * SCANS + scan];
	if (unlikely(!e->bits) && !(e = fill(class * SCANS + scan)))
		return NULL;
	p = (void *)(e->base + (uint64_t)__builtin_ctzll(e->bits) * e->size);
	e->bits &= e->bits - 1;
	if (e->zero)
		memset(p, 0, e->size);
	return p;
}

void *co_alloc(size_t size)
{
	return alloc(size, SCAN_ALL, NULL);
}

void *co_alloc_atomic(size_t size)
{
	return alloc(size, SCAN_NONE, NULL);
}

/* Sets n bits, at most 64, from a position on. */
static void put_bits(uint64_t *map, uint64_t at, uint64_t bits, unsigned n)
{
	uint64_t mask = n < 64 ? (1ull << n) - 1 : ~0ull;
	unsigned shift = at % 64;

	map[at / 64] = (map[at / 64] & ~(mask << shift)) | (bits & mask) << shift;
	if (shift + n > 64)
		map[at / 64 + 1] = (map[at / 64 + 1] & ~(mask >> (64 - shift))) |
				   (bits & mask) >> (64 - shift);
}

/* Writes down where an object of a typed span has its pointers. */
static void put_map(const struct span *s, uint64_t p, const struct co_type *type, size_t count)
{
	uint64_t at = (p - span_base(s)) / 8, end = at + s->o.size / 8, words = type->size / 8, i;

	for (; count; count--, at += words)
		for (i = 0; i < words; i += 64)
			put_bits(s->o.pointers, at + i,
				 !i	      ? type->map
				 : type->more ? type->more[i / 64 - 1]
					      : 0,
				 words - i < 64 ? (unsigned)(words - i) : 64);
	for (; at < end; at += 64)
		put_bits(s->o.pointers, at, 0, end - at < 64 ? (unsigned)(end - at) : 64);
}

void *co_alloc_typed(const struct co_type *type, size_t count)
{
	size_t size;
	void *p;

	if (!type || __builtin_mul_overflow(type->size, count, &size))
		return NULL;
	if (!type->map && !type->more)
		return alloc(size, SCAN_NONE, NULL);
	if (type->size % 8)
		return NULL;
	p = alloc(size, SCAN_TYPED, type);
	if (p && size <= SMALL_MAX)
		put_map(objects_at((uint64_t)p), (uint64_t)p, type, count);
	return p;
}

void heap_cache_flush(struct heap_cache *h)
{
	unsigned i;

	for (i = 0; i < SPAN_CLASSES; i++) {
		struct heap_slot *e = &h->slot[i];
		uint64_t n = (uint64_t)__builtin_popcountll(e->bits);

		if (e->span) {
			e->span->o.group[e->group].alloc &= ~e->bits;
			h->objects -= n;
			h->bytes -= n * e->size;
		}
		*e = (struct heap_slot){ 0 };
	}
	h->told = h->bytes;
}
