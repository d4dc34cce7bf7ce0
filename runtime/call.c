/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c: calls that block, with a deadline or under a token.
 *
 * Problem: nothing ends a call that waits in the kernel or in the C library for a disk, a FIFO
 * without a peer, or a name server.  It cannot be interrupted in a way that works for all of them,
 * but whoever waits for it can give it up.
 *
 * So such a call is made on a thread that is no M, while the coroutine parks like any other, with
 * its deadline and its token.  What comes first ends the wait.  A call that was given up goes on,
 * and whatever it does in the kernel still happens; its thread then drops what it brought.
 * Therefore it must not touch anything of the coroutine's, whose stack moves and may be gone: it
 * has copies of its arguments, and room of its own for what it brings, in memory of malloc.
 *
 * A call belongs to its coroutine and to its thread until one of them says, under pool.lock, that
 * it is done or given up; the other then drops it.  It is in pool.calls until both have let go.
 *
 * There are as many threads as calls at the same time, since one that waits for ever must not hold
 * up another; up to KEEP stay for the next ones.  A call costs two wake-ups of threads, 10 to 40
 * us.  Where there is neither deadline nor token calls therefore go the way of syscall.c.
 *
 * Of co_syscall_until the program's function cannot know whether it was given up, and it and the
 * caller would have to agree on who of them frees the argument.  The runtime knows: hence drop.
 *
 * The end of co_run.  First no call wakes anybody any more (calls_stop): the Ms leave, and what
 * they run on is going to be given back.  When they have left (calls_end), all calls are given up
 * and idle threads joined.  Those in a call are left alone, with nothing but memory of malloc, the
 * table of descriptors, and what is in this file: they end themselves, or serve the next co_run.
 *
 * Rejected: to interrupt calls by signals.  It needs a signal with a handler, which are the
 * program's; it comes to nothing right before the call begins; and neither a disk nor the resolver
 * cares.  Rejected: io_uring, which can cancel what is its own: containers forbid it as a rule,
 * names and co_syscall_until would need the threads all the same, and a cancelled operation on a
 * file has to be waited for, too.  Rejected: to have the call on the coroutine's M and leave that
 * behind: what lies on the stack of g0 then, and the M itself, would have to outlive co_run.
 */
#include "runtime/call.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sched.h"
#include "runtime/wait.h"

#define KEEP 64 /* threads without a call */

/* A thread that makes calls; on its own stack. */
struct caller {
	struct caller *next; /* in pool.idle */
	struct call *call;   /* NULL: it is to end */
	struct bed bed;
	pthread_t thread;
};

static struct {
	struct lock lock;
	bool open; /* co_run is under way, and those who wait may be woken */
	struct call *calls;
	struct caller *idle;
	uint32_t idle_count, threads;
	uint32_t waking; /* threads that are about to make a coroutine ready */
	uint32_t waits;	 /* atomic: coroutines that wait, or are about to, or just did */
} pool;

bool calls_awaited(void)
{
	return __atomic_load_n(&pool.waits, __ATOMIC_SEQ_CST) != 0;
}

uint32_t calls_threads(void)
{
	return GET(pool.threads);
}

uint32_t calls_idle(void)
{
	return GET(pool.idle_count);
}

/* --- the list of calls; with the lock ------------------------------------------------------- */

static void list_add(struct call *c)
{
	c->next = pool.calls;
	c->link = &pool.calls;
	if (c->next)
		c->next->link = &c->next;
	pool.calls = c;
}

static void list_remove(struct call *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
}

/* --- the threads ---------------------------------------------------------------------------- */

/* Afterwards the call is its coroutine's, or gone.  Who is to be woken is counted in waking. */
static struct g *finish(struct call *c)
{
	struct sudog *sg = NULL;
	bool given_up;

	lock(&pool.lock);
	given_up = c->given_up;
	if (given_up) {
		list_remove(c);
	} else {
		c->done = true;
		if (pool.open)
			sg = waitq_take(&c->q);
		if (sg)
			SET(pool.waking, pool.waking + 1);
	}
	unlock(&pool.lock);
	if (given_up)
		c->drop(c);
	return sg ? wait_end(sg, 0) : NULL;
}

static void wake(struct g *gp)
{
	bool last;

	goready(gp);
	lock(&pool.lock);
	__atomic_store_n(&pool.waking, pool.waking - 1, __ATOMIC_RELEASE);
	last = !pool.waking && !pool.open;
	unlock(&pool.lock);
	if (last)
		futex_wake(&pool.waking, 1);
}

/* false: it is not needed any more. */
static bool rest(struct caller *self)
{
	bool stays;

	lock(&pool.lock);
	stays = pool.open && pool.idle_count < KEEP;
	if (stays) {
		self->next = pool.idle;
		pool.idle = self;
		SET(pool.idle_count, pool.idle_count + 1);
	} else {
		SET(pool.threads, pool.threads - 1);
	}
	unlock(&pool.lock);
	if (stays)
		thread_sleep(&self->bed, FOREVER);
	else
		pthread_detach(self->thread);
	return stays;
}

static void *caller_main(void *arg)
{
	struct caller self = { .call = arg, .thread = pthread_self() };
	struct g *gp;

	pthread_setname_np(self.thread, "corun-call");
	do {
		self.call->make(self.call);
		gp = finish(self.call);
		if (gp)
			wake(gp);
	} while (rest(&self) && self.call);
	return NULL;
}

/* With the lock. */
static struct caller *take_idle(void)
{
	struct caller *w = pool.idle;

	if (!w)
		return NULL;
	pool.idle = w->next;
	SET(pool.idle_count, pool.idle_count - 1);
	return w;
}

/* call_start, on g0: from now on a thread has it.  -EAGAIN. */
int call_start0(struct call *c);
int call_start0(struct call *c)
{
	struct caller *w;

	lock(&pool.lock);
	list_add(c);
	w = take_idle();
	if (w)
		w->call = c;
	else
		SET(pool.threads, pool.threads + 1);
	unlock(&pool.lock);
	if (w) {
		thread_wake(&w->bed);
		return 0;
	}
	if (!thread_create(caller_main, c))
		return 0;
	lock(&pool.lock);
	list_remove(c);
	SET(pool.threads, pool.threads - 1);
	unlock(&pool.lock);
	return -EAGAIN;
}

/* --- the coroutine -------------------------------------------------------------------------- */

int call_start(struct call *c);

/* call_new, on g0. */
void *call_new0(size_t size);
void *call_new0(size_t size)
{
	struct call *c = NULL;

	if (!(unlikely(settings.fail_at) && debug_fail()))
		c = malloc(size);
	if (c)
		memset(c, 0, sizeof(*c));
	return c;
}

/* Whether it is done, and so the caller's; else it is given up. */
static bool settle(struct call *c)
{
	bool done;

	lock(&pool.lock);
	done = c->done;
	if (done)
		list_remove(c);
	else
		c->given_up = true;
	unlock(&pool.lock);
	return done;
}

/* From wait_in to settle the wait has ended, whatever the call does meanwhile. */
int call_until(struct call *c, int64_t deadline)
{
	int rc = wait_prepare(deadline, 0);

	if (!rc)
		rc = call_start(c);
	if (rc) {
		c->refused = rc == -ENOMEM || rc == -EAGAIN;
		call_drop(c);
		return rc;
	}
	__atomic_fetch_add(&pool.waits, 1, __ATOMIC_SEQ_CST);
	lock(&pool.lock);
	if (c->done)
		unlock(&pool.lock);
	else
		rc = wait_in(&c->q, &pool.lock, NULL, WAIT_SYSCALL, deadline);
	__atomic_fetch_sub(&pool.waits, 1, __ATOMIC_SEQ_CST);
	return settle(c) ? 0 : rc;
}

/* --- co_syscall_until ----------------------------------------------------------------------- */

struct function_call {
	struct call call;
	co_fn *fn, *drop;
	void *arg;
};

static void function_make(void *arg)
{
	struct function_call *f = arg;

	f->fn(f->arg);
}

static void function_drop(void *arg)
{
	struct function_call *f = arg;

	if (f->drop && !f->call.refused)
		f->drop(f->arg);
	free(f);
}

int co_syscall_until(co_fn *fn, void *arg, co_fn *drop, int64_t deadline_ns)
{
	struct function_call *f;
	int rc;

	if (!tls_guard())
		return -EPERM;
	if (!call_may_end(deadline_ns))
		return co_syscall(fn, arg);
	f = call_new(sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->call.make = function_make;
	f->call.drop = function_drop;
	f->fn = fn;
	f->drop = drop;
	f->arg = arg;
	rc = call_until(&f->call, deadline_ns);
	if (rc)
		return rc;
	f->drop = NULL; /* it stays the caller's */
	call_drop(&f->call);
	return 0;
}

/* --- begin and end -------------------------------------------------------------------------- */

void calls_begin(void)
{
	lock(&pool.lock);
	pool.open = true;
	unlock(&pool.lock);
}

void calls_stop(void)
{
	uint32_t n;

	lock(&pool.lock);
	pool.open = false;
	unlock(&pool.lock);
	while ((n = __atomic_load_n(&pool.waking, __ATOMIC_ACQUIRE)))
		futex_wait(&pool.waking, n, FOREVER);
}

/* Gives all calls up.  Those that are done are returned, through next. */
static struct call *give_up_all(void)
{
	struct call *c, *next, *done = NULL;

	for (c = pool.calls; c; c = next) {
		next = c->next;
		if (c->given_up)
			continue;
		if (c->q.first)
			waitq_remove(c->q.first);
		if (!c->done) {
			c->given_up = true;
			continue;
		}
		list_remove(c);
		c->next = done;
		done = c;
	}
	return done;
}

void calls_end(void)
{
	struct call *done, *c;
	struct caller *w;
	pthread_t thread;

	lock(&pool.lock);
	done = give_up_all();
	unlock(&pool.lock);
	while ((c = done)) {
		done = c->next;
		c->drop(c);
	}
	pool.waits = 0;
	for (;;) {
		lock(&pool.lock);
		w = take_idle();
		if (w)
			SET(pool.threads, pool.threads - 1);
		unlock(&pool.lock);
		if (!w)
			break;
		thread = w->thread;
		w->call = NULL;
		thread_wake(&w->bed);
		pthread_join(thread, NULL);
	}
}
