/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.c: everybody stops, the number of Ps changes, everybody leaves.
 *
 * Problem: a collection, a search for addresses of a stack that moves, and a change of GOMAXPROCS
 * need that no coroutine runs.  A thread stops at the next point where it is in the scheduler
 * anyway (look in findrun.c), where its coroutine grows (newstack.c), or where it wants to stop the
 * world itself and another was faster.  So stopping takes as long as the longest way to such a
 * point.
 *
 * A thread that stops keeps its P and sleeps where it is (world_pause), as deep in calls on g0 as
 * it was; its coroutine, if it has one, is described by gp->sched and what lies on g0 above
 * m->stop_sp.  Ps that are idle, or wait for a call that blocks, are taken at once, and their
 * threads find them gone.
 *
 * Invariants, under sched.lock:
 *	- p->stop says that p's thread shall come here; sched.stop_wait counts those;
 *	- while the world is stopped no P is idle: wakep finds none;
 *	- a P of status P_STOPPED with p->m has its thread sleeping in world_pause.
 *
 * GOMAXPROCS is exact: when co_gomaxprocs(1) returns no other coroutine runs, so a P may be removed
 * only from a thread that stopped without a coroutine.  If too many stopped within one, the world
 * goes on and is stopped once more.  Ps that are no longer used keep their place for the next time.
 *
 * When the first coroutine ends everybody is told by the same word to leave (p->stop and ending);
 * nobody waits for each other, but co_run for all threads.
 */
#include <errno.h>
#include <limits.h>
#include <sys/mman.h>

#include "runtime/mcache.h"
#include "runtime/netpoll.h"
#include "runtime/sched.h"

#define STOPPED_FRAMES 512
#define LOOK_AGAIN     100000 /* ns: for Ps whose coroutine began a call that blocks */

/* sched.lock is held. */
static void p_stopped(struct p *p)
{
	if (!p->stop)
		return;
	__atomic_store_n(&p->stop, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&p->status, P_STOPPED, __ATOMIC_RELEASE);
	if (!sched.stopping)
		return;
	if (__atomic_sub_fetch(&sched.stop_wait, 1, __ATOMIC_RELEASE) == 0)
		futex_wake(&sched.stop_wait, 1);
}

void pidle_put(struct p *p)
{
	SET(p->m, NULL);
	if (p->stop) {
		p_stopped(p);
		return;
	}
	__atomic_store_n(&p->status, P_IDLE, __ATOMIC_RELEASE);
	p->link = sched.idle_p;
	sched.idle_p = p;
	__atomic_store_n(&sched.idle_ps, sched.idle_ps + 1, __ATOMIC_SEQ_CST);
}

struct p *pidle_get(void)
{
	struct p *p = sched.idle_p;

	if (!p)
		return NULL;
	sched.idle_p = p->link;
	__atomic_store_n(&sched.idle_ps, sched.idle_ps - 1, __ATOMIC_RELAXED);
	return p;
}

/* All registers that a caller may keep something in are on the stack above stop_sp. */
static __attribute__((noinline)) void sleep_stopped(struct m *mp, uint32_t epoch)
{
	__builtin_unwind_init();
	while (__atomic_load_n(&sched.epoch, __ATOMIC_ACQUIRE) == epoch)
		futex_wait(&sched.epoch, epoch, FOREVER);
	mp->stop_sp = 0;
}

void world_pause(void)
{
	struct m *mp = &this_m;
	struct p *p = mp->p;
	uint32_t epoch;

	lock(&sched.lock);
	if (!p->stop) {
		unlock(&sched.lock);
		return;
	}
	if (sched.ending && !sched.stopping) {
		releasep();
		p_stopped(p);
		unlock(&sched.lock);
		sanitize_gone(mp->curg);
		leave();
	}
	/* Far enough down for what sleep_stopped has on the stack. */
	mp->stop_sp = (uint64_t)__builtin_frame_address(0) - STOPPED_FRAMES;
	p_stopped(p);
	epoch = sched.epoch;
	unlock(&sched.lock);
	sleep_stopped(mp, epoch);
	if (!mp->p) {
		spin_end(mp);
		stopm();
	}
}

/* Takes Ps that wait for a call. */
static void stop_calls(void)
{
	uint32_t i, was;

	lock(&sched.lock);
	for (i = 0; i < sched.procs; i++) {
		struct p *p = sched.all_p[i];

		was = P_SYSCALL;
		if (p->stop && __atomic_compare_exchange_n(&p->status, &was, P_IDLE, false,
							   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			sched.blocked++;
			SET(p->m, NULL);
			p_stopped(p);
		}
	}
	unlock(&sched.lock);
}

void stop_the_world(const char *why)
{
	struct p *mine = this_m.p, *p;
	uint32_t i, n;

	lock(&sched.lock);
	while (sched.stopping) {
		unlock(&sched.lock);
		world_pause();
		lock(&sched.lock);
	}
	sched.stopping = why;
	while ((p = pidle_get()))
		__atomic_store_n(&p->status, P_STOPPED, __ATOMIC_RELAXED);
	for (i = 0; i < sched.procs; i++) {
		p = sched.all_p[i];
		if (p == mine || __atomic_load_n(&p->status, __ATOMIC_RELAXED) == P_STOPPED)
			continue;
		sched.stop_wait++;
		__atomic_store_n(&p->stop, 1, __ATOMIC_RELAXED);
	}
	unlock(&sched.lock);
	for (;;) {
		stop_calls();
		n = __atomic_load_n(&sched.stop_wait, __ATOMIC_ACQUIRE);
		if (!n)
			return;
		futex_wait(&sched.stop_wait, n, LOOK_AGAIN);
		preempt_late();
	}
}

/* sched.lock is held.  Those without a thread that have work are returned, through link. */
static struct p *restart(struct p *mine)
{
	struct p *orphans = NULL;
	uint32_t i;

	for (i = 0; i < sched.procs; i++) {
		struct p *p = sched.all_p[i];

		if (p == mine || GET(p->status) != P_STOPPED)
			continue;
		if (p->m) {
			p->stop = sched.ending;
			__atomic_store_n(&p->status, P_RUNNING, __ATOMIC_RELEASE);
		} else if (sched.ending) {
			continue;
		} else if (runq_size(&p->runq)) {
			/* On its way: who stops the world next waits for it. */
			__atomic_store_n(&p->status, P_IDLE, __ATOMIC_RELAXED);
			p->link = orphans;
			orphans = p;
		} else {
			pidle_put(p);
		}
	}
	return orphans;
}

void start_the_world(void)
{
	struct p *orphans, *p;

	lock(&sched.lock);
	sched.stopping = NULL;
	orphans = restart(this_m.p);
	__atomic_store_n(&sched.epoch, sched.epoch + 1, __ATOMIC_RELEASE);
	unlock(&sched.lock);
	futex_wake(&sched.epoch, INT_MAX);
	while ((p = orphans)) {
		orphans = p->link;
		startm(p, false);
	}
	if (__atomic_load_n(&sched.idle_ps, __ATOMIC_RELAXED))
		wakep();
}

void world_end(void)
{
	struct p *p;
	struct m *mp;
	uint32_t i;

	lock(&sched.lock);
	while (sched.stopping) {
		unlock(&sched.lock);
		world_pause();
		lock(&sched.lock);
	}
	__atomic_store_n(&sched.ending, true, __ATOMIC_SEQ_CST);
	while ((p = pidle_get()))
		SET(p->status, P_STOPPED);
	for (i = 0; i < sched.procs; i++)
		if (GET(sched.all_p[i]->status) != P_STOPPED)
			__atomic_store_n(&sched.all_p[i]->stop, 1, __ATOMIC_RELAXED);
	while ((mp = sched.idle_m)) {
		sched.idle_m = mp->idle_link;
		sched.idle_ms--;
		thread_wake(&mp->bed);
	}
	p = releasep();
	p_stopped(p);
	unlock(&sched.lock);
	if (__atomic_load_n(&sched.polled, __ATOMIC_SEQ_CST))
		netpoll_break();
	leave();
}

void for_each_p(void (*fn)(struct p *p, void *arg), void *arg)
{
	uint32_t i;

	for (i = 0; i < sched.made; i++)
		fn(sched.all_p[i], arg);
}

static struct p *p_new(void)
{
	struct p *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	p->mcache = mcache_new();
	if (!p->mcache) {
		munmap(p, sizeof(*p));
		return NULL;
	}
	runq_init(&p->runq);
	timers_init(&p->timers);
	p->status = P_STOPPED;
	return p;
}

/* Makes all_p have n. */
static int ps_make(uint32_t n)
{
	struct p *p;

	for (; sched.made < n; sched.made++) {
		p = p_new();
		if (!p)
			return -ENOMEM;
		p->id = sched.made;
		sched.all_p[sched.made] = p;
	}
	return 0;
}

static void p_retire(struct p *p)
{
	struct gqueue list = { 0 };

	runq_drain(&p->runq, &list);
	globrunq_put(&list);
	/* Its thread sleeps in world_pause. */
	if (p->m)
		p->m->p = NULL;
	p->m = NULL;
	gfree_give(p);
	mcache_flush(p->mcache);
	__atomic_store_n(&p->status, P_DEAD, __ATOMIC_RELEASE);
}

static void place(uint32_t i, struct p *p)
{
	__atomic_store_n(&sched.all_p[i], p, __ATOMIC_RELAXED);
	p->id = i;
}

/* The world is stopped.  -EAGAIN: more than n threads are within a coroutine. */
static int resize(uint32_t n)
{
	uint32_t within = 0, i;

	/* They go first, ours among them. */
	for (i = 0; i < sched.procs; i++) {
		struct p *p = sched.all_p[i];

		if (p->m && p->m->curg) {
			place(i, sched.all_p[within]);
			place(within++, p);
		}
	}
	if (within > n)
		return -EAGAIN;
	if (ps_make(n))
		return -ENOMEM;
	lock(&sched.lock);
	for (i = n; i < sched.procs; i++)
		p_retire(sched.all_p[i]);
	for (i = sched.procs; i < n; i++)
		sched.all_p[i]->status = P_STOPPED;
	__atomic_store_n(&sched.procs, n, __ATOMIC_RELAXED);
	unlock(&sched.lock);
	return 0;
}

/* co_gomaxprocs, on g0. */
int gomaxprocs(int n);
int gomaxprocs(int n)
{
	int rc, before;

	if (n < 0)
		return -EINVAL;
	if (!may_ready())
		return -EPERM;
	if (n > MAX_PROCS)
		n = MAX_PROCS;
	/* What a collector in between is to read of our stack: how much is used is not known here.
	 */
	this_m.curg->sched.sp = this_m.curg->stack.lo;
	do {
		stop_the_world("GOMAXPROCS");
		before = (int)sched.procs;
		rc = n ? resize((uint32_t)n) : 0;
		start_the_world();
		/* They shall be faster. */
		if (rc == -EAGAIN)
			thread_sleep(&this_m.bed, LOOK_AGAIN);
	} while (rc == -EAGAIN);
	return rc ? rc : before;
}

int ps_begin(uint32_t n)
{
	int rc = ps_make(n);

	if (rc)
		return rc;
	sched.procs = n;
	/* On its way to the thread that calls us; another may steal from it before. */
	sched.all_p[0]->status = P_IDLE;
	while (n-- > 1)
		pidle_put(sched.all_p[n]);
	return 0;
}

void ps_end(void)
{
	uint32_t i;

	for (i = 0; i < sched.made; i++) {
		runq_free(&sched.all_p[i]->runq);
		munmap(sched.all_p[i], sizeof(struct p));
	}
	sched.made = sched.procs = 0;
}
