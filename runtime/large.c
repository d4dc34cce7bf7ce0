/* SPDX-License-Identifier: Apache-2.0 */
/*
 * large.c: stacks of more than a mebibyte.
 *
 * They are rare and cost hundreds of page faults, so a few are kept as they are, up to KEEP bytes
 * in all; the rest returns to the system at once.
 */
#include "runtime/large.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/lock.h"
#include "runtime/mheap.h"
#include "runtime/runtime.h"

#define KEEP  (256ull << 20)
#define SLOTS 32 /* for each order */

static struct lock large_lock;
static struct {
	uint64_t slot[SLOTS];
	unsigned used;
} kept[STACK_ORDERS];
static uint64_t kept_bytes, mapped;

int large_alloc(unsigned order, uint64_t *ret)
{
	uint64_t size = (uint64_t)STACK_MIN << order, lo = 0;

	lock(&large_lock);
	if (kept[order].used) {
		lo = kept[order].slot[--kept[order].used];
		kept_bytes -= size;
	}
	unlock(&large_lock);
	if (!lo) {
		lo = map_aligned(size, PROT_READ | PROT_WRITE, 0);
		if (!lo)
			return -ENOMEM;
		__atomic_fetch_add(&mapped, size, __ATOMIC_RELAXED);
	}
	*ret = lo;
	return 0;
}

void large_free(unsigned order, uint64_t lo)
{
	uint64_t size = (uint64_t)STACK_MIN << order;
	bool keep;

	lock(&large_lock);
	keep = kept_bytes + size <= KEEP && kept[order].used < SLOTS;
	if (keep) {
		kept[order].slot[kept[order].used++] = lo;
		kept_bytes += size;
	}
	unlock(&large_lock);
	if (keep)
		return;
	unmap_aligned(lo, size);
	__atomic_fetch_sub(&mapped, size, __ATOMIC_RELAXED);
}

uint64_t large_mapped(void)
{
	return __atomic_load_n(&mapped, __ATOMIC_RELAXED);
}

void large_reset(void)
{
	unsigned i, k;

	for (i = 0; i < STACK_ORDERS; i++)
		for (k = 0; k < kept[i].used; k++)
			unmap_aligned(kept[i].slot[k], (uint64_t)STACK_MIN << i);
	memset(kept, 0, sizeof(kept));
	kept_bytes = 0;
	mapped = 0;
}
