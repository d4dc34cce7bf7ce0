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

/* A run of a chunk that holds stacks of one order. */
struct span {
	struct span *next, *prev; /* of those with free stacks, in the central pool of the order */
	uint32_t free;		  /* a bit for each free stack */
	uint8_t order;
	uint8_t count; /* of stacks in it */
	uint8_t listed;
};

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

/* Up to n free stacks, highest address first; how many there were: 0 if there is no memory. */
unsigned mcentral_take(unsigned order, uint64_t *ret, unsigned n);
void mcentral_give(unsigned order, const uint64_t *lo, unsigned n);
/* Free bytes of all orders. */
uint64_t mcentral_free(void);
void mcentral_reset(void);

#endif
