/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.h: how coroutines wait for things.
 *
 * A sudog is a coroutine in the queue of one thing: a channel, a lock, a descriptor.  A coroutine
 * has one of its own; co_select has more.  None of them lies on a stack, for stacks move.
 *
 * Most waits end in one way: who comes to the other side takes the sudog out of the queue.  Waits
 * of co_select, waits with a deadline, and waits of a coroutine that can be canceled may end in
 * several ways at once.  Their sudogs are marked as shared, and whoever wants to end the wait must
 * claim the coroutine first; of all that try one succeeds.
 *
 * Locks are taken in this order: that of the thing (several of them by address), that of the
 * cancellation token, that of the timers.  A waker holds the lock of the thing; the locks are
 * handed to wait_commit, which runs when the coroutine sleeps and lets go of them last.  So when
 * the coroutine has been woken and has got the lock of the thing, nobody arms anything for it any
 * more.
 */
#ifndef ST_RUNTIME_WAIT_H
#define ST_RUNTIME_WAIT_H

#include "runtime/lock.h"
#include "runtime/proc.h"
#include "runtime/runtime.h"
#include "runtime/timer.h"

struct select;

/* What a wait needs that may end in several ways; a coroutine's descriptor keeps it. */
struct waitx {
	struct timer timer; /* first; see wait_expired */
	struct g *g;
	int64_t deadline;
	struct co_cancel *token;    /* that can end this wait, or NULL */
	struct waitx *next, **link; /* among those that wait under the token */
	struct lock *lock;	    /* of the thing, or NULL */
	struct select *select;	    /* memory of co_select, kept for its next call */
};

static inline void waitq_add(struct waitq *q, struct sudog *sg)
{
	sg->q = q;
	sg->next = NULL;
	sg->prev = q->last;
	if (q->last)
		q->last->next = sg;
	else
		q->first = sg;
	q->last = sg;
}

static inline void waitq_add_first(struct waitq *q, struct sudog *sg)
{
	sg->q = q;
	sg->prev = NULL;
	sg->next = q->first;
	if (q->first)
		q->first->prev = sg;
	else
		q->last = sg;
	q->first = sg;
}

static inline void waitq_remove(struct sudog *sg)
{
	struct waitq *q = sg->q;

	if (sg->prev)
		sg->prev->next = sg->next;
	else
		q->first = sg->next;
	if (sg->next)
		sg->next->prev = sg->prev;
	else
		q->last = sg->prev;
	sg->q = NULL;
}

/* Whether the caller is the one that ends the wait of a coroutine with shared sudogs. */
static inline bool claim(struct g *gp)
{
	return !__atomic_exchange_n(&gp->claimed, 1, __ATOMIC_ACQ_REL);
}

/* Takes out the first whose wait is not over for another reason already, or NULL. */
static inline struct sudog *waitq_take(struct waitq *q)
{
	struct sudog *sg;

	while ((sg = q->first)) {
		waitq_remove(sg);
		if (!sg->shared || claim(sg->g))
			return sg;
	}
	return NULL;
}

/* Says what became of the wait; goready comes next, best without the lock. */
static inline struct g *wait_end(struct sudog *sg, int result)
{
	struct g *gp = sg->g;

	gp->wait_result = result;
	gp->wait_sudog = sg;
	return gp;
}

/* Wakes all in a queue, with its lock held. */
void waitq_wake_all(struct waitq *q, int result);

/*
 * On G: parks in q, with its lock held, which is given up.  Returns what the waker says; or
 * -ETIMEDOUT, -ECANCELED, -ENOMEM.  The lock may lie in memory of the program.
 */
enum wait_how { WAIT_FIRST = 1, WAIT_UNCANCELED = 2 }; /* first in the queue; for locks */
int wait_in_as(unsigned how, struct waitq *q, struct lock *l, void *item, enum wait_reason reason,
	       int64_t deadline);

/* The same for what the runtime itself allocates, inlined for the reason that gopark is. */
static inline int wait_in(struct waitq *q, struct lock *l, void *item, enum wait_reason reason,
			  int64_t deadline)
{
	struct g *gp = getg();
	struct sudog *sg = &gp->sudog;

	if (unlikely(deadline != CO_FOREVER || gp->cancel))
		return wait_in_as(0, q, l, item, reason, deadline);
	sg->g = gp;
	sg->item = item;
	sg->shared = false;
	waitq_add(q, sg);
	gopark_unlock(l, reason);
	return gp->wait_result;
}

/* On G: until the deadline.  0; -ECANCELED; -ETIMEDOUT: the token's deadline was earlier. */
int wait_until(int64_t deadline, enum wait_reason reason);

/*
 * The parts of a wait that may end in several ways, for co_select.  wait_prepare: 0, or why there
 * is no wait.  wait_arm, on g0, as the last but giving up locks: false if the wait is over
 * already.  wait_disarm: what wait_arm did.
 */
int wait_prepare(int64_t deadline, unsigned how);  /* on G */
int wait_prepare0(int64_t deadline, unsigned how); /* on g0 */
bool wait_arm(struct waitx *x, struct lock *l, void (*unlock_all)(struct waitx *));
void wait_disarm(struct waitx *x);

/* The coroutine never runs again: takes it out of all in which it waits.  Nobody else runs. */
void wait_forget(struct g *gp);
/* Its stack is about to move while it waits: what others keep of it moves along. */
void wait_relocate(struct g *gp, struct stack old, uint64_t delta);
/* The descriptor's memory is about to be given back. */
void wait_free(struct g *gp);

/* cancel.c */
struct co_cancel *cancel_of(const struct g *gp);
bool cancel_is(const struct co_cancel *t);
int64_t cancel_deadline(const struct co_cancel *t);
bool cancel_link(struct co_cancel *t, struct waitx *x); /* takes the token's lock and keeps it */
void cancel_linked(struct co_cancel *t);		/* gives it up */
void cancel_unlink(struct waitx *x);
void cancel_inherit(struct g *child, const struct g *parent);
void cancel_drop(struct g *gp);

/* select.c */
void select_forget(struct select *s);
void select_relocate(struct select *s, struct stack old, uint64_t delta);

#endif
