/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.c: Ms, and the threads that they are.
 *
 * The first is the thread that called co_run; more are made when a P has work and no thread sleeps.
 * A thread without a P sleeps on its own word, last in first out, so that the one which is warmest
 * goes on; it is woken with the P that it shall run.  When co_run ends all leave, and it waits
 * until the last has: nobody runs on memory that is unmapped then.
 *
 * The M of a thread lives in its thread-local storage, where assembly and gdb find it by one
 * instruction, and is in sched.all_m as long as the thread may touch a coroutine.
 *
 * It blocks the signals that co_run's caller did, as in Go, and not those of the thread that made
 * it: that may be sysmon, which blocks all, SIGSEGV at a guard page and SIGURG included.
 *
 * The stack of a thread is g0: calls of the C library, of co_call and co_syscall run there, so it
 * has the size that threads have (ulimit -s).  If that much address space is not to be had, SMALL
 * will do for most.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "runtime/call.h"
#include "runtime/netpoll.h"
#include "runtime/sched.h"

#define SMALL (256u << 10)

static sigset_t blocked; /* by co_run's caller */

__thread struct m this_m __attribute__((tls_model("local-exec")));

int thread_begin(void)
{
	struct m *mp = &this_m;
	int rc = signal_stack_install();

	if (rc)
		return rc;
	if (!GET(sched.threads))
		pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	mp->random = (uint32_t)(uintptr_t)mp;
	mp->thread = (uint64_t)pthread_self();
	sanitize_thread();
	lock(&sched.lock);
	mp->id = sched.next_m++;
	mp->all_link = sched.all_m;
	sched.all_m = mp;
	unlock(&sched.lock);
	return 0;
}

void thread_end(void)
{
	struct m *mp = &this_m, **at;

	lock(&sched.lock);
	for (at = &sched.all_m; *at && *at != mp; at = &(*at)->all_link)
		;
	if (*at)
		*at = mp->all_link;
	unlock(&sched.lock);
	signal_stack_remove();
}

static void run_first(void)
{
	acquirep(this_m.next_p);
	execute(find_runnable());
}

/* The first thing a thread is given is a P, and whether it is one of those that spin. */
static void *thread_main(void *arg)
{
	this_m.next_p = (struct p *)((uintptr_t)arg & ~(uintptr_t)1);
	SET(this_m.spinning, (uintptr_t)arg & 1);
	if (thread_begin())
		fatal("out of memory: no alternate stack for the signals of a thread");
	pthread_sigmask(SIG_SETMASK, &blocked, NULL);
	g0_enter(run_first);
	thread_end();
	lock(&sched.lock);
	this_m.all_link = sched.left;
	sched.left = &this_m;
	sched.left_count++;
	unlock(&sched.lock);
	futex_wake(&sched.left_count, 1);
	return NULL;
}

static int create(void *(*fn)(void *), void *arg, size_t stack_size)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	if (stack_size)
		pthread_attr_setstacksize(&attr, stack_size);
	rc = pthread_create(&thread, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	return rc;
}

int thread_create(void *(*fn)(void *), void *arg)
{
	return create(fn, arg, 0) ? create(fn, arg, SMALL) : 0;
}

static bool newm(struct p *p, bool spinning)
{
	static bool complained;
	void *arg = (void *)((uintptr_t)p | spinning);
	int rc;

	__atomic_add_fetch(&sched.threads, 1, __ATOMIC_RELAXED);
	rc = thread_create(thread_main, arg);
	if (!rc)
		return true;
	__atomic_sub_fetch(&sched.threads, 1, __ATOMIC_RELAXED);
	if (!__atomic_exchange_n(&complained, true, __ATOMIC_RELAXED))
		complain("cannot start another thread: %s; going on with %u", strerror(rc),
			 sched.threads);
	return false;
}

/* There is no thread for it: those that are there find its coroutines. */
static void leave_idle(struct p *p, bool spinning)
{
	struct gqueue list = { 0 };

	if (spinning)
		__atomic_fetch_sub(&sched.spinning, 1, __ATOMIC_SEQ_CST);
	runq_drain(&p->runq, &list);
	lock(&sched.lock);
	globrunq_put(&list);
	pidle_put(p);
	unlock(&sched.lock);
}

void startm(struct p *p, bool spinning)
{
	struct m *mp;

	lock(&sched.lock);
	mp = sched.idle_m;
	if (mp) {
		sched.idle_m = mp->idle_link;
		sched.idle_ms--;
	}
	unlock(&sched.lock);
	if (!mp) {
		if (!newm(p, spinning))
			leave_idle(p, spinning);
		return;
	}
	SET(mp->spinning, spinning);
	mp->next_p = p;
	thread_wake(&mp->bed);
}

/* sched.lock is held.  See findrun.c. */
static bool is_deadlock(void)
{
	return sched.idle_ps == sched.procs && !sched.runq.size && !sched.blocked &&
	       !calls_awaited() && !__atomic_load_n(&sched.polled, __ATOMIC_SEQ_CST) &&
	       !netpoll_awaited() && timers_first() == TIMER_NEVER;
}

void stopm(void)
{
	struct m *mp = &this_m;

	lock(&sched.lock);
	if (sched.ending) {
		unlock(&sched.lock);
		leave();
	}
	mp->next_p = NULL;
	mp->idle_link = sched.idle_m;
	sched.idle_m = mp;
	sched.idle_ms++;
	if (is_deadlock())
		fatal_deadlock();
	unlock(&sched.lock);
	thread_sleep(&mp->bed, FOREVER);
	if (!mp->next_p)
		leave();
	acquirep(mp->next_p);
}

void acquirep(struct p *p)
{
	SET(this_m.p, p);
	SET(p->m, &this_m);
	__atomic_store_n(&p->status, P_RUNNING, __ATOMIC_RELEASE);
}

struct p *releasep(void)
{
	struct p *p = this_m.p;

	SET(this_m.p, NULL);
	SET(p->m, NULL);
	return p;
}

void leave(void)
{
	SET(this_m.curg, NULL);
	SET(this_m.p, NULL);
	SET(this_m.spinning, false);
	g0_leave();
}

void threads_join(void)
{
	struct m *mp;
	uint32_t seen;

	while (__atomic_load_n(&sched.threads, __ATOMIC_RELAXED) > 1) {
		lock(&sched.lock);
		mp = sched.left;
		if (mp)
			sched.left = mp->all_link;
		seen = sched.left_count;
		unlock(&sched.lock);
		if (!mp) {
			futex_wait(&sched.left_count, seen, FOREVER);
			continue;
		}
		pthread_join((pthread_t)mp->thread, NULL);
		__atomic_sub_fetch(&sched.threads, 1, __ATOMIC_RELAXED);
	}
}
