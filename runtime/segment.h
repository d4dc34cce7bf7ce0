/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h: stacks of several pieces, the policy segmented. */
#ifndef ST_RUNTIME_SEGMENT_H
#define ST_RUNTIME_SEGMENT_H

#include "runtime/runtime.h"

/* At the top of each segment but the first. */
struct segment {
	struct segment *older;
	struct stack old; /* where the call came from */
	uint64_t old_sp;
	uint64_t total; /* bytes of all segments so far */
};

/*
 * The function whose check failed goes on in a new segment, with need bytes of room; what it finds
 * of its caller is a copy of args bytes of arguments and a return address that leads back here.
 * Returns where that return address stands.
 */
uint64_t segment_enter(struct regs *r, uint64_t need, uint64_t args);
/* A block for alloca, which goes when the frame at bp returns. */
uint64_t segment_block(uint64_t size, uint64_t bp);
/* Where the frame at bp returns to, if what stands there is ret. */
uint64_t segment_true_return(const struct g *gp, uint64_t bp, uint64_t ret);
/* Calls fn for what is in use besides the newest segment: older segments, blocks of alloca. */
void segments_each(const struct g *gp, void (*fn)(uint64_t lo, uint64_t hi, void *arg), void *arg);
/* The coroutine ends, wherever it is: all but its first stack, which is left in gp->stack. */
void segments_free(struct g *gp);

#endif
