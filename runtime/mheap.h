/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mheap.h: spans of address space, and the central pools that cut stacks from them.
 *
 * Sizes are orders here: a stack of order n has STACK_MIN << n bytes and is aligned to its size.
 */
#ifndef ST_RUNTIME_MHEAP_H
#define ST_RUNTIME_MHEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STACK_ORDERS  32
#define PACKED_ORDERS 10   /* up to 1 MiB: cut from chunks; larger ones are mapped one by one */
#define STACK_TAIL    4096 /* readable behind the highest stack: __corun_call_args reads past it */

#define CHUNK	    (4ull << 20)
#define SLOT	    (32ull << 10)
#define CHUNK_SLOTS (CHUNK / SLOT)

enum span_kind {
	SPAN_FREE,
	SPAN_STACKS,
	SPAN_OBJECTS, /* heap.h */
	SPAN_MORE,    /* a further slot of the span that begins back slots before */
};

struct co_type;

/* 64 objects that follow each other. */
struct group {
	uint64_t alloc; /* a bit for each that is allocated, or in a P's cache */
	uint64_t mark;	/* 0 but while a collection marks */
};

/* What is known of a span of heap objects. */
struct objects {
	struct group *group;
	uint64_t magic;		    /* 2^40 / size, rounded up; 0: it is one object */
	uint64_t size;		    /* of one */
	uint64_t *pointers;	    /* OBJECTS_TYPED: a bit for each word of the span */
	const struct co_type *type; /* of one object that is a span, if typed */
	uint32_t count;
	uint32_t slots;
	uint8_t class;
	uint8_t scan;	  /* enum scan */
	uint8_t dirty;	  /* what is free does not read as zeros */
	struct group one; /* for one object */
};

/* A run of a chunk that holds stacks of one order, or heap objects of one size. */
struct span {
	struct span *next, *prev; /* of those with free stacks, in the central pool of the order */
	uint32_t free;		  /* a bit for each free stack */
	uint8_t order;
	uint8_t count; /* of stacks in it */
	uint8_t listed;
	uint8_t kind; /* enum span_kind */
	uint8_t back; /* SPAN_MORE */
	struct objects o;
} __attribute__((aligned(64)));

struct chunk {
	struct chunk *next;
	struct chunk *next_avail, *prev_avail; /* of those that got slots back from the heap */
	uint64_t size;			       /* of the mapping */
	unsigned __int128 busy;		       /* slots; the first is ours */
	unsigned __int128 dirty; /* free slots that still have their memory, and what stood there */
	bool avail;
	struct span span[CHUNK_SLOTS];
};
_Static_assert(sizeof(struct chunk) <= SLOT, "fits");
_Static_assert(CHUNK_SLOTS == 128, "fits into the set");

uint64_t map_pages(uint64_t size, int prot); /* 0: no room */
/* One mapping, aligned to its size, with a tail of the same kind behind it. */
uint64_t map_aligned(uint64_t size, int prot, uint64_t hint);
void unmap_aligned(uint64_t lo, uint64_t size);

/* A span with all of its stacks free; NULL: no memory. */
struct span *mheap_take(unsigned order);
/* Gives a span back whose stacks are all free, and its memory to the system. */
void mheap_give(struct span *s);
struct span *mheap_span_of(uint64_t lo);
uint64_t mheap_span_begin(const struct span *s);
/* Unmaps everything. */
void mheap_reset(void);
/* Address space in chunks. */
uint64_t mheap_mapped(void);

/*
 * Slots for objects of the heap, as many as wanted: more than a chunk has get a mapping of their
 * own.  The span is zeroed but for its kind, o.slots and o.dirty.  NULL: no memory.
 */
struct span *mheap_take_slots(uint64_t slots);
/* The memory stays resident until mheap_release, to be taken again. */
void mheap_give_slots(struct span *s);
/* Returns free memory that is resident to the system until at most keep bytes are left; how much.
 */
uint64_t mheap_release(uint64_t keep);
/* The newest chunk, and the newest mapping of one object. */
struct chunk *mheap_chunks(void);
struct chunk *mheap_huge(void);

struct mheap_bytes {
	uint64_t objects; /* in spans of objects */
	uint64_t stacks;  /* in spans of stacks */
	uint64_t idle;	  /* free, and resident */
};
struct mheap_bytes mheap_bytes(void);

/*
 * Which chunk an address is in, for addresses that may be anything: a table of two levels.  1: in a
 * chunk that begins there; n > 1: in a mapping that began n - 1 chunks before; 0: not ours.
 */
#define TABLE_LEAF_BITS 12
#define TABLE_ROOT_BITS (47 - 22 - TABLE_LEAF_BITS)
extern uint32_t *chunk_table[1 << TABLE_ROOT_BITS];
extern uint64_t chunks_lo, chunks_hi; /* all chunks are in between */

/* The span of objects that the address is in, or NULL. */
static inline struct span *objects_at(uint64_t address)
{
	struct chunk *c = (struct chunk *)(address & ~(CHUNK - 1));
	const uint32_t *leaf;
	struct span *s;
	uint32_t n;

	if (address - chunks_lo >= chunks_hi - chunks_lo)
		return NULL;
	leaf = chunk_table[address >> (22 + TABLE_LEAF_BITS)];
	n = leaf ? leaf[address >> 22 & ((1u << TABLE_LEAF_BITS) - 1)] : 0;
	if (n != 1) {
		if (!n)
			return NULL;
		c = (struct chunk *)((uint64_t)c - (n - 1) * CHUNK);
		return &c->span[1];
	}
	s = &c->span[(address & (CHUNK - 1)) / SLOT];
	if (s->kind == SPAN_MORE)
		s -= s->back;
	return s->kind == SPAN_OBJECTS ? s : NULL;
}

/* Up to n free stacks, highest address first; how many there were: 0 if there is no memory. */
unsigned mcentral_take(unsigned order, uint64_t *ret, unsigned n);
void mcentral_give(unsigned order, const uint64_t *lo, unsigned n);
/* Free bytes of all orders. */
uint64_t mcentral_free(void);
void mcentral_reset(void);

#endif
