/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.h: objects of the collected heap: sizes, spans, and each P's cache of them.
 *
 * The three tiers are those of stacks.  A P has, for each size and way of scanning, a span of its
 * own and takes objects from it without a lock, 64 at a time; behind it are the central lists of
 * spans that have room, one with a lock for each; behind them the page heap.
 */
#ifndef ST_RUNTIME_HEAP_H
#define ST_RUNTIME_HEAP_H

#include "runtime/mheap.h"
#include "runtime/runtime.h"

#define SMALL_MAX      (32u << 10) /* larger objects are spans of their own */
#define OBJECT_CLASSES 62
#define GROUP	       64
#define SCAN_PIECE     (128u << 10) /* a large object is scanned in pieces */

/* How the collector reads an object. */
enum scan {
	SCAN_ALL,   /* every word may be an address */
	SCAN_TYPED, /* those words that the type names */
	SCAN_NONE,
	SCANS
};
#define SPAN_CLASSES (OBJECT_CLASSES * SCANS)

struct heap_slot {
	uint64_t bits; /* objects that are free, from base on */
	uint64_t base;
	uint32_t size;
	uint32_t zero; /* they must be zeroed one by one */
	struct span *span;
	uint32_t group; /* of the span, the one that bits are about */
} __attribute__((aligned(64)));

struct heap_cache {
	struct heap_slot slot[SPAN_CLASSES];
	/* Objects and bytes taken from spans, what is left in bits included. */
	uint64_t objects, bytes;
	uint64_t told; /* of the bytes, those that pacing knows of */
};

/* class.c */
extern uint32_t class_size[OBJECT_CLASSES];
extern uint8_t class_slots[OBJECT_CLASSES];
extern uint8_t class_small[(1024 >> 3) + 1];		   /* by size / 8, rounded up */
extern uint8_t class_large[((SMALL_MAX - 1024) >> 7) + 1]; /* by (size - 1024) / 128 */
void classes_init(void);

static inline unsigned class_of(size_t size)
{
	return size <= 1024 ? class_small[(size + 7) >> 3] : class_large[(size - 1024 + 127) >> 7];
}

/* hcentral.c: spans that have room.  All of them are in no P's cache. */
struct span *hcentral_take(unsigned span_class); /* NULL: none, and no memory for another */
/* A chain of n spans, from first to last. */
void hcentral_give(unsigned span_class, struct span *first, struct span *last);
void hcentral_drop_all(void); /* the lists are made anew by a sweep */
/* A span of one object. */
struct span *large_object(uint64_t size, enum scan scan, const struct co_type *type);
void span_free(struct span *s);

static inline uint64_t span_base(const struct span *s)
{
	return mheap_span_begin(s);
}

static inline unsigned span_groups(const struct span *s)
{
	return (s->o.count + GROUP - 1) / GROUP;
}

/* The bits of a group that stand for objects. */
static inline uint64_t group_valid(const struct span *s, unsigned group)
{
	unsigned n = s->o.count - group * GROUP;

	return n >= GROUP ? UINT64_MAX : (1ull << n) - 1;
}

/* meta.c: memory for what is known of spans; zeroed; NULL: there is none. */
void *meta_alloc(size_t size);
void meta_free(void *p, size_t size);
uint64_t meta_mapped(void);
void meta_reset(void);

/* heap.c */
struct heap_cache *heap_cache_new(void);
/* What the cache has left back into the spans, before a sweep or when its P goes. */
void heap_cache_flush(struct heap_cache *h);
#endif
