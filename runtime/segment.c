/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment.c: segmented stacks, as Go had them before version 1.3 and libgcc still has.
 *
 * Here for the comparison: nothing moves, so any C code may keep addresses of locals; but a call
 * that crosses the border in a loop takes and gives a segment each time (the "hot split"; co_stats
 * counts them), and what a coroutine uses lies in pieces.
 *
 * A call that does not fit: its return address and arguments stand on the old segment.
 *
 *	old segment			new segment
 *	arguments			struct segment
 *	return address to the caller	copy of the arguments
 *	the caller's rbp  <- rbp	return address: segment_return
 *					the function's frame ...
 *
 * The word below the return address, where the check's own return address was, becomes a saved
 * frame pointer: so frame pointers and CFI lead from one segment to the other.  When the function
 * returns, segment_return (morestack_amd64.S) gives the segment back and goes on at rbp.
 *
 * A variadic function is handed the address of its arguments on the old segment.
 *
 * alloca does not get a segment but a block of its own, which must go when the frame goes: the
 * return address of the frame is kept in the block and replaced by block_return.  Unwinders other
 * than ours then lose the caller of such a frame.  Rejected: to look for blocks of lower frames at
 * the next chance; a loop over a function with alloca comes back to the same frame address each
 * time, and its blocks look alive.
 */
#include "runtime/segment.h"

#include <string.h>

#include "runtime/mcache.h"

/* morestack_amd64.S; where functions return to is behind their nop */
void segment_return(void);
void block_return(void);
void segment_leave(struct g *gp);
void block_leave(struct g *gp, uint64_t sp);

struct block {
	struct block *older;
	struct stack mem;
	uint64_t bp;  /* its frame */
	uint64_t ret; /* where the frame returns to */
};

static struct stack take(struct g *gp, uint64_t size)
{
	struct stack s;
	uint64_t total = gp->segment ? gp->segment->total : gp->stack.hi - gp->stack.lo;
	uint64_t fits = settings.stack_size;

	while (fits < size && fits < settings.max_stack)
		fits *= 2;
	if (fits < size || total + fits > settings.max_stack)
		fatal_overflow(gp, size);
	if (stackalloc(mcache_mine(), fits, &s))
		fatal_no_memory(gp, fits);
	return s;
}

static uint64_t true_return(const struct block *b, uint64_t ret)
{
	return ret == (uint64_t)block_return + 1 && b ? b->ret : ret;
}

uint64_t segment_enter(struct regs *r, uint64_t need, uint64_t args)
{
	struct g *gp = this_m.curg;
	uint64_t sp = r->gp[RSP], room = (args + 15) & ~15ull, top;
	struct segment *seg;
	struct stack s;

	s = take(gp, need + room + 8 + sizeof(*seg) + guard_room(gp) + STACK_TOP_RESERVED);
	seg = (struct segment *)((s.hi - sizeof(*seg)) & ~15ull);
	seg->older = gp->segment;
	seg->old = gp->stack;
	seg->old_sp = sp;
	seg->total = s.hi - s.lo + (gp->segment ? gp->segment->total : gp->stack.hi - gp->stack.lo);
	gp->segment = seg;
	top = (uint64_t)seg - room;
	memcpy((void *)top, (const void *)(sp + 16), args);
	*(uint64_t *)(top - 8) = (uint64_t)segment_return + 1; /* behind its nop */
	*(uint64_t *)sp = r->gp[RBP];
	r->gp[RBP] = sp;
	set_stack(gp, s);
	COUNT(mcache_mine()->count.segments, 1);
	return top - 8;
}

static void drop_segment(struct g *gp)
{
	struct stack s = gp->stack;
	struct segment *seg = gp->segment;

	gp->segment = seg->older;
	set_stack(gp, seg->old);
	stackfree(mcache_mine(), s);
}

/* Called by segment_return, on g0: the segment is empty. */
void segment_leave(struct g *gp)
{
	drop_segment(gp);
	sanitize_moved(gp);
}

uint64_t segment_block(uint64_t size, uint64_t bp)
{
	struct g *gp = this_m.curg;
	uint64_t *ret = (uint64_t *)bp + 1;
	struct block *b;
	struct stack s;

	s = take(gp, size > settings.max_stack ? size : size + sizeof(*b));
	b = (struct block *)(s.hi - sizeof(*b));
	/* The frame may have blocks already. */
	*b = (struct block){ gp->blocks, s, bp, true_return(gp->blocks, *ret) };
	gp->blocks = b;
	*ret = (uint64_t)block_return + 1;
	return s.lo;
}

/* Called by block_return, on g0: a frame with blocks returned, and sp is what it left. */
void block_leave(struct g *gp, uint64_t sp)
{
	struct block *b = gp->blocks;
	uint64_t bp = sp - 16, ret = b->ret;

	for (; b && b->bp == bp; b = gp->blocks) {
		gp->blocks = b->older;
		stackfree(mcache_mine(), b->mem);
	}
	((uint64_t *)sp)[-1] = ret;
}

uint64_t segment_true_return(const struct g *gp, uint64_t bp, uint64_t ret)
{
	const struct block *b = gp->blocks;

	while (b && b->bp != bp)
		b = b->older;
	return true_return(b, ret);
}

void segments_each(const struct g *gp, void (*fn)(uint64_t lo, uint64_t hi, void *arg), void *arg)
{
	const struct segment *seg;
	const struct block *b;

	for (seg = gp->segment; seg; seg = seg->older)
		fn(seg->old_sp, seg->old.hi, arg);
	for (b = gp->blocks; b; b = b->older)
		fn(b->mem.lo, b->mem.hi, arg);
}

void segments_free(struct g *gp)
{
	struct block *b;

	while (gp->segment)
		drop_segment(gp);
	while ((b = gp->blocks)) {
		gp->blocks = b->older;
		stackfree(mcache_mine(), b->mem);
	}
}
