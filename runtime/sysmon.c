/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysmon.c: the thread that takes Ps out of calls that block.
 *
 * As in Go it looks at all Ps at intervals of 20 us, which double up to 10 ms while it finds
 * nothing to do.  A P that is in the same call at two looks is taken: at once if coroutines wait on
 * it or nobody else looks for work, else after 10 ms, since it is not missed.
 *
 * Unlike Go's it is not there until the first co_syscall, and sleeps while no coroutine is in one.
 * That it does not sleep through a call is the same question as in findrun.c: the caller says
 * P_SYSCALL, fence_light, looks whether sysmon sleeps; sysmon says that it does, fence_heavy, looks
 * for a P in a call once more.
 *
 * With GODEBUG=schedtrace it is there from the beginning, does not sleep for longer than the lines
 * are apart, and prints them.
 *
 * It has no P and runs no coroutine.  Signals are left to the others.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "runtime/sched.h"

#define DELAY_MIN 20000 /* ns */
#define DELAY_MAX 10000000
#define PATIENCE  10000000 /* with a P that nobody misses */
#define CALM	  50	   /* looks in vain before the delay doubles */

enum state { ABSENT, AWAKE, ASLEEP, ENDING, IMPOSSIBLE };

static struct {
	uint32_t state; /* enum state */
	struct lock lock;
	struct bed bed;
	pthread_t thread;
	int64_t traced; /* when the last line was printed */
} mon;

static uint32_t state(void)
{
	return __atomic_load_n(&mon.state, __ATOMIC_SEQ_CST);
}

static bool in_call(const struct p *p)
{
	return __atomic_load_n(&p->status, __ATOMIC_ACQUIRE) == P_SYSCALL;
}

static bool any_in_call(void)
{
	uint32_t i, procs = __atomic_load_n(&sched.procs, __ATOMIC_RELAXED);

	for (i = 0; i < procs; i++)
		if (in_call(p_at(i)))
			return true;
	return false;
}

static bool is_missed(const struct p *p)
{
	return runq_size(&p->runq) || !(__atomic_load_n(&sched.idle_ps, __ATOMIC_RELAXED) +
					__atomic_load_n(&sched.spinning, __ATOMIC_RELAXED));
}

static bool retake(struct p *p, int64_t now)
{
	uint32_t tick = __atomic_load_n(&p->syscalltick, __ATOMIC_RELAXED), was = P_SYSCALL;
	bool got;

	if (p->seen_tick != tick || !p->seen_at) {
		p->seen_tick = tick;
		p->seen_at = now;
		return false;
	}
	if (!is_missed(p) && now - p->seen_at < PATIENCE)
		return false;
	lock(&sched.lock);
	got = !p->stop && __atomic_compare_exchange_n(&p->status, &was, P_IDLE, false,
						      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
	if (got) {
		sched.blocked++;
		SET(p->m, NULL);
	}
	unlock(&sched.lock);
	if (got)
		handoffp(p);
	return got;
}

static bool retake_all(void)
{
	uint32_t i, procs = __atomic_load_n(&sched.procs, __ATOMIC_RELAXED);
	int64_t now = nanotime();
	bool any = false;

	for (i = 0; i < procs; i++)
		if (in_call(p_at(i)))
			any |= retake(p_at(i), now);
	return any;
}

static void sleep_without_calls(int64_t most)
{
	uint32_t was = AWAKE;

	__atomic_compare_exchange_n(&mon.state, &was, ASLEEP, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_RELAXED);
	fence_heavy();
	if (!any_in_call() && state() == ASLEEP)
		thread_sleep(&mon.bed, most);
	was = ASLEEP;
	__atomic_compare_exchange_n(&mon.state, &was, AWAKE, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_RELAXED);
}

/* Prints what is due; returns how long there is until the next line. */
static int64_t trace(void)
{
	int64_t every = (int64_t)settings.schedtrace * 1000000, now;

	if (!every)
		return FOREVER;
	now = nanotime();
	if (now >= mon.traced + every) {
		mon.traced = now;
		schedtrace(now, settings.scheddetail > 0);
	}
	return mon.traced + every - now;
}

static void *sysmon(void *arg)
{
	int64_t delay = DELAY_MIN, until_trace;
	unsigned calm = 0;

	(void)arg;
	while (state() != ENDING) {
		until_trace = trace();
		if (!any_in_call()) {
			sleep_without_calls(until_trace);
			delay = DELAY_MIN;
			calm = 0;
			continue;
		}
		thread_sleep(&mon.bed, delay < until_trace ? delay : until_trace);
		if (retake_all()) {
			delay = DELAY_MIN;
			calm = 0;
		} else if (++calm > CALM && delay < DELAY_MAX) {
			delay = delay * 2 < DELAY_MAX ? delay * 2 : DELAY_MAX;
		}
	}
	return NULL;
}

static void start(void)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&mon.thread, NULL, sysmon, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		complain("cannot start the thread that watches calls that block: %s; they hold up "
			 "other coroutines",
			 strerror(rc));
	__atomic_store_n(&mon.state, rc ? IMPOSSIBLE : AWAKE, __ATOMIC_SEQ_CST);
}

static void notice_slow(void)
{
	lock(&mon.lock);
	if (state() == ABSENT)
		start();
	unlock(&mon.lock);
	if (state() == ASLEEP)
		thread_wake(&mon.bed);
}

void sysmon_notice(void)
{
	uint32_t now;

	fence_light();
	now = __atomic_load_n(&mon.state, __ATOMIC_RELAXED);
	if (unlikely(now == ABSENT || now == ASLEEP))
		notice_slow();
}

void sysmon_begin(void)
{
	schedtrace_begin();
	if (settings.schedtrace)
		notice_slow();
}

void sysmon_end(void)
{
	if (state() == AWAKE || state() == ASLEEP) {
		__atomic_store_n(&mon.state, ENDING, __ATOMIC_SEQ_CST);
		thread_wake(&mon.bed);
		pthread_join(mon.thread, NULL);
	}
	memset(&mon, 0, sizeof(mon));
}
