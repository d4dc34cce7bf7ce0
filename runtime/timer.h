/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer.h: what is to happen at a time.  Each P has its own timers; who arms one puts it with the P
 * that it runs on, and it stays there until it fires or is taken out, by whomever.
 */
#ifndef ST_RUNTIME_TIMER_H
#define ST_RUNTIME_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/lock.h"

#define TIMER_NEVER INT64_MAX

struct g;
struct p;
struct timers;

struct timer {
	int64_t when;	   /* CLOCK_MONOTONIC, ns */
	struct timers *in; /* atomic; NULL: not armed, and whatever it did is done */
	struct timer *child, *next;
	struct timer *back; /* the one whose child or next it is */
	/*
	 * Called with the lock of the timers; ret is the coroutine that is to run, or NULL. Returns
	 * when it is to fire again, or TIMER_NEVER.
	 */
	int64_t (*fire)(struct timer *t, int64_t now, struct g **ret);
	/* If not NULL: called after fire, without the lock.  The timer is not armed meanwhile. */
	void (*unlocked)(struct timer *t, int64_t now);
};

/* A pairing heap.  Nothing is allocated, so that arming cannot fail. */
struct timers {
	struct lock lock;
	uint32_t count;
	int64_t next; /* atomic: when the first is due; TIMER_NEVER: none */
	struct timer *first;
} __attribute__((aligned(64)));

void timers_init(struct timers *h);

/* On any stack of a thread that has a P.  t is not armed. */
void timer_arm(struct timer *t, int64_t when);

/* Whether it was armed.  When it returns, the timer is not, and nobody touches it. */
bool timer_disarm(struct timer *t);

/* Fires what is due of p's: what waited for it is made ready.  Returns when the next is due. */
int64_t timers_run(struct p *p, int64_t now);

static inline int64_t timers_next(const struct timers *h)
{
	return __atomic_load_n(&h->next, __ATOMIC_RELAXED);
}

int64_t clock_now(void); /* CLOCK_MONOTONIC, ns */

#endif
