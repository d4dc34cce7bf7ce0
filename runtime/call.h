/* SPDX-License-Identifier: Apache-2.0 */
/* call.h: calls that block, and that whoever waits for them may give up; see call.c. */
#ifndef ST_RUNTIME_CALL_H
#define ST_RUNTIME_CALL_H

#include "runtime/runtime.h"

/* The beginning of what such a call needs, in memory of call_new. */
struct call {
	/* Both are called with the struct call.  Makes it, on a thread of its own. */
	co_fn *make;
	/* Frees it and all that it has: what it needed, and what it brought that nobody took.  On
	 * any thread, perhaps long after co_run. */
	co_fn *drop;

	/* call.c's */
	struct call *next, **link; /* among those that a thread has, or that are not taken yet */
	struct waitq q;		   /* who waits for it */
	bool done;
	bool given_up; /* its thread drops it */
	bool refused;  /* it was not made: there was no memory, or no thread */
};

/* On G: whether a deadline, or the coroutine's token, may end the wait for a call. */
static inline bool call_may_end(int64_t deadline)
{
	return deadline != CO_FOREVER || getg()->cancel;
}

/* On G: size bytes, of which a struct call at the beginning is zeroed; NULL: no memory. */
void *call_new(size_t size);

/*
 * On G: has it made, and waits until that is done: 0.  If not, it is not the caller's any more, and
 * is or will be dropped: -ETIMEDOUT, -ECANCELED; and refused: -ENOMEM, -EAGAIN (no thread).
 */
int call_until(struct call *c, int64_t deadline);

/* On G: drops one that is done. */
static inline void call_drop(struct call *c)
{
	co_call(c->drop, c);
}

bool calls_awaited(void);     /* a coroutine sleeps until one is done */
uint32_t calls_threads(void); /* that there are, */
uint32_t calls_idle(void);    /* and how many of them have nothing to do */

/* On co_run's thread: it begins; it ends, and no call wakes anybody any more; nobody runs. */
void calls_begin(void);
void calls_stop(void);
void calls_end(void);

#endif
