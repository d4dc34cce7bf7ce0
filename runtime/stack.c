/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack.c: the stack of one coroutine, from its first to its last.
 */
#include "runtime/mcache.h"

/* Bytes at the top that no frame uses, so that __corun_call_args may read past the first frame. */
#define TOP_UNMAPPED 144

void set_stack(struct g *gp, struct stack s)
{
	gp->stack = s;
	gp->stackguard = settings.move ? UINT64_MAX : s.lo + STACK_GUARD;
}

int stack_begin(struct g *gp)
{
	struct stack s;
	int rc = stackalloc(mcache_mine(), settings.stack_size, &s);

	if (rc)
		return rc;
	set_stack(gp, s);
	return 0;
}

void stack_end(struct g *gp)
{
	stackfree(mcache_mine(), gp->stack);
	gp->stack = (struct stack){ 0, 0, 0 };
}

uint64_t stack_top(const struct g *gp)
{
	return gp->stack.hi - (settings.unmap ? TOP_UNMAPPED : STACK_TOP_RESERVED);
}
