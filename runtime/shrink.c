/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shrink.c: a collection halves stacks of which less than a quarter is used, as in Go.
 *
 * Only those whose coroutine is parked or waits for its turn: what the runtime has of addresses of
 * such a stack is in the sudogs, which move_to has moved along.  A coroutine that is stopped
 * inside of a call has addresses on g0.
 *
 * The copy works as in a growth; where there is no memory for the smaller stack, the larger one
 * stays.
 *
 * With GODEBUG=adaptivestackstart=1 a collection also decides what stacks start with from then on:
 * the average of what it read, with room to call something.
 */
#include "runtime/gc.h"
#include "runtime/mcache.h"

static bool may_move(const struct g *gp)
{
	return gp->status == G_WAITING || gp->status == G_RUNNABLE;
}

bool stack_is_large(const struct g *gp)
{
	uint64_t size = gp->stack.hi - gp->stack.lo, used = gp->stack.hi - gp->sched.sp;

	return size / 2 >= settings.stack_size && size > STACK_MIN &&
	       used + STACK_GUARD < size / 4 && settings.policy == CO_COPY &&
	       !settings.gcshrinkstackoff && may_move(gp);
}

void shrinkstack(struct g *gp)
{
	copystack(gp, (gp->stack.hi - gp->stack.lo) / 2);
}

uint64_t stack_start_size;

void adapt_start(uint64_t bytes, uint64_t stacks)
{
	uint64_t want = stacks ? bytes / stacks + STACK_GUARD : 0, size = settings.stack_size;

	while (size < want && size < settings.max_stack)
		size *= 2;
	stack_start_size = size;
}
