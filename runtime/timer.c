/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer.c: heaps of timers.
 *
 * Nearly all timers are deadlines of calls that end long before: armed, and taken out soon.  A
 * pairing heap takes a timer in by one comparison and lets one go that has no children by two
 * writes; only the removal of the first one has work to do, logarithmic over time, which is done by
 * the thread that looks for something to run.  And it needs no memory of its own, so that a call
 * with a deadline cannot fail for want of it.
 *
 * Rejected: Go's heaps in arrays, which must be able to grow while a coroutine is half asleep, and
 * its lazy removal, which leaves the memory of a timer in use after its owner is done with it.
 * Rejected: a wheel: deadlines are exact to the clock here, and an idle wheel still turns.
 *
 * The member next is read without the lock by threads that look whether anything is due; it only
 * has to be right once the lock has been given up.
 */
#include "runtime/timer.h"

#include <time.h>

#include "runtime/netpoll.h"
#include "runtime/sched.h"

int64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void timers_init(struct timers *h)
{
	h->first = NULL;
	h->count = 0;
	h->next = TIMER_NEVER;
}

/* Makes one tree of two. */
static struct timer *meld(struct timer *a, struct timer *b)
{
	struct timer *t;

	if (!a || !b)
		return a ? a : b;
	if (b->when < a->when) {
		t = a;
		a = b;
		b = t;
	}
	b->next = a->child;
	if (b->next)
		b->next->back = b;
	b->back = a;
	a->child = b;
	return a;
}

/* Makes one tree of siblings: pairs from the left, then all from the right. */
static struct timer *meld_siblings(struct timer *t)
{
	struct timer *pairs = NULL, *all = NULL, *a, *b;

	while ((a = t)) {
		b = a->next;
		t = b ? b->next : NULL;
		a->next = NULL;
		if (b)
			b->next = NULL;
		a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while ((a = pairs)) {
		pairs = a->next;
		a->next = NULL;
		all = meld(all, a);
	}
	if (all)
		all->back = NULL;
	return all;
}

static void put(struct timers *h, struct timer *t)
{
	t->child = t->next = t->back = NULL;
	h->first = meld(h->first, t);
	COUNT(h->count, 1);
}

static void take(struct timers *h, struct timer *t)
{
	struct timer *rest = meld_siblings(t->child);

	COUNT(h->count, -1);
	if (t == h->first) {
		h->first = rest;
		return;
	}
	if (t->back->child == t)
		t->back->child = t->next;
	else
		t->back->next = t->next;
	if (t->next)
		t->next->back = t->back;
	h->first = meld(h->first, rest);
}

static void publish(struct timers *h)
{
	__atomic_store_n(&h->next, h->first ? h->first->when : TIMER_NEVER, __ATOMIC_RELAXED);
}

void timer_arm(struct timer *t, int64_t when)
{
	struct timers *h = &getp()->timers;
	bool first;

	lock(&h->lock);
	t->when = when;
	put(h, t);
	__atomic_store_n(&t->in, h, __ATOMIC_RELAXED);
	first = h->first == t;
	if (first)
		publish(h);
	unlock(&h->lock);
	/* From here on t may be gone. */
	if (first)
		netpoll_until(when);
}

bool timer_disarm(struct timer *t)
{
	struct timers *h;
	bool was = false;

	/* It may fire at this moment and be armed again, in another heap. */
	while (!was && (h = __atomic_load_n(&t->in, __ATOMIC_ACQUIRE))) {
		lock(&h->lock);
		if (__atomic_load_n(&t->in, __ATOMIC_RELAXED) == h && t->when != TIMER_NEVER) {
			take(h, t);
			publish(h);
			__atomic_store_n(&t->in, NULL, __ATOMIC_RELEASE);
			was = true;
		}
		unlock(&h->lock);
		if (!was)
			__builtin_ia32_pause();
	}
	return was;
}

/* Fires the first. */
static void fire(struct timers *h, int64_t now, struct gqueue *ready)
{
	struct timer *t = h->first;
	void (*unlocked)(struct timer *, int64_t) = t->unlocked;
	struct g *gp = NULL;
	int64_t again;

	take(h, t);
	again = t->fire(t, now, &gp);
	if (unlocked) {
		t->when = TIMER_NEVER; /* in a heap for timer_disarm, which waits, but not in it */
		publish(h);
		unlock(&h->lock);
		unlocked(t, now);
		lock(&h->lock);
	}
	if (again != TIMER_NEVER) {
		t->when = again;
		put(h, t);
	} else {
		/* The owner may go on as soon as it sees this. */
		__atomic_store_n(&t->in, NULL, __ATOMIC_RELEASE);
	}
	if (gp)
		gqueue_push(ready, gp);
}

int64_t timers_run(struct p *p, int64_t now)
{
	struct timers *h = &p->timers;
	struct gqueue ready = { 0 };

	if (timers_next(h) > now)
		return timers_next(h);
	lock(&h->lock);
	while (h->first && h->first->when <= now)
		fire(h, now, &ready);
	publish(h);
	unlock(&h->lock);
	/* While unlocked ran, who went to sleep did not see the timer that was put back since. */
	netpoll_until(timers_next(h));
	injectglist(&ready);
	return timers_next(h);
}
