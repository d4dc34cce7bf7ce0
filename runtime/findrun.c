/* SPDX-License-Identifier: Apache-2.0 */
/*
 * findrun.c: what runs next, and who is woken to look for it.
 *
 * Problem: a coroutine that is ready while a P is idle is time lost; a thread that is woken and
 * finds nothing costs 5 us on each side, a hundred switches.  As in Go:
 *
 *	- a thread without work spins: it looks at all queues several times before it gives up its P
 *	  and sleeps, and at most half as many spin as run;
 *	- who makes a coroutine ready wakes a thread only if a P is idle and nobody spins;
 *	- the last that stops to spin because it found work wakes another: where one found some
 *	  there may be more.
 *
 * Unlike Go since 1.21 the first question is whether a P is idle, and it is asked by a plain read
 * of a line that is written only when Ps come and go.  Go moves shared lines at each wake-up, and
 * with that loses all of what a second processor gives to channels.
 *
 * No wake-up is lost.  One makes a coroutine ready: puts it into a queue, fence, reads idle_ps and
 * then spinning.  Another runs out of work: puts its P with the idle ones (idle_ps + 1), takes one
 * from spinning if it spun, fence, looks at all queues once more, sleeps.  The fences being what
 * fence.h says, one of these holds:
 *
 *	the second look sees the coroutine: the thread takes an idle P back, and runs it;
 *	or the reader sees idle_ps > 0.  If it also reads spinning = 0 it wakes a thread, which gets
 *	the P.  If it reads spinning > 0, it was some third thread's, whose own second look, or its
 *	search before that, is still to come.
 *
 * The second look must not be fooled by a thief that gave up: it asks whether queues are empty, and
 * takes nothing.  A P is put with the idle ones only when its queue is empty, so queues of idle Ps
 * need no look.  The global queue is under the lock under which Ps become idle.
 *
 * The deadlock: when the last thread goes to sleep with all Ps idle, no coroutine runs, and as a
 * queue is filled only by one that does, all are empty.  Then only what is outside can wake
 * anybody: calls that block (sched.blocked), descriptors and timers.
 *
 * Rejected: not to wake anybody for a coroutine in the first place of a queue, since its waker is
 * about to sleep as a rule.  It is right for channels, but a coroutine that wakes one and then
 * computes would leave a P idle until sysmon notices, milliseconds later.
 */
#include "runtime/netpoll.h"
#include "runtime/sched.h"

#define STEAL_ROUNDS 4
#define GLOBAL_EVERY 61 /* switches between looks at the global queue first, as in Go */
/* Some microseconds: who was just woken is left to its waker for so long. */
#define NEXT_SPINS 100

struct sched sched;

void globrunq_put(struct gqueue *list)
{
	struct gqueue *q = &sched.runq;

	if (!list->head)
		return;
	if (q->tail)
		q->tail->schedlink = list->head;
	else
		q->head = list->head;
	q->tail = list->tail;
	COUNT(q->size, list->size);
	*list = (struct gqueue){ 0 };
}

struct g *globrunq_get(struct p *p, uint32_t max)
{
	size_t n = sched.runq.size / sched.procs + 1;
	struct g *first, *gp;

	if (n > max)
		n = max;
	first = gqueue_pop(&sched.runq);
	while (first && --n && (gp = sched.runq.head) && runq_put(&p->runq, gp))
		gqueue_pop(&sched.runq);
	return first;
}

static bool global_waits(void)
{
	return __atomic_load_n(&sched.runq.size, __ATOMIC_RELAXED) != 0;
}

static struct g *take_global(struct p *p, uint32_t max)
{
	struct g *gp;

	lock(&sched.lock);
	gp = globrunq_get(p, max);
	unlock(&sched.lock);
	return gp;
}

static uint32_t spinning(void)
{
	return __atomic_load_n(&sched.spinning, __ATOMIC_SEQ_CST);
}

/* wakep, on g0. */
void wake_somebody(void);
void wake_somebody(void)
{
	uint32_t none = 0;
	struct p *p;

	if (spinning() || !__atomic_compare_exchange_n(&sched.spinning, &none, 1, false,
						       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return;
	lock(&sched.lock);
	p = pidle_get();
	unlock(&sched.lock);
	if (p)
		startm(p, true);
	else
		__atomic_fetch_sub(&sched.spinning, 1, __ATOMIC_SEQ_CST);
}

void handoffp(struct p *p)
{
	uint32_t none = 0;

	if (runq_size(&p->runq) || global_waits()) {
		startm(p, false);
		return;
	}
	/* Somebody should look for work, and nobody does. */
	if (!spinning() && !__atomic_load_n(&sched.idle_ps, __ATOMIC_SEQ_CST) &&
	    __atomic_compare_exchange_n(&sched.spinning, &none, 1, false, __ATOMIC_SEQ_CST,
					__ATOMIC_RELAXED)) {
		startm(p, true);
		return;
	}
	lock(&sched.lock);
	if (sched.runq.size) {
		unlock(&sched.lock);
		startm(p, false);
		return;
	}
	pidle_put(p);
	unlock(&sched.lock);
}

/* Found work: one looks less. */
static void spin_no_more(struct m *mp)
{
	if (spin_end(mp) && __atomic_load_n(&sched.idle_ps, __ATOMIC_RELAXED))
		wakep();
}

/* Whether who was woken last on p is still there after a while, and p switches to nobody. */
static bool next_is_left(const struct p *p)
{
	uint64_t tick = __atomic_load_n(&p->schedtick, __ATOMIC_RELAXED);
	const struct g *next = __atomic_load_n(&p->runq.next, __ATOMIC_RELAXED);
	unsigned i;

	for (i = 0; next && i < NEXT_SPINS; i++) {
		if (__atomic_load_n(&p->schedtick, __ATOMIC_RELAXED) != tick)
			return false;
		__builtin_ia32_pause();
	}
	return next != NULL;
}

static struct g *steal_from(struct p *victim, struct p *p, bool last_round)
{
	uint32_t n = runq_size(&victim->runq);

	if (!n)
		return NULL;
	if (n == 1 && __atomic_load_n(&victim->runq.next, __ATOMIC_RELAXED))
		return last_round && next_is_left(victim)
			       ? runq_steal(&victim->runq, &p->runq, true)
			       : NULL;
	return runq_steal(&victim->runq, &p->runq, false);
}

/* Half of what another P has, beginning with any of them. */
static struct g *steal_work(struct m *mp, struct p *p)
{
	uint32_t procs = sched.procs, round, i, at;
	struct g *gp;

	for (round = 0; round < STEAL_ROUNDS; round++) {
		mp->random = mp->random * 1664525 + 1013904223;
		at = (uint32_t)(((uint64_t)mp->random * procs) >> 32);
		for (i = 0; i < procs; i++, at = at + 1 == procs ? 0 : at + 1) {
			struct p *victim = p_at(at);

			if (__atomic_load_n(&p->stop, __ATOMIC_RELAXED))
				return NULL;
			if (victim == p)
				continue;
			gp = steal_from(victim, p, round == STEAL_ROUNDS - 1);
			if (gp)
				return gp;
		}
	}
	return NULL;
}

static void earliest(struct p *p, void *arg)
{
	int64_t *until = arg;

	if (timers_next(&p->timers) < *until)
		*until = timers_next(&p->timers);
}

int64_t timers_first(void)
{
	int64_t until = TIMER_NEVER;

	for_each_p(earliest, &until);
	return until;
}

static void fire_timers(struct p *p, void *now)
{
	timers_run(p, *(int64_t *)now);
}

/* Of all Ps, the idle ones and those whose coroutine computes. */
static void fire_all(void)
{
	int64_t now;

	if (timers_first() == TIMER_NEVER)
		return;
	now = clock_now();
	for_each_p(fire_timers, &now);
}

static void ask_netpoll(void)
{
	struct gqueue ready = { 0 };

	if (!netpoll_awaited())
		return;
	netpoll(0, &ready);
	injectglist(&ready);
}

/*
 * If nobody does, and something may come of it: sleeps in netpoll.  true: this thread has a P
 * again, and spins.
 */
static bool sleep_in_netpoll(struct m *mp)
{
	struct gqueue ready = { 0 };
	struct p *p = NULL;

	if ((timers_first() == TIMER_NEVER && !netpoll_awaited()) ||
	    __atomic_exchange_n(&sched.polled, true, __ATOMIC_SEQ_CST))
		return false;
	if (!__atomic_load_n(&sched.ending, __ATOMIC_SEQ_CST))
		netpoll(timers_first(), &ready);
	__atomic_store_n(&sched.polled, false, __ATOMIC_SEQ_CST);
	lock(&sched.lock);
	p = pidle_get();
	unlock(&sched.lock);
	if (p) {
		spin_begin(mp);
		acquirep(p);
	}
	injectglist(&ready);
	return p;
}

static bool may_spin(struct m *mp)
{
	uint32_t busy = sched.procs - __atomic_load_n(&sched.idle_ps, __ATOMIC_RELAXED);

	if (mp->spinning)
		return true;
	if (2 * spinning() >= busy)
		return false;
	spin_begin(mp);
	return true;
}

static bool somebody_waits(void)
{
	uint32_t i, procs = sched.procs;

	for (i = 0; i < procs; i++)
		if (runq_size(&p_at(i)->runq))
			return true;
	return global_waits();
}

/* Gives up the P and sleeps, unless there is work after all; has a P again afterwards. */
static struct g *nothing_to_run(struct m *mp)
{
	struct p *p = mp->p;
	struct g *gp = NULL;

	lock(&sched.lock);
	if (p->stop || sched.runq.size) {
		if (!p->stop)
			gp = globrunq_get(p, RUNQ_STEAL / 2);
		unlock(&sched.lock);
		return gp;
	}
	releasep();
	pidle_put(p);
	unlock(&sched.lock);
	spin_end(mp);
	fence_heavy();
	if (somebody_waits()) {
		lock(&sched.lock);
		p = pidle_get();
		unlock(&sched.lock);
		if (p) {
			spin_begin(mp);
			acquirep(p);
			return NULL;
		}
	}
	if (!sleep_in_netpoll(mp))
		stopm();
	return NULL;
}

static struct g *look(struct m *mp)
{
	struct p *p = mp->p;
	struct g *gp;

	if (unlikely(__atomic_load_n(&p->stop, __ATOMIC_RELAXED))) {
		world_pause();
		return NULL;
	}
	if (p->global_tick >= GLOBAL_EVERY) {
		p->global_tick = 0;
		ask_netpoll();
		if (global_waits() && (gp = take_global(p, 1)))
			return gp;
	}
	if (timers_next(&p->timers) != TIMER_NEVER)
		timers_run(p, clock_now());
	if ((gp = runq_get(&p->runq)))
		return gp;
	if (global_waits() && (gp = take_global(p, RUNQ_STEAL / 2)))
		return gp;
	ask_netpoll();
	if (may_spin(mp)) {
		fire_all();
		if ((gp = runq_get(&p->runq)) || (gp = steal_work(mp, p)))
			return gp;
	}
	return nothing_to_run(mp);
}

/* The thread is the same afterwards; the P may be another. */
struct g *find_runnable(void)
{
	struct m *mp = &this_m;
	struct g *gp;

	SET(mp->curg, NULL);
	do
		gp = look(mp);
	while (!gp);
	spin_no_more(mp);
	return gp;
}

void schedule(void)
{
	struct p *p = this_m.p;
	struct g *gp = NULL;

	if (unlikely(timers_next(&p->timers) != TIMER_NEVER))
		timers_run(p, clock_now());
	if (likely(!__atomic_load_n(&p->stop, __ATOMIC_RELAXED) && ++p->global_tick < GLOBAL_EVERY))
		gp = runq_get(&p->runq);
	if (unlikely(!gp))
		gp = find_runnable();
	execute(gp);
}

void runqput(struct p *p, struct g *gp)
{
	struct gqueue list = { 0 };

	if (likely(runq_put(&p->runq, gp)))
		return;
	/* No memory for a larger ring: lists need none. */
	gqueue_push(&list, gp);
	lock(&sched.lock);
	globrunq_put(&list);
	unlock(&sched.lock);
}
