/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.h: how coroutines sleep and wake, and how everybody is stopped.
 *
 * gopark and goready are the only way to sleep and to wake.  What a coroutine waits for keeps a
 * list of Gs under a lock of its own; the one who parks hands its unlocking over:
 *
 *	lock(&c->lock);				somebody else, any thread:
 *	enqueue(c, getg());
 *	gopark_unlock(&c->lock, reason);	lock(&c->lock);
 *						gp = dequeue(c);
 *						unlock(&c->lock);
 *						goready(gp);
 *
 * The lock is given back when the coroutine is saved and waiting, by code on g0; so whoever finds
 * it in the list may make it ready, and another thread may run it at once.  A coroutine may go on
 * on another thread than it parked on: nothing of this_m, and no address of it, survives a call of
 * gopark.  Code on G therefore asks getg() and getm(), each time; code on g0 stays on its thread.
 */
#ifndef ST_RUNTIME_PROC_H
#define ST_RUNTIME_PROC_H

#include "runtime/lock.h"
#include "runtime/reason.h"
#include "runtime/runtime.h"

/*
 * Runs on g0 when the coroutine is saved and G_WAITING.  true: it sleeps, and whoever can find it
 * may have woken it already: do not touch it afterwards.  false: it goes on at once.
 */
typedef bool park_unlock_fn(struct g *gp, void *arg);

/* On g0: the rest of gopark, and what gopark_unlock hands over. */
void park0(struct g *gp);
bool park_give_back(struct g *gp, void *arg);

/*
 * On G: sleeps until goready.  unlock may be NULL.
 *
 * Inlined down to mcall, which comes back by jmp: each function between it and the program would
 * end in a ret that the processor mispredicts, since calls and returns of all coroutines share its
 * stack of return addresses.  Five of them were two fifths of a round trip over two channels.
 */
static inline void gopark(park_unlock_fn *unlock_fn, void *arg, enum wait_reason reason)
{
	struct m *mp = getm();

	mp->park_unlock = unlock_fn;
	mp->park_arg = arg;
	SET(mp->curg->wait_reason, (uint8_t)reason);
	mcall(park0);
}

/* On G: the same, and gives the lock back. */
static inline void gopark_unlock(struct lock *l, enum wait_reason reason)
{
	gopark(park_give_back, l, reason);
}

/* Whether the caller is a coroutine, or code that one has called on g0, and has a P. */
static inline bool may_ready(void)
{
	const struct m *mp = getm();

	return mp->curg && mp->p && !mp->in_signal;
}

/*
 * On G or on g0 of any thread: a coroutine that waits may run again, as the next on this P if there
 * is one.  Once for each gopark, by the one who took it out of where it waited.
 */
void goready(struct g *gp);

/* Lists of coroutines, through schedlink. */
static inline void gqueue_push(struct gqueue *q, struct g *gp)
{
	gp->schedlink = NULL;
	if (q->tail)
		q->tail->schedlink = gp;
	else
		q->head = gp;
	q->tail = gp;
	COUNT(q->size, 1);
}

static inline struct g *gqueue_pop(struct gqueue *q)
{
	struct g *gp = q->head;

	if (!gp)
		return NULL;
	q->head = gp->schedlink;
	if (!q->head)
		q->tail = NULL;
	COUNT(q->size, -1);
	return gp;
}

/*
 * The same for all of a list, which is empty afterwards: the first of them runs first, after those
 * that are ready already.
 */
void injectglist(struct gqueue *list);

/*
 * On g0 with a P: afterwards no other thread runs a coroutine or touches what Ps own, until
 * start_the_world on the same thread.  Coroutines are where they parked, in a blocking call, or
 * stopped in a call of the runtime, with their stacks as in gp->sched.  why is for reports.
 */
void stop_the_world(const char *why);
void start_the_world(void);

/* Calls fn for every P there is; the world is stopped, or what fn reads may change. */
void for_each_p(void (*fn)(struct p *p, void *arg), void *arg);

#endif
