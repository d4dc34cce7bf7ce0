/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reserve.c: stacks that stay where they are, for the policies mmap and fixed.
 *
 * Each is a range of max_stack bytes above a guard page; the ranges follow one another.  What a
 * stack has of its range lies at the upper end and grows downwards.
 *
 * With the prologue as the trigger the whole range may be touched and only the limit that the
 * checks compare with goes down: a growth is no system call.  With the guard page as the trigger
 * what is below lo has no access; a SIGSEGV there is the growth (fault.c), and costs a signal and a
 * system call.
 *
 * Two mappings a stack (three while it is part of the way down): the kernel's limit of 65,530 is
 * reached by some 30,000 stacks, which is why copy is the policy to begin with.
 *
 * A stack that is free keeps the pages that it had up to KEEP bytes in all; those of the rest go
 * back to the system, and the addresses stay with us.
 */
#include "runtime/reserve.h"

#include <errno.h>
#include <sys/mman.h>

#include "runtime/lock.h"
#include "runtime/mcache.h"

#define KEEP  (64ull << 20)
#define BATCH 16 /* ranges reserved at once */

struct freed {
	uint64_t lo, hi;
};

static struct lock reserve_lock;
static struct freed *freed; /* last in first out */
static uint64_t freed_used, freed_room, kept;
static struct stack arena; /* what is left of the last mapping */
static struct stack *arenas;
static uint64_t arenas_used, arenas_room, mapped;
static uint64_t range, initial;

/* Makes room for one more element in a mapped array. */
static int make_room(void **array, uint64_t used, uint64_t *room, size_t item)
{
	uint64_t bigger = *room ? *room * 2 : PAGE_SIZE / item;
	void *p;

	if (used < *room)
		return 0;
	if (*room)
		p = mremap(*array, *room * item, bigger * item, MREMAP_MAYMOVE);
	else
		p = mmap(NULL, bigger * item, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	*array = p;
	*room = bigger;
	return 0;
}

static bool by_guard(void)
{
	return settings.trigger == CO_GUARD;
}

void reserve_init(void)
{
	range = ((settings.max_stack + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1)) + PAGE_SIZE;
	initial = (settings.stack_size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

uint64_t reserve_limit(const struct stack *s)
{
	return (s->mem & ~OWNER_MASK) + PAGE_SIZE;
}

/* A mapping of several ranges, or of one where the address space is short. */
static int new_arena(void)
{
	unsigned n;

	if (make_room((void **)&arenas, arenas_used, &arenas_room, sizeof(*arenas)))
		return -ENOMEM;
	for (n = BATCH; n; n /= 2) {
		arena.lo = map_pages(n * range, PROT_NONE);
		if (!arena.lo)
			continue;
		arena.hi = arena.lo + n * range;
		arenas[arenas_used++] = arena;
		mapped += n * range;
		return 0;
	}
	return -ENOMEM;
}

static int new_range(struct stack *ret)
{
	uint64_t lo, open;

	if (arena.lo == arena.hi && new_arena())
		return -ENOMEM;
	lo = arena.hi - range;
	open = by_guard() ? arena.hi - initial : lo + PAGE_SIZE;
	if (mprotect((void *)open, arena.hi - open, PROT_READ | PROT_WRITE))
		return -ENOMEM;
	*ret = (struct stack){ arena.hi - initial, arena.hi, lo | OWNER_RESERVED };
	arena.hi = lo;
	return 0;
}

int reserve_alloc(struct stack *ret)
{
	int rc = 0;

	lock(&reserve_lock);
	if (freed_used) {
		const struct freed *f = &freed[--freed_used];

		*ret = (struct stack){ f->lo, f->hi, (f->hi - range) | OWNER_RESERVED };
		kept -= f->hi - f->lo;
	} else {
		rc = new_range(ret);
	}
	unlock(&reserve_lock);
	return rc;
}

/* Back to the initial size. */
static void trim(struct stack *s)
{
	uint64_t lo = s->hi - initial;

	if (s->lo >= lo)
		return;
	madvise((void *)s->lo, lo - s->lo, MADV_DONTNEED);
	if (by_guard() && mprotect((void *)s->lo, lo - s->lo, PROT_NONE))
		return; /* too many mappings: it stays open */
	s->lo = lo;
}

void reserve_free(struct stack s)
{
	lock(&reserve_lock);
	if (kept + (s.hi - s.lo) > KEEP)
		trim(&s);
	/* Without room for the note the range is lost until co_run ends, nothing worse. */
	if (!make_room((void **)&freed, freed_used, &freed_room, sizeof(*freed))) {
		freed[freed_used++] = (struct freed){ s.lo, s.hi };
		kept += s.hi - s.lo;
	}
	unlock(&reserve_lock);
}

int reserve_grow(struct stack *s, uint64_t lo)
{
	lo &= ~(PAGE_SIZE - 1);
	if (lo < reserve_limit(s))
		lo = reserve_limit(s);
	if (by_guard() && mprotect((void *)lo, s->lo - lo, PROT_READ | PROT_WRITE))
		return -ENOMEM;
	s->lo = lo;
	return 0;
}

uint64_t reserve_mapped(void)
{
	uint64_t n;

	lock(&reserve_lock);
	n = mapped;
	unlock(&reserve_lock);
	return n;
}

void reserve_reset(void)
{
	while (arenas_used) {
		arenas_used--;
		munmap((void *)arenas[arenas_used].lo,
		       arenas[arenas_used].hi - arenas[arenas_used].lo);
	}
	if (arenas_room)
		munmap(arenas, arenas_room * sizeof(*arenas));
	if (freed_room)
		munmap(freed, freed_room * sizeof(*freed));
	arenas = NULL;
	freed = NULL;
	arenas_room = freed_room = freed_used = kept = mapped = 0;
	arena = (struct stack){ 0, 0, 0 };
}
