/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack.c: the stack of one coroutine, from its first to its last, under each policy.
 *
 *	copy	packed, moves to one twice the size
 *	mmap	a reserved range, grows in place
 *	fixed	one size: a reserved range with a guard page, or packed without one
 *	segmented	packed, gets further segments that need not be beside it
 *
 * Packed stacks are all alike, so their tops, where a coroutine that waits has its last frames,
 * would fall on few sets of the processor's caches: at 2 KiB on two in 64 of the first level.  A
 * thousand coroutines that take turns then evict each other.  So tops are coloured: of neighbours
 * each leaves out another number of cache lines.  What a stack leaves out at its top it has more
 * below its guard, so that what fits does not depend on its colour, and the same program grows at
 * the same places.  The colour stays when the stack moves.  A yield among 1,000 takes two thirds of
 * the time; with two colours it is five sixths, with eight the same as with four.
 */
#include <errno.h>

#include "runtime/gc.h"
#include "runtime/mcache.h"
#include "runtime/reserve.h"
#include "runtime/segment.h"
#include "runtime/stackcheck.h"

/* Bytes at the top that no frame uses, so that __corun_call_args may read past the first frame. */
#define TOP_UNMAPPED 144

static bool is_reserved(void)
{
	return settings.policy == CO_MMAP ||
	       (settings.policy == CO_FIXED && settings.trigger == CO_GUARD);
}

void set_stack(struct g *gp, struct stack s)
{
	uint64_t lowest = s.lo;

	gp->stack = s;
	if (is_reserved() && settings.trigger == CO_GUARD)
		lowest = reserve_limit(&s);
	gp->stackguard = settings.move ? UINT64_MAX : lowest + guard_room(gp);
}

int stack_begin(struct g *gp)
{
	struct mcache *c = mcache_mine();
	uint64_t size = settings.stack_size;
	struct stack s;
	int rc;

	if (unlikely(settings.adaptive))
		size = adapt_size((uint64_t)gp->entry);
	else if (unlikely(settings.adaptivestackstart) && settings.policy == CO_COPY)
		size = stack_start_size;
	if (likely(!is_reserved())) {
		rc = stackalloc(c, size, &s);
	} else {
		rc = unlikely(settings.fail_at) && debug_fail() ? -ENOMEM : reserve_alloc(&s);
		if (!rc)
			COUNT(c->count.reserved, (int64_t)(s.hi - s.lo));
	}
	if (rc)
		return rc;
	gp->colour = 0;
	/* Elsewhere addresses would differ from run to run. */
	if (likely((s.mem & OWNER_MASK) == OWNER_PAGE))
		gp->colour = (s.lo >> __builtin_ctzll(size)) % STACK_COLOURS * 64;
	set_stack(gp, s);
	gp->moves = 0;
	return 0;
}

void stack_end(struct g *gp)
{
	struct mcache *c = mcache_mine();
	struct stack s;

	if (unlikely(gp->segment || gp->blocks))
		segments_free(gp);
	if (unlikely(settings.unmap))
		stackcheck_ended(gp);
	s = gp->stack;
	gp->stack = (struct stack){ 0, 0, 0 };
	if (unlikely(settings.adaptive))
		adapt_learn(gp);
	if (likely((s.mem & OWNER_MASK) != OWNER_RESERVED)) {
		stackfree(c, s);
		return;
	}
	COUNT(c->count.reserved, -(int64_t)(s.hi - s.lo));
	sanitize_unused(s);
	reserve_free(s);
}

uint64_t stack_top(const struct g *gp)
{
	bool tail = (gp->stack.mem & OWNER_MASK) != OWNER_RESERVED && !settings.unmap;

	return gp->stack.hi - (tail ? STACK_TOP_RESERVED : TOP_UNMAPPED) - gp->colour;
}

uint64_t stack_grown_lo(const struct g *gp, uint64_t needed_lo)
{
	uint64_t half = (gp->stack.hi - gp->stack.lo) / 2;
	uint64_t step = half > settings.gap ? half : settings.gap, lo;

	lo = gp->stack.lo - (step & ~(PAGE_SIZE - 1));
	if (lo > needed_lo || lo > gp->stack.lo)
		lo = needed_lo;
	return lo;
}

uint64_t stack_size(const struct g *gp)
{
	return gp->segment ? gp->segment->total : gp->stack.hi - gp->stack.lo;
}
