/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutex.c: co_mutex.
 *
 * Like Go's it has two ways.  In the normal one a mutex that is given up is free for whoever comes
 * first; one of those who wait is woken to try, too.  That is fast, since who runs already need not
 * wait for others to be switched to, but who sleeps may come too late for ever.  So when one has
 * tried in vain for a millisecond, the mutex is handed from one to the next in the queue until that
 * is empty (STARVING).
 *
 * Without the lock, state changes from 0 to LOCKED and back only, and only by compare-and-swap.
 * While another bit is set that cannot happen, and who has the lock may store what it likes:
 *	WAITERS		the queue is not empty
 *	WOKEN		one was woken to try and has not tried yet: no other needs to be
 *	STARVING	who gives the mutex up hands it to the first in the queue, LOCKED as it is
 *
 * The functions run on G.
 */
#include <errno.h>

#include "runtime/probe.h"
#include "runtime/proc.h"
#include "runtime/wait.h"

struct mutex {
	uint32_t state; /* atomic */
	struct lock lock;
	struct waitq q;
};
_Static_assert(sizeof(struct mutex) == sizeof(struct co_mutex), "corun.h");

enum { LOCKED = 1, WAITERS = 2, WOKEN = 4, STARVING = 8 };
enum { TRY_AGAIN = 1, HANDED = 2 }; /* what who waits is told */

#define STARVES_AFTER 1000000 /* ns */

static bool cas(struct mutex *m, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&m->state, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/* With the lock held.  Whether the mutex was free, and is the caller's now. */
static bool take_or_announce(struct mutex *m, uint32_t announce, uint32_t done)
{
	uint32_t s = __atomic_load_n(&m->state, __ATOMIC_RELAXED), to;

	do {
		to = (s & ~done) | (s & LOCKED ? announce : LOCKED);
	} while (!__atomic_compare_exchange_n(&m->state, &s, to, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return !(s & LOCKED);
}

static int mutex_lock_slow(struct mutex *m, int64_t deadline, unsigned how)
{
	uint32_t announce = WAITERS, done = 0;
	int64_t since = 0;
	int rc;

	for (;;) {
		lock(&m->lock);
		if (take_or_announce(m, announce, done)) {
			unlock(&m->lock);
			return 0;
		}
		probe_mutex(getg(), m);
		if (!since)
			since = co_now();
		rc = wait_in_as(how, &m->q, &m->lock, NULL, WAIT_MUTEX, deadline);
		if (rc == HANDED)
			return 0;
		if (rc != TRY_AGAIN)
			break;
		how |= WAIT_FIRST;
		done = WOKEN;
		if (co_now() - since > STARVES_AFTER)
			announce |= STARVING;
	}
	/* Perhaps there was nobody but us. */
	lock(&m->lock);
	if (!m->q.first)
		__atomic_fetch_and(&m->state, ~(uint32_t)(WAITERS | STARVING), __ATOMIC_RELEASE);
	unlock(&m->lock);
	return rc;
}

static void mutex_unlock_slow(struct mutex *m)
{
	struct sudog *sg = NULL;
	struct g *gp = NULL;
	uint32_t s, to;

	lock(&m->lock);
	s = __atomic_load_n(&m->state, __ATOMIC_RELAXED);
	if (!(s & LOCKED)) {
		unlock(&m->lock);
		fatal_misuse("unlock of unlocked mutex");
	}
	if (s & STARVING || !(s & WOKEN))
		sg = waitq_take(&m->q);
	to = m->q.first ? WAITERS : 0;
	if (!sg) {
		to |= s & WOKEN;
	} else if (s & STARVING) {
		to |= (s & WOKEN) | LOCKED | (to ? STARVING : 0);
		gp = wait_end(sg, HANDED);
	} else {
		to |= WOKEN;
		gp = wait_end(sg, TRY_AGAIN);
	}
	__atomic_store_n(&m->state, to, __ATOMIC_RELEASE);
	unlock(&m->lock);
	if (gp)
		goready(gp);
}

static struct mutex *from(struct co_mutex *m)
{
	return (struct mutex *)m;
}

void co_mutex_lock(struct co_mutex *m)
{
	if (likely(cas(from(m), 0, LOCKED)))
		return;
	if (!tls_guard())
		fatal_misuse("wait for a mutex where nothing can wait");
	mutex_lock_slow(from(m), CO_FOREVER, WAIT_UNCANCELED);
}

int co_mutex_lock_until(struct co_mutex *m, int64_t deadline_ns)
{
	if (likely(cas(from(m), 0, LOCKED)))
		return 0;
	if (!tls_guard())
		return -EPERM;
	return mutex_lock_slow(from(m), deadline_ns, 0);
}

void co_mutex_unlock(struct co_mutex *m)
{
	if (unlikely(!cas(from(m), LOCKED, 0)))
		mutex_unlock_slow(from(m));
}
