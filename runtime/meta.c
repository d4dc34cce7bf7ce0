/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meta.c: memory for what the collector knows of spans: which objects are allocated and marked, and
 * where their pointers are.
 *
 * It lies apart from the objects, so that a program that writes past one does not break the heap,
 * and packed, so that marking, which comes here for every pointer, finds it in the processor's
 * caches.
 */
#include <string.h>
#include <sys/mman.h>

#include "runtime/heap.h"
#include "runtime/lock.h"

#define UNIT  64u
#define UNITS 80	   /* sizes are kept apart up to this */
#define PIECE (256u << 10) /* mapped at a time */

struct piece {
	struct piece *next;
	uint64_t pad[7];
};

static struct lock meta_lock;
static void *freed[UNITS + 1];
static struct piece *pieces;
static uint64_t used = PIECE, mapped;

void *meta_alloc(size_t size)
{
	size_t units = (size + UNIT - 1) / UNIT;
	void *p = NULL;

	if (units > UNITS)
		fatal("meta_alloc: %zu bytes", size);
	lock(&meta_lock);
	if (freed[units]) {
		p = freed[units];
		freed[units] = *(void **)p;
		memset(p, 0, units * UNIT);
	} else {
		if (used + units * UNIT > PIECE) {
			struct piece *next = (struct piece *)map_pages(PIECE,
								       PROT_READ | PROT_WRITE);

			if (next) {
				next->next = pieces;
				pieces = next;
				used = sizeof(*next);
				mapped += PIECE;
			}
		}
		if (used + units * UNIT <= PIECE) {
			p = (char *)pieces + used;
			used += units * UNIT;
		}
	}
	unlock(&meta_lock);
	return p;
}

void meta_free(void *p, size_t size)
{
	size_t units = (size + UNIT - 1) / UNIT;

	lock(&meta_lock);
	*(void **)p = freed[units];
	freed[units] = p;
	unlock(&meta_lock);
}

uint64_t meta_mapped(void)
{
	return __atomic_load_n(&mapped, __ATOMIC_RELAXED);
}

void meta_reset(void)
{
	struct piece *p;

	while ((p = pieces)) {
		pieces = p->next;
		munmap(p, PIECE);
	}
	memset(freed, 0, sizeof(freed));
	used = PIECE;
	mapped = 0;
}
