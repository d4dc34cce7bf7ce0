/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sanitize.h: what AddressSanitizer and ThreadSanitizer are told of coroutines.
 *
 * The runtime is built a second and a third time for programs that are compiled with -fsanitize
 * (mk/sanitize.mk).  In the usual build all of this is nothing.
 *
 * ThreadSanitizer: a coroutine is a fiber, which keeps its call stack for reports.  A switch is a
 * synchronisation, as it is in truth: coroutines of one thread run one after the other, and
 * everything that belongs to a P is touched without atomics on that ground.  So a race of the
 * program between two coroutines is seen only when they ran on different threads.
 *
 * AddressSanitizer is told where the stack is that runs: it finds callers by frame pointers, which
 * must lie in it.  For the same reason malloc and its sisters are called on G.  It watches heap and
 * globals, and no locals (--param asan-stack=0, here and in corun-cc): code has addresses of its
 * frame's shadow in registers and on the stack, which nothing tells from numbers, so that they
 * cannot move with the frame; and would clear and poison where the frame was.  Of foreign code that
 * calls back it is not known what it poisoned: the shadow of a stack is cleared when others get it,
 * and the runtime reads stacks unwatched.
 *
 * LeakSanitizer would take for lost what only a coroutine or an object of co_alloc leads to, since
 * it does not look there.  So it looks only when no co_run is under way.
 *
 * Code on G calls the sanitizer, whose reports need room: STACK_GUARD is larger, and so is each
 * stack.  Where stacks have a fixed size, the program must make it larger.
 */
#ifndef ST_RUNTIME_SANITIZE_H
#define ST_RUNTIME_SANITIZE_H

#include "runtime/layout_amd64.h"

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

struct g;
struct m;
struct stack;

/* What a descriptor, or an M, keeps for the sanitizer. */
struct sanitize_context {
	void *fiber;
	bool left; /* the fiber has calls that never return */
	void *fake_stack;
};

#ifdef SANITIZED
void sanitize_thread(void);	    /* an M begins */
void sanitize_born(struct g *gp);   /* has a stack, and is going to run */
void sanitize_left(struct g *gp);   /* it is about to end in the middle of its functions */
void sanitize_free(struct g *gp);   /* no coroutine uses the descriptor any more */
void sanitize_to_g(struct g *gp);   /* on g0: what runs next is gp */
void sanitize_to_g0(struct g *gp);  /* on g0, just left by gp */
void sanitize_gone(struct g *gp);   /* on g0, from which gp never comes back; may be NULL */
void sanitize_moved(struct g *gp);  /* on g0, for which it grew: it goes on on another stack */
void sanitize_unused(struct stack); /* the memory is going to be another's */
#else
#define sanitize_thread()  ((void)0)
#define sanitize_born(gp)  ((void)0)
#define sanitize_left(gp)  ((void)0)
#define sanitize_free(gp)  ((void)0)
#define sanitize_gone(gp)  ((void)0)
#define sanitize_moved(gp) ((void)0)
#define sanitize_unused(s) ((void)0)
#endif
#endif

#endif
