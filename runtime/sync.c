/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync.c: locks for readers and writers, wait groups, semaphores, conditions, and once.
 *
 * Each has a lock of the runtime that protects a few words and a queue.  What is given up is handed
 * to who waits, in the order of the queue, before anybody else can come: a coroutine that is woken
 * has what it came for.
 *
 * The functions run on G.
 */
#include <errno.h>

#include "runtime/probe.h"
#include "runtime/proc.h"
#include "runtime/wait.h"

#define SAME_SIZE(a, b) _Static_assert(sizeof(struct a) == sizeof(struct b), "corun.h")

/* --- rwlock --------------------------------------------------------------------------------- */

struct rwlock {
	struct lock lock;
	uint32_t readers; /* that have it */
	uint32_t writer;  /* 1: one has it */
	uint32_t pad;
	struct waitq q;
};
SAME_SIZE(rwlock, co_rwlock);

enum { READER, WRITER }; /* index of the sudog */

/* With the lock held: gives it to those at the head of the queue who can have it together. */
static void rwlock_grant(struct rwlock *l)
{
	struct gqueue woken = { 0 };
	struct sudog *sg;

	while ((sg = l->q.first) && !l->writer && !(sg->index == WRITER && l->readers)) {
		waitq_remove(sg);
		if (sg->shared && !claim(sg->g))
			continue;
		if (sg->index == WRITER)
			l->writer = 1;
		else
			l->readers++;
		gqueue_push(&woken, wait_end(sg, 0));
	}
	injectglist(&woken);
}

static int rwlock_lock(struct rwlock *l, unsigned kind, int64_t deadline, unsigned how)
{
	struct g *gp = getg();
	int rc;

	lock(&l->lock);
	if (!l->q.first && !l->writer && !(kind == WRITER && l->readers)) {
		if (kind == WRITER)
			l->writer = 1;
		else
			l->readers++;
		unlock(&l->lock);
		return 0;
	}
	if (!tls_guard()) {
		unlock(&l->lock);
		return -EPERM;
	}
	probe_mutex(gp, l);
	gp->sudog.index = kind;
	rc = wait_in_as(how, &l->q, &l->lock, NULL,
			kind == WRITER ? WAIT_WRITE_LOCK : WAIT_READ_LOCK, deadline);
	if (!rc)
		return 0;
	/* Those behind may have waited for nothing but us. */
	lock(&l->lock);
	rwlock_grant(l);
	unlock(&l->lock);
	return rc;
}

static struct rwlock *rwlock_of(struct co_rwlock *l)
{
	return (struct rwlock *)l;
}

int co_rwlock_read_until(struct co_rwlock *l, int64_t deadline_ns)
{
	return rwlock_lock(rwlock_of(l), READER, deadline_ns, 0);
}

int co_rwlock_write_until(struct co_rwlock *l, int64_t deadline_ns)
{
	return rwlock_lock(rwlock_of(l), WRITER, deadline_ns, 0);
}

static void rwlock_lock_surely(struct rwlock *l, unsigned kind)
{
	if (rwlock_lock(l, kind, CO_FOREVER, WAIT_UNCANCELED))
		fatal_misuse("wait for a lock where nothing can wait");
}

void co_rwlock_read(struct co_rwlock *l)
{
	rwlock_lock_surely(rwlock_of(l), READER);
}

void co_rwlock_write(struct co_rwlock *l)
{
	rwlock_lock_surely(rwlock_of(l), WRITER);
}

void co_rwlock_unread(struct co_rwlock *rw)
{
	struct rwlock *l = rwlock_of(rw);

	lock(&l->lock);
	if (!l->readers) {
		unlock(&l->lock);
		fatal_misuse("unlock of a lock that no reader has");
	}
	if (!--l->readers)
		rwlock_grant(l);
	unlock(&l->lock);
}

void co_rwlock_unwrite(struct co_rwlock *rw)
{
	struct rwlock *l = rwlock_of(rw);

	lock(&l->lock);
	if (!l->writer) {
		unlock(&l->lock);
		fatal_misuse("unlock of a lock that no writer has");
	}
	l->writer = 0;
	rwlock_grant(l);
	unlock(&l->lock);
}

/* --- wait group ----------------------------------------------------------------------------- */

struct wait_group {
	struct lock lock;
	uint32_t pad;
	int64_t count;
	struct waitq q;
};
SAME_SIZE(wait_group, co_wg);

void co_wg_add(struct co_wg *group, int64_t n)
{
	struct wait_group *w = (struct wait_group *)group;

	lock(&w->lock);
	if (__builtin_add_overflow(w->count, n, &w->count) || w->count < 0) {
		unlock(&w->lock);
		fatal_misuse("negative count of a wait group");
	}
	if (!w->count)
		waitq_wake_all(&w->q, 0);
	unlock(&w->lock);
}

void co_wg_done(struct co_wg *group)
{
	co_wg_add(group, -1);
}

int co_wg_wait_until(struct co_wg *group, int64_t deadline_ns)
{
	struct wait_group *w = (struct wait_group *)group;

	if (!tls_guard())
		return -EPERM;
	lock(&w->lock);
	if (w->count)
		return wait_in_as(0, &w->q, &w->lock, NULL, WAIT_GROUP, deadline_ns);
	unlock(&w->lock);
	return 0;
}

int co_wg_wait(struct co_wg *group)
{
	return co_wg_wait_until(group, CO_FOREVER);
}

/* --- semaphore ------------------------------------------------------------------------------ */

struct semaphore {
	uint32_t count; /* more than 0 only while nobody waits */
	struct lock lock;
	struct waitq q;
};
SAME_SIZE(semaphore, co_sem);

int co_sem_wait_until(struct co_sem *sem, int64_t deadline_ns)
{
	struct semaphore *s = (struct semaphore *)sem;

	if (!tls_guard())
		return -EPERM;
	lock(&s->lock);
	if (!s->count)
		return wait_in_as(0, &s->q, &s->lock, NULL, WAIT_SEMAPHORE, deadline_ns);
	s->count--;
	unlock(&s->lock);
	return 0;
}

int co_sem_wait(struct co_sem *sem)
{
	return co_sem_wait_until(sem, CO_FOREVER);
}

int co_sem_post(struct co_sem *sem)
{
	struct semaphore *s = (struct semaphore *)sem;
	struct sudog *sg;
	int rc = 0;

	if (!getg() || getm()->in_signal)
		return -EPERM;
	lock(&s->lock);
	sg = waitq_take(&s->q);
	if (!sg && s->count == UINT32_MAX)
		rc = -EOVERFLOW;
	else if (!sg)
		s->count++;
	unlock(&s->lock);
	if (sg)
		goready(wait_end(sg, 0));
	return rc;
}

/* --- condition ------------------------------------------------------------------------------ */

struct condition {
	struct lock lock;
	uint32_t pad;
	struct waitq q;
};
SAME_SIZE(condition, co_cond);

int co_cond_wait_until(struct co_cond *cond, struct co_mutex *m, int64_t deadline_ns)
{
	struct condition *c = (struct condition *)cond;
	int rc;

	if (!tls_guard())
		return -EPERM;
	/* Who gets the mutex next finds us in the queue. */
	lock(&c->lock);
	co_mutex_unlock(m);
	rc = wait_in_as(0, &c->q, &c->lock, NULL, WAIT_COND, deadline_ns);
	co_mutex_lock(m);
	return rc;
}

int co_cond_wait(struct co_cond *cond, struct co_mutex *m)
{
	return co_cond_wait_until(cond, m, CO_FOREVER);
}

void co_cond_signal(struct co_cond *cond)
{
	struct condition *c = (struct condition *)cond;
	struct sudog *sg;

	lock(&c->lock);
	sg = waitq_take(&c->q);
	unlock(&c->lock);
	if (sg)
		goready(wait_end(sg, 0));
}

void co_cond_broadcast(struct co_cond *cond)
{
	struct condition *c = (struct condition *)cond;

	lock(&c->lock);
	waitq_wake_all(&c->q, 0);
	unlock(&c->lock);
}

/* --- once ----------------------------------------------------------------------------------- */

void co_once(struct co_once *o, co_fn *fn, void *arg)
{
	if (likely(__atomic_load_n(&o->done, __ATOMIC_ACQUIRE)))
		return;
	co_mutex_lock(&o->mutex);
	if (!o->done) {
		fn(arg);
		__atomic_store_n(&o->done, 1, __ATOMIC_RELEASE);
	}
	co_mutex_unlock(&o->mutex);
}
